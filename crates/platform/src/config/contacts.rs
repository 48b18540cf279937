//! Settings of the contacts that the service sends to.

use crate::config::{Env, Setting, TestContacts};
use domain::contact::{NumberRules, PhoneNumber, Region};

pub const SETTINGS: &[Setting] = &[
    Setting::new(
        "DEFAULT_REGION",
        "KR",
        "The region of phone numbers typed without a country code: two letters, ISO 3166-1.",
    ),
    Setting::new(
        "PHONE_NUMBERS",
        "valid",
        "valid: only numbers that the numbering plan of their country assigns, as of this version. possible: also other \
         numbers with the length of mobile numbers in that country; this accepts newly assigned ranges, and also \
         mistyped numbers.",
    ),
    Setting::optional(
        "ALLOWED_REGIONS",
        "Regions whose numbers get messages, ISO 3166-1: DE,AT,US or all. Unset: only the default region, as a protection from toll \
         fraud; with ENVIRONMENT=development all regions, as long as only the provider development sends messages to \
         phones.",
    ),
];

/// The contacts that the service sends to.
#[derive(Clone, Debug)]
pub struct Contacts {
    /// How numbers are parsed; the region is that of numbers without a country code.
    pub numbers: NumberRules,
    allowed: Allowed,
    pub test: TestContacts,
}

#[derive(Clone, Debug)]
enum Allowed {
    All,
    Only(Vec<Region>),
}

impl Contacts {
    /// `billed`: whether messages to phones go to a provider that charges for them.
    pub fn from_env(env: &Env, billed: bool) -> Self {
        let region = |text: &str| {
            Region::parse(text).ok_or_else(|| format!("must be a region of ISO 3166-1, such as DE or US, not {text:?}"))
        };
        let default_region = env.parse("DEFAULT_REGION", region);
        let allowed = match env.text("ALLOWED_REGIONS") {
            None if env.is_development() && !billed => Allowed::All,
            None => Allowed::Only(vec![default_region]),
            Some(text) if text.eq_ignore_ascii_case("all") => Allowed::All,
            Some(_) => Allowed::Only(env.list("ALLOWED_REGIONS", region)),
        };
        let possible = env.choice("PHONE_NUMBERS", &[("valid", false), ("possible", true)]);
        Self {
            numbers: NumberRules { region: default_region, allow_unassigned: possible },
            allowed,
            test: TestContacts::from_env(env),
        }
    }

    /// Whether the region of this number is allowed.
    pub fn allows(&self, number: &PhoneNumber) -> bool {
        match &self.allowed {
            Allowed::All => true,
            Allowed::Only(regions) => number.region().is_some_and(|region| regions.contains(&region)),
        }
    }

    /// Whether messages go to Korean numbers only.
    pub fn is_korean(&self) -> bool {
        matches!(&self.allowed, Allowed::Only(regions) if regions.iter().all(|region| region.as_str() == "KR"))
    }

    /// The test contact with this number in E.164. Such numbers need not belong to a region.
    pub fn test_number(&self, text: &str) -> Option<PhoneNumber> {
        let number = PhoneNumber::parse_lenient(text).ok()?;
        self.test.get(number.as_str()).map(|_| number)
    }
}
