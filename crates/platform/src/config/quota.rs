//! Settings of quotas.

use std::{num::NonZeroU32, time::Duration};

use chrono_tz::Tz;

use crate::config::{Env, Setting};

pub const SETTINGS: &[Setting] = &[
    Setting::new(
        "CLIENT_SENDS_PER_MINUTE",
        "10",
        "Codes that one client address (IPv4, or an IPv6 /64) may request, a number or unlimited. The number is also the \
         burst size; it refills evenly. Raise it if many users share an address.",
    ),
    Setting::new(
        "CLIENT_EMAIL_SENDS_PER_MINUTE",
        "10",
        "Codes by e-mail that one client address may request, within CLIENT_SENDS_PER_MINUTE, a number or unlimited.",
    ),
    Setting::new("CLIENT_GUESSES_PER_MINUTE", "30", "Codes that one client address may try, a number or unlimited."),
    Setting::new(
        "CLIENT_LOOKUPS_PER_MINUTE",
        "60",
        "Checks of one client address whether a username, phone number or e-mail address is available, a number or unlimited.",
    ),
    Setting::new("CLIENT_SIGN_INS_PER_MINUTE", "20", "Sign-ins of one client address, a number or unlimited."),
    Setting::new("CLIENT_SIGN_UPS_PER_MINUTE", "10", "Sign-ups of one client address, a number or unlimited."),
    Setting::new(
        "CLIENT_PROOFS_PER_MINUTE",
        "30",
        "Proofs that one client address may spend (password resets, changes of contact), a number or unlimited.",
    ),
    Setting::new(
        "CLIENT_REFRESHES_PER_MINUTE",
        "120",
        "Refreshes of sessions from one client address, a number or unlimited. Raise it if a whole office shares an address.",
    ),
    Setting::new(
        "IPV6_SITE_FACTOR",
        "10",
        "Limit of an IPv6 /48, as a multiple of each CLIENT_… limit, a number or unlimited. A customer of an internet \
         provider may own a /48, which has 65,536 networks of size /64, each of which counts as one client.",
    ),
    Setting::new(
        "ACCOUNT_HOURLY_PASSWORDS",
        "20",
        "Password checks of one session (to change the password, to authenticate again, to delete the account), a number \
         or unlimited. All sessions of the account together: five times as many.",
    ),
    Setting::new(
        "DESTINATION_HOURLY_SENDS",
        "unlimited",
        "Codes to all numbers with the same prefix (country code and leading digits), a number or unlimited. The SMS \
         pumping protection works on the same prefixes, independently of this limit.",
    ),
    Setting::new(
        "SERVICE_HOURLY_SENDS",
        "unlimited",
        "Codes of the whole service, a number or unlimited: limits the cost per hour.",
    ),
    Setting::new(
        "SERVICE_HOURLY_EMAIL_SENDS",
        "10000",
        "Codes by e-mail of the whole service, within SERVICE_HOURLY_SENDS, a number or unlimited. Mail hosts may classify \
         a sudden increase as spam.",
    ),
    Setting::new("RESEND_COOLDOWN", "60s", "Minimum time between two codes to the same contact.").in_development("5s"),
    Setting::new(
        "CONTACT_DAILY_SENDS",
        "5",
        "Codes to one contact per day of QUOTA_TIME_ZONE, a number or unlimited. Addresses that differ only in a +tag, or \
         for Gmail in dots, count as one contact.",
    )
    .in_development("100"),
    Setting::new(
        "CONTACT_DAILY_GUESSES",
        "10",
        "Codes tried for one contact per day of QUOTA_TIME_ZONE, over all its verifications, a number or unlimited.",
    ),
    Setting::new("QUOTA_TIME_ZONE", "UTC", "The time zone whose midnight begins a day, by its name in the IANA time zone database."),
    Setting::new(
        "PUMPING_MIN_SENDS",
        "30",
        "Codes to one destination prefix within PUMPING_WINDOW before SMS pumping can be detected; unlimited disables the \
         protection. Raise it if many users sign up at the same moment, for example after a broadcast.",
    ),
    Setting::new(
        "PUMPING_MIN_CONVERSION",
        "0.1",
        "The share of those codes that must be confirmed, from 0.01 to 0.9. Below it, the prefix is throttled to one code \
         per minute until codes are confirmed.",
    ),
    Setting::new("PUMPING_WINDOW", "1h", "The window in which codes sent and confirmed are compared."),
    Setting::new(
        "GUESSING_MIN_GUESSES",
        "100",
        "Codes tried in the whole service within GUESSING_WINDOW before guessing across accounts can be detected; unlimited \
         disables the alarm. The alarm is an audit event and a metric; it does not block requests.",
    ),
    Setting::new(
        "GUESSING_MIN_CONFIRMED",
        "0.5",
        "The share of those codes that must be correct, from 0.01 to 0.9; below it, the alarm is raised.",
    ),
    Setting::new("GUESSING_WINDOW", "10m", "The window in which codes tried and confirmed are compared: 1m to 24h."),
];

/// A limit with a burst of the same size that refills evenly. `None`: unlimited.
pub type Limit = Option<NonZeroU32>;

/// Settings of quotas.
#[derive(Clone, Debug)]
pub struct QuotaSettings {
    pub client_sends_per_minute: Limit,
    /// Codes by e-mail only.
    pub client_email_sends_per_minute: Limit,
    pub client_guesses_per_minute: Limit,
    pub client_lookups_per_minute: Limit,
    pub client_sign_ins_per_minute: Limit,
    pub client_sign_ups_per_minute: Limit,
    pub client_proofs_per_minute: Limit,
    pub client_refreshes_per_minute: Limit,
    /// The limits of an IPv6 /48, as a multiple of those of a client.
    pub ipv6_site_factor: Limit,
    pub account_hourly_passwords: Limit,
    pub destination_hourly_sends: Limit,
    pub service_hourly_sends: Limit,
    /// Codes by e-mail only.
    pub service_hourly_email_sends: Limit,
    pub contact: ContactQuotas,
    /// `None`: the protection is disabled.
    pub pumping: Option<PumpingSettings>,
    /// `None`: the alarm is disabled.
    pub guessing: Option<GuessingSettings>,
}

/// Quotas of a contact. They are counted in the database, so that they survive restarts; `quota::rules` evaluates them.
#[derive(Clone, Copy, Debug)]
pub struct ContactQuotas {
    pub resend_cooldown: Duration,
    pub daily_sends: Limit,
    pub daily_guesses: Limit,
    /// The time zone whose midnight begins a day.
    pub time_zone: Tz,
}

/// Thresholds for the detection of SMS pumping on a destination prefix.
#[derive(Clone, Copy, Debug)]
pub struct PumpingSettings {
    /// With fewer sends in the window nothing is detected.
    pub min_sends: NonZeroU32,
    /// Codes confirmed divided by codes sent, 0 to 1.
    pub min_conversion: f64,
    pub window: Duration,
}

/// Thresholds for the detection of guessing across accounts.
#[derive(Clone, Copy, Debug)]
pub struct GuessingSettings {
    /// With fewer guesses in the window nothing is detected.
    pub min_guesses: NonZeroU32,
    /// Correct guesses divided by all guesses, 0 to 1.
    pub min_confirmed: f64,
    pub window: Duration,
}

impl QuotaSettings {
    pub fn from_env(env: &Env) -> Self {
        Self {
            client_sends_per_minute: limit(env, "CLIENT_SENDS_PER_MINUTE"),
            client_email_sends_per_minute: limit(env, "CLIENT_EMAIL_SENDS_PER_MINUTE"),
            client_guesses_per_minute: limit(env, "CLIENT_GUESSES_PER_MINUTE"),
            client_lookups_per_minute: limit(env, "CLIENT_LOOKUPS_PER_MINUTE"),
            client_sign_ins_per_minute: limit(env, "CLIENT_SIGN_INS_PER_MINUTE"),
            client_sign_ups_per_minute: limit(env, "CLIENT_SIGN_UPS_PER_MINUTE"),
            client_proofs_per_minute: limit(env, "CLIENT_PROOFS_PER_MINUTE"),
            client_refreshes_per_minute: limit(env, "CLIENT_REFRESHES_PER_MINUTE"),
            ipv6_site_factor: limit(env, "IPV6_SITE_FACTOR"),
            account_hourly_passwords: limit(env, "ACCOUNT_HOURLY_PASSWORDS"),
            destination_hourly_sends: limit(env, "DESTINATION_HOURLY_SENDS"),
            service_hourly_sends: limit(env, "SERVICE_HOURLY_SENDS"),
            service_hourly_email_sends: limit(env, "SERVICE_HOURLY_EMAIL_SENDS"),
            contact: ContactQuotas {
                resend_cooldown: env.duration("RESEND_COOLDOWN", Duration::ZERO..=Duration::from_secs(3600)),
                daily_sends: limit(env, "CONTACT_DAILY_SENDS"),
                daily_guesses: limit(env, "CONTACT_DAILY_GUESSES"),
                time_zone: env.parse("QUOTA_TIME_ZONE", |name| {
                    name.parse().map_err(|_| format!("must be a time zone such as Asia/Seoul or UTC, not {name:?}"))
                }),
            },
            pumping: pumping(env),
            guessing: guessing(env),
        }
    }
}

fn pumping(env: &Env) -> Option<PumpingSettings> {
    let min_conversion = env.number("PUMPING_MIN_CONVERSION", 0.01..=0.9);
    let window = env.duration("PUMPING_WINDOW", Duration::from_secs(300)..=Duration::from_secs(86_400));
    limit(env, "PUMPING_MIN_SENDS").map(|min_sends| PumpingSettings { min_sends, min_conversion, window })
}

fn guessing(env: &Env) -> Option<GuessingSettings> {
    let min_confirmed = env.number("GUESSING_MIN_CONFIRMED", 0.01..=0.9);
    let window = env.duration("GUESSING_WINDOW", Duration::from_secs(60)..=Duration::from_secs(86_400));
    limit(env, "GUESSING_MIN_GUESSES").map(|min_guesses| GuessingSettings { min_guesses, min_confirmed, window })
}

/// Reads a limit. The range begins at one, because `NonZeroU32::new` maps zero to `None`, which means unlimited.
fn limit(env: &Env, name: &'static str) -> Limit {
    env.limit(name, 1..=1_000_000).and_then(NonZeroU32::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> (QuotaSettings, Vec<String>) {
        let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let env = Env::new(vars, SETTINGS.iter().copied());
        let settings = QuotaSettings::from_env(&env);
        (settings, env.into_refusals().into_iter().map(|refusal| refusal.name).collect())
    }

    #[test]
    fn defaults_are_as_documented() {
        let seconds = Duration::from_secs;
        let (settings, refusals) = read(&[]);
        assert!(refusals.is_empty());
        assert_eq!(settings.client_sends_per_minute, NonZeroU32::new(10));
        assert_eq!(settings.service_hourly_sends, None);
        assert_eq!(settings.contact.time_zone, chrono_tz::UTC);
        assert_eq!(
            (settings.contact.resend_cooldown, settings.contact.daily_sends),
            (seconds(5), NonZeroU32::new(100))
        );
        let (settings, _) = read(&[("ENVIRONMENT", "production")]);
        assert_eq!((settings.contact.resend_cooldown, settings.contact.daily_sends), (seconds(60), NonZeroU32::new(5)));
        assert_eq!(settings.pumping.unwrap().min_sends.get(), 30);
    }

    #[test]
    fn zero_is_refused_and_not_unlimited() {
        let (settings, refusals) = read(&[("CLIENT_GUESSES_PER_MINUTE", "0"), ("QUOTA_TIME_ZONE", "Seoul")]);
        assert_eq!(refusals, ["CLIENT_GUESSES_PER_MINUTE", "QUOTA_TIME_ZONE"]);
        assert_eq!(settings.client_guesses_per_minute, NonZeroU32::new(30));
    }

    #[test]
    fn unlimited_disables_pumping_protection() {
        assert!(read(&[("PUMPING_MIN_SENDS", "unlimited")]).0.pumping.is_none());
    }
}
