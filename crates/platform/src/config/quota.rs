//! Settings of `quota`: how often something may be done.

use std::{num::NonZeroU32, time::Duration};

use chrono_tz::Tz;

use crate::config::{Env, Setting};

pub const SETTINGS: &[Setting] = &[
    Setting::new(
        "CLIENT_SENDS_PER_MINUTE",
        "10",
        "Codes that one client address (IPv4, or an IPv6 /64) may ask for, a number or unlimited. So many at once, then \
         evenly. Raise it where many people share an address.",
    ),
    Setting::new(
        "CLIENT_EMAIL_SENDS_PER_MINUTE",
        "10",
        "Codes by e-mail that one client address may ask for, within CLIENT_SENDS_PER_MINUTE, a number or unlimited.",
    ),
    Setting::new("CLIENT_GUESSES_PER_MINUTE", "30", "Codes that one client address may try, a number or unlimited."),
    Setting::new(
        "CLIENT_LOOKUPS_PER_MINUTE",
        "60",
        "Times that one client address may ask whether a name, number or address is still free, a number or unlimited.",
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
        "Refreshes of sessions from one client address, a number or unlimited. Raise it where a whole office shares one.",
    ),
    Setting::new(
        "IPV6_SITE_FACTOR",
        "10",
        "How many times each CLIENT_… limit an IPv6 /48 may use in all, a number or unlimited. A provider's customer may \
         own a /48, and with it 65,536 of the /64 that count as one client.",
    ),
    Setting::new(
        "ACCOUNT_HOURLY_PASSWORDS",
        "20",
        "Times that one session may be asked for the password again (to change it, to authenticate again, to delete \
         the account), a number or unlimited. All sessions of the account together: five times as many.",
    ),
    Setting::new(
        "DESTINATION_HOURLY_SENDS",
        "unlimited",
        "Codes to all numbers that begin alike (country code and leading digits), a number or unlimited. The guard \
         against SMS pumping watches the same prefixes without it.",
    ),
    Setting::new(
        "SERVICE_HOURLY_SENDS",
        "unlimited",
        "Codes of the whole service, a number or unlimited: the most that an hour may cost.",
    ),
    Setting::new(
        "SERVICE_HOURLY_EMAIL_SENDS",
        "10000",
        "Codes by e-mail of the whole service, within SERVICE_HOURLY_SENDS, a number or unlimited. A mail host that \
         suddenly gets many more may take the service for a spammer.",
    ),
    Setting::new("RESEND_COOLDOWN", "60s", "The wait between two codes to the same contact.").in_development("5s"),
    Setting::new(
        "CONTACT_DAILY_SENDS",
        "5",
        "Codes to one contact per day of QUOTA_TIME_ZONE, a number or unlimited. Addresses that differ in a +tag, and \
         for Gmail in dots, are one contact here.",
    )
    .in_development("100"),
    Setting::new(
        "CONTACT_DAILY_GUESSES",
        "10",
        "Codes tried for one contact per day of QUOTA_TIME_ZONE, over all its verifications, a number or unlimited.",
    ),
    Setting::new("QUOTA_TIME_ZONE", "UTC", "Whose midnight begins a day, by its name in the IANA time zone database."),
    Setting::new(
        "PUMPING_MIN_SENDS",
        "30",
        "Codes to one destination prefix within PUMPING_WINDOW before it can look like SMS pumping; unlimited switches \
         the guard off. Raise it where many sign up at the same moment, as after a broadcast.",
    ),
    Setting::new(
        "PUMPING_MIN_CONVERSION",
        "0.1",
        "The share of those codes that must be confirmed, from 0.01 to 0.9. Below it the prefix is throttled to one code \
         a minute until confirmations come in.",
    ),
    Setting::new("PUMPING_WINDOW", "1h", "Over how long codes sent and confirmed are compared."),
    Setting::new(
        "GUESSING_MIN_GUESSES",
        "100",
        "Codes tried in the whole service within GUESSING_WINDOW before it can look as if codes were guessed across \
         accounts; unlimited switches the alarm off. The alarm is an audit event and a metric; it refuses nobody.",
    ),
    Setting::new(
        "GUESSING_MIN_CONFIRMED",
        "0.5",
        "The share of those codes that must be right, from 0.01 to 0.9; below it the alarm is raised.",
    ),
    Setting::new("GUESSING_WINDOW", "10m", "Over how long codes tried and confirmed are compared: 1m to 24h."),
];

/// So many at once, replenished evenly; none: unlimited.
pub type Limit = Option<NonZeroU32>;

/// How often something may be done.
#[derive(Clone, Debug)]
pub struct QuotaSettings {
    pub client_sends_per_minute: Limit,
    /// Codes by e-mail alone.
    pub client_email_sends_per_minute: Limit,
    pub client_guesses_per_minute: Limit,
    pub client_lookups_per_minute: Limit,
    pub client_sign_ins_per_minute: Limit,
    pub client_sign_ups_per_minute: Limit,
    pub client_proofs_per_minute: Limit,
    pub client_refreshes_per_minute: Limit,
    /// How many times a client's limits an IPv6 /48 has.
    pub ipv6_site_factor: Limit,
    pub account_hourly_passwords: Limit,
    pub destination_hourly_sends: Limit,
    pub service_hourly_sends: Limit,
    /// Codes by e-mail alone.
    pub service_hourly_email_sends: Limit,
    pub contact: ContactQuotas,
    /// None: the guard is off.
    pub pumping: Option<PumpingSettings>,
    /// None: the alarm is off.
    pub guessing: Option<GuessingSettings>,
}

/// What is counted in SQL, so that it survives restarts; judged by `quota::rules`.
#[derive(Clone, Copy, Debug)]
pub struct ContactQuotas {
    pub resend_cooldown: Duration,
    pub daily_sends: Limit,
    pub daily_guesses: Limit,
    /// Whose midnight begins a day.
    pub time_zone: Tz,
}

/// When a destination prefix looks pumped.
#[derive(Clone, Copy, Debug)]
pub struct PumpingSettings {
    /// Fewer sends than this in the window prove nothing.
    pub min_sends: NonZeroU32,
    /// Confirmed by sent, 0 to 1.
    pub min_conversion: f64,
    pub window: Duration,
}

/// When it looks as if codes were guessed across accounts.
#[derive(Clone, Copy, Debug)]
pub struct GuessingSettings {
    /// Fewer guesses than this in the window prove nothing.
    pub min_guesses: NonZeroU32,
    /// Right guesses by all guesses, 0 to 1.
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
                    name.parse().map_err(|_| format!("a time zone such as Asia/Seoul or UTC, not {name:?}"))
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

/// Never zero, which would read as unlimited: the range begins at one.
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
    fn the_defaults_are_those_of_the_design() {
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
    fn zero_is_refused_and_never_read_as_unlimited() {
        let (settings, refusals) = read(&[("CLIENT_GUESSES_PER_MINUTE", "0"), ("QUOTA_TIME_ZONE", "Seoul")]);
        assert_eq!(refusals, ["CLIENT_GUESSES_PER_MINUTE", "QUOTA_TIME_ZONE"]);
        assert_eq!(settings.client_guesses_per_minute, NonZeroU32::new(30));
    }

    #[test]
    fn unlimited_switches_the_guard_off() {
        assert!(read(&[("PUMPING_MIN_SENDS", "unlimited")]).0.pumping.is_none());
    }
}
