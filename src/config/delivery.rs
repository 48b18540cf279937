//! Settings of the delivery room. What one provider needs stands with that provider (`delivery/providers/`).

use std::time::Duration;

use crate::{
    channel::Channel,
    config::{Env, Setting},
};

pub const SETTINGS: &[Setting] = &[
    Setting::new(
        "SMS_PROVIDER",
        "development",
        "Who carries text messages, in order of failover: development, twilio, twilio-verify, aws-sns, naver-cloud, \
         aligo, solapi, vonage, webhook. Change it before anybody real signs in.",
    ),
    Setting::optional(
        "VOICE_PROVIDER",
        "Who calls and reads codes aloud, in order of failover: development, twilio, twilio-verify, webhook; or none. \
         Unset, nobody calls, but for development where it carries text messages.",
    ),
    Setting::new(
        "EMAIL_PROVIDER",
        "development",
        "Who carries e-mail, in order of failover: development, smtp, webhook; or none. Change it together with \
         SMS_PROVIDER.",
    ),
    Setting::new(
        "PROVIDER_TIMEOUT",
        "5s",
        "How long a provider may take to answer. Longer makes fewer sends whose outcome is unknown, and slower failover.",
    ),
    Setting::new(
        "RECEIPT_TIMEOUT",
        "45s",
        "How long to wait for a receipt, where a provider gives them, before the message goes by the next route once.",
    ),
    Setting::new("DISPATCH_CONCURRENCY", "16", "How many messages one process hands to providers at the same time."),
];

/// How messages are carried, before anybody knows whether those providers can be built.
#[derive(Clone, Debug)]
pub struct DeliverySettings {
    /// Names of providers, in order of failover.
    pub sms: Vec<String>,
    pub voice: Vec<String>,
    pub email: Vec<String>,
    pub provider_timeout: Duration,
    pub receipt_timeout: Duration,
    pub dispatch_concurrency: usize,
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
        }
    }

    /// The setting that chooses who carries this channel, and the names that it gave.
    pub fn chosen(&self, channel: Channel) -> (&'static str, &[String]) {
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
    fn an_order_of_failover_is_read_as_written_and_names_nobody_twice() {
        let given = [("SMS_PROVIDER", " Twilio, aligo,,twilio ")].map(|(name, value)| (name.into(), value.into()));
        let env = Env::new(given, SETTINGS.iter().copied());
        let settings = DeliverySettings::from_env(&env);
        assert_eq!(settings.chosen(Channel::Sms), ("SMS_PROVIDER", &["twilio".to_owned(), "aligo".to_owned()][..]));
        assert_eq!(settings.chosen(Channel::Voice), ("VOICE_PROVIDER", &[][..]));
        assert_eq!(settings.provider_timeout, Duration::from_secs(5));
        assert_eq!(env.into_refusals(), []);
    }
}
