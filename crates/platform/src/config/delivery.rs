//! Settings of delivery. The settings of each provider are defined in its own file (`crates/providers`).

use std::{collections::BTreeMap, num::NonZeroU32, time::Duration};

use crate::config::{Env, Setting};
use domain::channel::Channel;

pub const SETTINGS: &[Setting] = &[
    Setting::new(
        "SMS_PROVIDER",
        "development",
        "Providers of text messages, in order of failover. docs/delivery.md lists the names; the settings of each \
         provider are below its name. Change it before real users sign in.",
    ),
    Setting::optional(
        "VOICE_PROVIDER",
        "Providers of voice calls, which read codes aloud, in order of failover; or none. Unset: none, or development if \
         SMS_PROVIDER contains it.",
    ),
    Setting::new(
        "EMAIL_PROVIDER",
        "development",
        "Providers of e-mail, in order of failover; or none. Change it together with SMS_PROVIDER.",
    ),
    Setting::new(
        "PROVIDER_TIMEOUT",
        "5s",
        "Timeout of a request to a provider. A longer one leaves fewer sends with an unknown outcome, and makes failover \
         slower. For mail servers see SMTP_TIMEOUT.",
    ),
    Setting::new(
        "RECEIPT_TIMEOUT",
        "45s",
        "How long to wait for a receipt, from providers that send them, before the message is sent once more by the next route.",
    ),
    Setting::new(
        "DISPATCH_CONCURRENCY",
        "128",
        "How many messages of each channel one process sends at the same time. Keep it above PROVIDER_CONCURRENCY, so that \
         providers are not idle while results are stored.",
    ),
    Setting::new(
        "PROVIDER_CONCURRENCY",
        "32",
        "How many requests one process makes to a provider at the same time. To set it for a single provider: 32, aligo=4.",
    ),
    Setting::new(
        "PROVIDER_RATE",
        "unlimited,aligo=10,vonage=30",
        "Messages per second that one process sends to a provider, for all providers or by name. Divide the rate that your \
         contract allows by the number of processes.",
    ),
    Setting::new(
        "RECEIPT_POLLS_PER_MINUTE",
        "120",
        "Status requests per minute to a provider that does not send receipts by itself, for all processes together.",
    ),
];

/// A value for all providers, with different values for some of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerProvider<T> {
    all: T,
    named: BTreeMap<String, T>,
}

impl<T: Copy> PerProvider<T> {
    /// `16` or `16, aligo=4`.
    fn parse(text: &str, value: impl Fn(&str) -> Result<T, String>) -> Result<Self, String> {
        let (mut all, mut named) = (None, BTreeMap::new());
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some((name, one)) => drop(named.insert(name.trim().to_ascii_lowercase(), value(one.trim())?)),
                None if all.is_none() => all = Some(value(part)?),
                None => {
                    return Err(format!("must be one value for all providers, then name=value for some, not {text:?}"));
                }
            }
        }
        let all = all.ok_or_else(|| format!("must begin with a value for all providers, not {text:?}"))?;
        Ok(Self { all, named })
    }

    /// The value for this provider.
    pub fn of(&self, provider: &str) -> T {
        self.named.get(provider).copied().unwrap_or(self.all)
    }
}

/// Settings of delivery. Whether the named providers exist and can be built is checked later.
#[derive(Clone, Debug)]
pub struct DeliverySettings {
    /// Names of providers, in order of failover; so are `voice` and `email`.
    pub sms: Vec<String>,
    pub voice: Vec<String>,
    pub email: Vec<String>,
    pub provider_timeout: Duration,
    pub receipt_timeout: Duration,
    pub dispatch_concurrency: usize,
    pub provider_concurrency: PerProvider<u32>,
    /// Messages per second. `None`: unlimited.
    pub provider_rate: PerProvider<Option<NonZeroU32>>,
    pub receipt_polls_per_minute: NonZeroU32,
}

impl DeliverySettings {
    pub fn from_env(env: &Env) -> Self {
        let names = |setting| {
            let mut names = env.list(setting, |name| Ok(name.to_ascii_lowercase()));
            let mut seen = std::collections::BTreeSet::new();
            names.retain(|name: &String| name != "none" && seen.insert(name.clone()));
            names
        };
        let sms = names("SMS_PROVIDER");
        let development = sms.iter().any(|name| name == "development") && !env.is_set("VOICE_PROVIDER");
        Self {
            voice: if development { vec!["development".to_owned()] } else { names("VOICE_PROVIDER") },
            sms,
            email: names("EMAIL_PROVIDER"),
            provider_timeout: env.duration("PROVIDER_TIMEOUT", Duration::from_secs(1)..=Duration::from_secs(60)),
            receipt_timeout: env.duration("RECEIPT_TIMEOUT", Duration::from_secs(5)..=Duration::from_secs(3600)),
            dispatch_concurrency: env.number("DISPATCH_CONCURRENCY", 1..=1024),
            provider_concurrency: env.parse("PROVIDER_CONCURRENCY", |text| {
                PerProvider::parse(text, |number| match number.parse() {
                    Ok(calls @ 1..=1024) => Ok(calls),
                    _ => Err(format!("must be a whole number from 1 to 1024, not {number:?}")),
                })
            }),
            provider_rate: env.parse("PROVIDER_RATE", |text| {
                PerProvider::parse(text, |number| match number.parse() {
                    Ok(rate) => Ok(Some(rate)),
                    Err(_) if number == "unlimited" => Ok(None),
                    Err(_) => Err(format!("must be a whole number from 1, or unlimited, not {number:?}")),
                })
            }),
            receipt_polls_per_minute: env.number("RECEIPT_POLLS_PER_MINUTE", NonZeroU32::MIN..=NonZeroU32::MAX),
        }
    }

    /// Whether messages to phones go to a provider that charges for them: any except the development provider.
    pub fn charges_for_phones(&self) -> bool {
        self.sms.iter().chain(&self.voice).any(|name| name != "development")
    }

    /// The setting with the providers of this channel, and their names.
    pub fn providers_of(&self, channel: Channel) -> (&'static str, &[String]) {
        match channel {
            Channel::Sms => ("SMS_PROVIDER", &self.sms),
            Channel::Voice => ("VOICE_PROVIDER", &self.voice),
            Channel::Email => ("EMAIL_PROVIDER", &self.email),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failover_order_is_kept_without_duplicates() {
        let given = [("SMS_PROVIDER", " Twilio, aligo,,twilio ")].map(|(name, value)| (name.into(), value.into()));
        let env = Env::new(given, SETTINGS.iter().copied());
        let settings = DeliverySettings::from_env(&env);
        assert_eq!(
            settings.providers_of(Channel::Sms),
            ("SMS_PROVIDER", &["twilio".to_owned(), "aligo".to_owned()][..])
        );
        assert_eq!(settings.providers_of(Channel::Voice), ("VOICE_PROVIDER", &[][..]));
        assert_eq!(settings.provider_timeout, Duration::from_secs(5));
        assert_eq!(env.into_errors(), []);
    }

    #[test]
    fn limit_is_for_all_providers_or_by_name() {
        let calls = |text| PerProvider::parse(text, |number| number.parse::<u32>().map_err(|error| error.to_string()));
        let each = calls("16, Aligo=4,,vonage = 8").unwrap();
        assert_eq!([each.of("twilio"), each.of("aligo"), each.of("vonage")], [16, 4, 8]);
        for wrong in ["", "aligo=4", "1, 2", "x", "1, aligo=x"] {
            assert!(calls(wrong).is_err(), "{wrong}");
        }
    }
}
