//! Contacts with a fixed code, for app store reviewers and for tests of apps: nothing is sent to them, and quotas don't
//! apply.

use std::collections::HashMap;

use crate::config::{Env, Secret, Setting};
use domain::contact::{EmailAddress, PhoneNumber};

pub const SETTINGS: &[Setting] = &[
    Setting::optional(
        "TEST_CONTACTS",
        "Contacts with a fixed code and a scenario, for app store reviewers and CI: +15005550100=123456:delivered,reviewer@example.com=654321. Scenarios: delivered (the default), slow, undelivered, provider-down, locked. Nothing is sent to them.",
    ),
    Setting::new(
        "TEST_CONTACTS_REAL",
        "off",
        "on or off: whether test contacts may be outside the ranges reserved for fictional use. Anyone who knows the code of such a contact can verify it.",
    ),
];

/// The simulated course of a message to a test contact, so that an app can test its waiting page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// Sent, then delivered.
    Delivered,
    /// Sent after some seconds, delivered after some more.
    Slow,
    /// Sent, then undelivered.
    Undelivered,
    /// Never sent: no provider accepts it.
    ProviderDown,
    /// Delivered, and locked by the first guess, right or wrong.
    Locked,
}

impl Scenario {
    const ALL: [Scenario; 5] =
        [Scenario::Delivered, Scenario::Slow, Scenario::Undelivered, Scenario::ProviderDown, Scenario::Locked];

    /// Its name in the setting and in rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Scenario::Delivered => "delivered",
            Scenario::Slow => "slow",
            Scenario::Undelivered => "undelivered",
            Scenario::ProviderDown => "provider-down",
            Scenario::Locked => "locked",
        }
    }

    /// The scenario with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scenario| scenario.as_str() == text)
    }
}

/// One contact with a fixed code.
#[derive(Clone, Debug)]
pub struct TestContact {
    /// Upper case, as codes are compared.
    pub code: Secret,
    pub scenario: Scenario,
}

impl TestContact {
    /// Maximum attempts of a verification of this contact; `default` is that of other contacts.
    pub fn max_attempts(&self, default: i32) -> i32 {
        if self.scenario == Scenario::Locked { 1 } else { default }
    }
}

/// Every test contact, by its comparison key.
#[derive(Clone, Debug, Default)]
pub struct TestContacts(HashMap<String, TestContact>);

impl TestContacts {
    pub fn from_env(env: &Env) -> Self {
        let real = env.switch("TEST_CONTACTS_REAL");
        Self(env.list("TEST_CONTACTS", |item| entry(item, real)).into_iter().collect())
    }

    /// The test contact with this comparison key.
    pub fn get(&self, contact_key: &str) -> Option<&TestContact> {
        self.0.get(contact_key)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn entry(item: &str, real: bool) -> Result<(String, TestContact), String> {
    let (contact, rest) =
        item.split_once('=').ok_or_else(|| format!("{item:?} is not CONTACT=CODE or CONTACT=CODE:SCENARIO"))?;
    let (code, name) = rest.split_once(':').unwrap_or((rest, "delivered"));
    let scenario = Scenario::parse(name).ok_or_else(|| format!("{name:?} is not a scenario of a test contact"))?;
    if !(6..=10).contains(&code.len()) || !code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(format!("the code of {contact:?} must be 6 to 10 letters or digits"));
    }
    let key = if contact.contains('@') {
        let address = EmailAddress::parse(contact)
            .map_err(|reason| format!("{contact:?} is not an e-mail address: {reason:?}"))?;
        // RFC 2606 and RFC 6761: reserved names, which have no mailboxes.
        let domain = address.key().rsplit('@').next().unwrap_or_default();
        let reserved = ["example.com", "example.org", "example.net"].contains(&domain)
            || [".example", ".test", ".invalid"].iter().any(|ending| domain.ends_with(ending));
        (reserved || real).then(|| address.key().to_owned())
    } else {
        let number =
            PhoneNumber::parse_lenient(contact).map_err(|reason| format!("{contact:?} is not in E.164: {reason:?}"))?;
        (number.is_fictional() || real).then(|| number.as_str().to_owned())
    };
    let key = key.ok_or_else(|| {
        format!("{contact:?} could be a real contact: use one reserved for fictional use, or set TEST_CONTACTS_REAL=on")
    })?;
    Ok((key, TestContact { code: Secret::new(code.to_ascii_uppercase()), scenario }))
}
