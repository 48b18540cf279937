//! Numbering plans: which number the digits reach.

use std::{
    collections::HashMap,
    sync::{LazyLock, OnceLock},
};

use phonenumber::metadata::{DATABASE, Descriptor, Metadata};
use regex::Regex;

use super::{PhoneNumber, PhoneRejection};
use crate::contact::Region;

/// The type of a number in its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Mobile,
    /// The plan does not distinguish the two.
    FixedLineOrMobile,
    FixedLine,
    PremiumRate,
    TollFree,
    SharedCost,
    Voip,
    PersonalNumber,
    Pager,
    /// One number for a whole company.
    CompanyNumber,
    Voicemail,
    Satellite,
}

impl Kind {
    /// Why no code is sent to this type; None if codes are sent.
    pub fn rejection(self) -> Option<PhoneRejection> {
        match self {
            Kind::Mobile | Kind::FixedLineOrMobile => None,
            Kind::FixedLine | Kind::CompanyNumber | Kind::Voicemail => Some(PhoneRejection::NotAMobileNumber),
            Kind::PremiumRate => Some(PhoneRejection::PremiumRate),
            Kind::TollFree => Some(PhoneRejection::TollFree),
            Kind::SharedCost => Some(PhoneRejection::SharedCost),
            Kind::Voip => Some(PhoneRejection::Voip),
            Kind::PersonalNumber => Some(PhoneRejection::PersonalNumber),
            Kind::Pager => Some(PhoneRejection::Pager),
            Kind::Satellite => Some(PhoneRejection::Satellite),
        }
    }
}

/// A number with its type.
#[derive(Debug)]
pub struct Found {
    pub number: PhoneNumber,
    pub kind: Kind,
}

/// ITU-T E.164, 6.2: at most 15 digits with the country code. Numbers with fewer than 7 can't be called from abroad.
const LENGTH: std::ops::RangeInclusive<usize> = 7..=15;

/// Digits with their country code, checked by syntax only.
pub fn from_digits(digits: &str) -> Result<PhoneNumber, PhoneRejection> {
    if digits.len() < *LENGTH.start() {
        return Err(PhoneRejection::TooShort);
    }
    if digits.len() > *LENGTH.end() {
        return Err(PhoneRejection::TooLong);
    }
    let (country_code, national) = split(digits).ok_or(PhoneRejection::Invalid)?;
    Ok(number(country_code, national, resolve(country_code, national).map(|(plan, _)| plan)))
}

/// Digits dialled after a plus.
pub fn international(digits: &str, possible: bool) -> Result<Found, PhoneRejection> {
    let (country_code, national) = match split(digits) {
        Some(split) => split,
        None if digits.len() < *LENGTH.start() => return Err(PhoneRejection::TooShort),
        None => return Err(PhoneRejection::Invalid),
    };
    if let Some(found) = find(country_code, national) {
        return Ok(found);
    }
    // `+82 (0)10…`: the trunk prefix of the national form was not removed.
    let plans = PLANS.by_code.get(&country_code).map_or(&[][..], Vec::as_slice);
    // A rule that adds an area code is for numbers dialled within the area: here it would make another number.
    plans
        .iter()
        .filter_map(|plan| plan.without_trunk_prefix(national).filter(|rest| rest.len() <= national.len()))
        .find_map(|rest| find(country_code, &rest))
        .or_else(|| plans.first().filter(|_| possible)?.unassigned_mobile(national))
        .ok_or_else(|| rejection_for_unassigned(plans.first(), national))
}

/// Digits dialled within a region.
pub fn national(digits: &str, region: Region, possible: bool) -> Result<Found, PhoneRejection> {
    let plan = PLANS.of(region).ok_or(PhoneRejection::Invalid)?;
    let code = plan.metadata.country_code();
    let stripped = plan.without_trunk_prefix(digits);
    let candidates = [stripped.as_deref(), Some(digits)];
    if let Some(found) = candidates.into_iter().flatten().find_map(|national| find(code, national)) {
        return Ok(found);
    }
    if let Some(rest) = plan.without_international_prefix(digits) {
        return international(rest, possible);
    }
    // `82 10…`: the plus was omitted.
    if let Some(found) = digits.strip_prefix(&code.to_string()).and_then(|_| international(digits, false).ok()) {
        return Ok(found);
    }
    if digits.strip_prefix("00").is_some_and(|rest| international(rest, possible).is_ok()) {
        return Err(PhoneRejection::NeedsPlus);
    }
    let national = stripped.as_deref().unwrap_or(digits);
    plan.unassigned_mobile(national).filter(|_| possible).ok_or_else(|| rejection_for_unassigned(Some(plan), national))
}

/// The prefix dialled before a number within its region: `0`, or nothing.
pub fn trunk_prefix(country_code: u16, region: Option<Region>) -> &'static str {
    let plan = region.and_then(|region| PLANS.of(region)).or_else(|| PLANS.by_code.get(&country_code)?.first());
    let prefix = plan.and_then(|plan| plan.metadata.national_prefix()).unwrap_or("");
    // North America's 1 is for long distance from a landline, and is not written in national numbers.
    if country_code == 1 { "" } else { prefix }
}

/// The metadata with the formats of numbers with this country code: that of the main region.
pub fn metadata(country_code: u16) -> Option<&'static Metadata> {
    PLANS.by_code.get(&country_code)?.first().map(|plan| plan.metadata)
}

fn find(country_code: u16, national: &str) -> Option<Found> {
    let (plan, kind) = resolve(country_code, national)?;
    let fits = LENGTH.contains(&(national.len() + country_code.checked_ilog10()? as usize + 1));
    fits.then(|| Found { number: number(country_code, national, Some(plan)), kind })
}

fn number(country_code: u16, national: &str, plan: Option<&Plan>) -> PhoneNumber {
    let region = plan.and_then(|plan| Region::parse(plan.metadata.id()));
    PhoneNumber { e164: format!("+{country_code}{national}"), country_code, region }
}

/// Country codes are prefix-free (E.164, 6.2.1), so the first match is the only one.
fn split(digits: &str) -> Option<(u16, &str)> {
    (1..=3).find_map(|length| {
        let (code, national) = digits.split_at_checked(length)?;
        let code = code.parse().ok().filter(|_| !code.starts_with('0'))?;
        PLANS.by_code.contains_key(&code).then_some((code, national))
    })
}

/// The plan that assigns the number, and its type there.
fn resolve(country_code: u16, national: &str) -> Option<(&'static Plan, Kind)> {
    let plans = PLANS.by_code.get(&country_code)?;
    // Regions that share a country code: some are identified by leading digits, the main one by its patterns.
    plans.iter().find_map(|plan| {
        let leading = plan.rules().leading.as_ref();
        let matches_leading = leading.is_none_or(|leading| leading.is_match(national));
        matches_leading.then(|| plan.kind(national)).flatten().map(|kind| (plan, kind))
    })
}

/// The reason to reject digits that no plan assigns: by the lengths of mobile numbers in the nearest plan.
fn rejection_for_unassigned(plan: Option<&Plan>, national: &str) -> PhoneRejection {
    let lengths = plan.map_or((0, usize::MAX), Plan::mobile_lengths);
    match national.len() {
        length if length < lengths.0 => PhoneRejection::TooShort,
        length if length > lengths.1 => PhoneRejection::TooLong,
        _ => PhoneRejection::Invalid,
    }
}

struct Plan {
    metadata: &'static Metadata,
    rules: OnceLock<Rules>,
}

/// The plan's patterns, compiled on first use.
struct Rules {
    general: Pattern,
    kinds: Vec<(Kind, Pattern)>,
    leading: Option<Regex>,
    trunk_prefix: Option<Regex>,
    international_prefix_digits: Option<&'static str>,
}

/// A pattern for a whole number. (The crate's own check also accepts a number that only begins with a match.)
struct Pattern {
    whole: Option<Regex>,
    lengths: Vec<u16>,
}

impl Pattern {
    fn of(descriptor: &Descriptor) -> Self {
        let whole = compile(&format!("^(?:{})$", descriptor.national_number().as_str()));
        Self { whole, lengths: descriptor.possible_length().to_vec() }
    }

    fn fits(&self, national: &str) -> bool {
        let length = u16::try_from(national.len()).unwrap_or(u16::MAX);
        let possible = self.lengths.is_empty() || self.lengths.contains(&length);
        possible && self.whole.as_ref().is_some_and(|whole| whole.is_match(national))
    }
}

/// The metadata writes its patterns over several lines. A pattern that does not compile matches nothing; a test
/// compiles all.
fn compile(pattern: &str) -> Option<Regex> {
    regex::RegexBuilder::new(pattern).ignore_whitespace(true).unicode(false).build().ok()
}

impl Plan {
    fn rules(&self) -> &Rules {
        self.rules.get_or_init(|| {
            let of = self.metadata.descriptors();
            // In libphonenumber's order: an expensive type takes precedence.
            let kinds = [
                (Kind::PremiumRate, of.premium_rate()),
                (Kind::TollFree, of.toll_free()),
                (Kind::SharedCost, of.shared_cost()),
                (Kind::Voip, of.voip()),
                (Kind::PersonalNumber, of.personal_number()),
                (Kind::Pager, of.pager()),
                (Kind::CompanyNumber, of.uan()),
                (Kind::Voicemail, of.voicemail()),
                (Kind::FixedLine, of.fixed_line()),
                (Kind::Mobile, of.mobile()),
            ];
            let start = |pattern: &str| compile(&format!("^(?:{pattern})"));
            let for_parsing = self.metadata.national_prefix_for_parsing().map(|pattern| pattern.as_str());
            let trunk_prefix = for_parsing.or(self.metadata.national_prefix());
            let international_prefix_digits = self.metadata.international_prefix().map(|pattern| pattern.as_str());
            Rules {
                general: Pattern::of(of.general()),
                kinds: kinds.into_iter().filter_map(|(kind, of)| Some((kind, Pattern::of(of?)))).collect(),
                leading: self.metadata.leading_digits().and_then(|pattern| start(pattern.as_str())),
                trunk_prefix: trunk_prefix.and_then(start),
                international_prefix_digits: international_prefix_digits
                    .filter(|prefix| prefix.bytes().all(|byte| byte.is_ascii_digit())),
            }
        })
    }

    /// The type of the number; None if the plan does not assign it.
    fn kind(&self, national: &str) -> Option<Kind> {
        let rules = self.rules();
        if let Some(kind) = non_geographic(self.metadata.country_code()) {
            return rules.general.fits(national).then_some(kind);
        }
        if !rules.general.fits(national) || is_excluded_by_plan(self.metadata.country_code(), national) {
            return None;
        }
        let mut fitting = rules.kinds.iter().filter(|(_, pattern)| pattern.fits(national)).map(|(kind, _)| *kind);
        match fitting.next()? {
            Kind::FixedLine if fitting.any(|kind| kind == Kind::Mobile) => Some(Kind::FixedLineOrMobile),
            kind => Some(kind),
        }
    }

    /// The number without the trunk prefix, if it begins with one.
    fn without_trunk_prefix(&self, digits: &str) -> Option<String> {
        let prefix = self.rules().trunk_prefix.as_ref()?;
        let found = prefix.captures(digits)?;
        let whole = found.get(0)?;
        let last_group = found.get(found.len() - 1).filter(|_| found.len() > 1);
        match (self.metadata.national_prefix_transform_rule(), last_group) {
            (Some(rule), Some(_)) => Some(prefix.replace(digits, rule).into_owned()),
            _ if whole.is_empty() => None,
            _ => Some(digits[whole.end()..].to_owned()),
        }
    }

    /// The digits after the international prefix (`00`, `011`), if the region has only one. Where carriers have their
    /// own, as in Korea, `0081…` may be Japan or a carrier's `008` and then 1: such a number needs a plus.
    fn without_international_prefix<'a>(&self, digits: &'a str) -> Option<&'a str> {
        digits.strip_prefix(self.rules().international_prefix_digits?)
    }

    /// A number that the plan does not assign (yet), with the length of its mobile numbers.
    fn unassigned_mobile(&self, national: &str) -> Option<Found> {
        let code = self.metadata.country_code();
        let mobile = &self.rules().kinds.iter().find(|(kind, _)| *kind == Kind::Mobile)?.1.lengths;
        let fits = mobile.iter().any(|length| usize::from(*length) == national.len());
        let known =
            non_geographic(code).is_some() || is_excluded_by_plan(code, national) || resolve(code, national).is_some();
        let found = || Found { number: number(code, national, Some(self)), kind: Kind::Mobile };
        (fits && !known && !national.starts_with('0')).then(found)
    }

    /// The smallest and the largest length of a mobile number.
    fn mobile_lengths(&self) -> (usize, usize) {
        let rules = self.rules();
        let mobile = rules.kinds.iter().find(|(kind, _)| *kind == Kind::Mobile).map(|(_, pattern)| &pattern.lengths);
        let lengths = mobile.filter(|lengths| !lengths.is_empty()).unwrap_or(&rules.general.lengths);
        let ends = lengths.iter().min().zip(lengths.iter().max());
        ends.map_or((0, usize::MAX), |(min, max)| (usize::from(*min), usize::from(*max)))
    }
}

/// The types of the country codes without a country (ITU-T E.164, annex to the Operational Bulletin).
fn non_geographic(country_code: u16) -> Option<Kind> {
    match country_code {
        800 => Some(Kind::TollFree),
        808 => Some(Kind::SharedCost),
        870 | 881..=883 => Some(Kind::Satellite),
        878 => Some(Kind::PersonalNumber),
        888 => Some(Kind::CompanyNumber),
        979 => Some(Kind::PremiumRate),
        _ => None,
    }
}

/// Numbers that the metadata accepts and the plan does not. Korean numbers after 010 have eight digits; the metadata
/// also accepts seven, as after the former 011 to 019, and a number with a missing digit would reach another person.
fn is_excluded_by_plan(country_code: u16, national: &str) -> bool {
    country_code == 82 && national.starts_with("10") && national.len() != 10
}

struct Plans {
    by_code: HashMap<u16, Vec<Plan>>,
    by_region: HashMap<Region, (u16, usize)>,
}

impl Plans {
    fn of(&self, region: Region) -> Option<&Plan> {
        let (code, index) = self.by_region.get(&region)?;
        self.by_code.get(code)?.get(*index)
    }
}

static PLANS: LazyLock<Plans> = LazyLock::new(|| {
    let mut plans = Plans { by_code: HashMap::new(), by_region: HashMap::new() };
    for code in 1..=999 {
        for (index, metadata) in DATABASE.by_code(&code).into_iter().flatten().enumerate() {
            plans.by_code.entry(code).or_default().push(Plan { metadata, rules: OnceLock::new() });
            if let Some(region) = Region::parse(metadata.id()) {
                plans.by_region.insert(region, (code, index));
            }
        }
    }
    plans
});

/// The regions with mobile numbers, and their patterns.
#[cfg(test)]
pub fn mobile_patterns() -> impl Iterator<Item = (Region, &'static str)> {
    let mut regions: Vec<_> = PLANS.by_region.keys().copied().collect();
    regions.sort_unstable();
    regions.into_iter().filter_map(|region| {
        let mobile = PLANS.of(region)?.metadata.descriptors().mobile()?;
        Some((region, mobile.national_number().as_str()))
    })
}

#[cfg(test)]
pub fn country_code(region: Region) -> u16 {
    PLANS.by_region[&region].0
}

/// The regions whose metadata has an invalid pattern.
#[cfg(test)]
pub fn invalid_patterns() -> Vec<String> {
    let broken = |plan: &&Plan| {
        let rules = plan.rules();
        let prefix = plan.metadata.national_prefix_for_parsing().is_some() && rules.trunk_prefix.is_none();
        let leading = plan.metadata.leading_digits().is_some() && rules.leading.is_none();
        let kinds = rules.kinds.iter().any(|(_, pattern)| pattern.whole.is_none());
        prefix || leading || kinds || rules.general.whole.is_none()
    };
    let plans = PLANS.by_code.values().flatten();
    plans.filter(broken).map(|plan| plan.metadata.id().to_owned()).collect()
}
