//! Signing in, and staying so.

use std::time::Duration;

use crate::config::{Env, Setting};

pub const SETTINGS: &[Setting] = &[
    Setting::new("JWT_ISSUER", "countersign", "The iss of access tokens; back ends that check them expect the same."),
    Setting::new("JWT_AUDIENCE", "countersign", "The aud of access tokens; back ends that check them expect the same."),
    Setting::new(
        "JWT_ACCESS_EXPIRES_IN",
        "1h",
        "How long an access token lives: 1m to 24h. Signing out ends it at once here; back ends that check tokens by themselves learn of it only when it expires.",
    ),
    Setting::new(
        "JWT_REFRESH_EXPIRES_IN",
        "7d",
        "How long somebody stays signed in without coming back: 5m to 365d. Each refresh starts it anew.",
    ),
    Setting::new(
        "SESSION_MAX_AGE",
        "90d",
        "How long somebody stays signed in at most, however often they come back: up to 730d.",
    ),
    Setting::new(
        "REAUTH_MAX_AGE",
        "10m",
        "How long after a sign-in the contacts and the password of an account can be changed, or the account erased, without authenticating again: 0s to 1h. 0s: a sign-in never counts; the mutation reauthenticate then counts for ten minutes.",
    ),
    Setting::new(
        "REFRESH_GRACE",
        "10s",
        "How long a refresh token that was exchanged is answered with the same successor, to the client network that exchanged it: 0s to 30s. It keeps two tabs from signing each other out. 0s: every second use of a token whose successor was seen in use ends the session.",
    ),
    Setting::new(
        "REFRESH_COOKIE",
        "off",
        "on: the refresh token travels in an HttpOnly cookie and never in the answer, for pages on the same site. The page then sends credentials and the header X-Requested-With. Operations that set a cookie are refused over WebSocket, SSE and multipart.",
    ),
    Setting::optional(
        "REFRESH_COOKIE_PATH",
        "The path of the cookies, as browsers see it, such as /id/graphql, where a proxy serves other programs on the same host; it must cover the API. By default they are for the whole host, under names that begin with __Host-; with a path the names begin with __Secure-, which any other host of the domain can set.",
    ),
    Setting::new(
        "REVOCATION_LAG",
        "5s",
        "Within which a session that was ended is refused by every process, also when Redis is gone: 1s to 60s. The database is asked twice as often.",
    ),
    Setting::new(
        "NOTIFY_NEW_DEVICE",
        "on",
        "on or off: whether a sign-in on a device that was not seen before is told to the account's contact. A device that was not used for a year is a new one again.",
    ),
    Setting::new(
        "LOCKOUT_ATTEMPTS",
        "10",
        "Wrong passwords in a row, 3 to 100, before an account is locked to devices that never signed in to it.",
    ),
    Setting::new("LOCKOUT_TIME", "15m", "How long the first lock lasts: 1m to 24h. Each further failure doubles it."),
    Setting::new("LOCKOUT_MAX_TIME", "24h", "How long a lock lasts at most: up to 7d."),
];

/// How people sign in, and for how long.
#[derive(Clone, Debug)]
pub struct Session {
    pub issuer: String,
    pub audience: String,
    pub access_ttl: Duration,
    /// Without being used.
    pub refresh_ttl: Duration,
    /// However much it is used.
    pub max_age: Duration,
    /// How old an authentication may be for an act that decides who owns the account.
    pub reauth_max_age: Duration,
    pub refresh_grace: Duration,
    /// Whether refresh tokens travel in a cookie.
    pub cookie: bool,
    /// The path of those cookies; none: the whole host.
    pub cookie_path: Option<String>,
    pub revocation_lag: Duration,
    pub notify_new_device: bool,
    pub lockout: Lockout,
}

/// When wrong passwords lock, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lockout {
    pub attempts: i32,
    pub first: Duration,
    pub longest: Duration,
}

impl Session {
    pub fn from_env(env: &Env) -> Self {
        let settings = Self {
            issuer: env.text("JWT_ISSUER").unwrap_or_default(),
            audience: env.text("JWT_AUDIENCE").unwrap_or_default(),
            access_ttl: env.duration("JWT_ACCESS_EXPIRES_IN", MINUTE..=DAY),
            refresh_ttl: env.duration("JWT_REFRESH_EXPIRES_IN", MINUTE * 5..=DAY * 365),
            max_age: env.duration("SESSION_MAX_AGE", MINUTE * 5..=DAY * 730),
            reauth_max_age: env.duration("REAUTH_MAX_AGE", Duration::ZERO..=MINUTE * 60),
            refresh_grace: env.duration("REFRESH_GRACE", Duration::ZERO..=Duration::from_secs(30)),
            cookie: env.switch("REFRESH_COOKIE"),
            cookie_path: env.parse_optional("REFRESH_COOKIE_PATH", cookie_path),
            revocation_lag: env.duration("REVOCATION_LAG", Duration::from_secs(1)..=MINUTE),
            notify_new_device: env.switch("NOTIFY_NEW_DEVICE"),
            lockout: Lockout {
                attempts: env.number("LOCKOUT_ATTEMPTS", 3..=100),
                first: env.duration("LOCKOUT_TIME", MINUTE..=DAY),
                longest: env.duration("LOCKOUT_MAX_TIME", MINUTE..=DAY * 7),
            },
        };
        if settings.access_ttl > settings.refresh_ttl {
            env.refuse("JWT_ACCESS_EXPIRES_IN", "must not be longer than JWT_REFRESH_EXPIRES_IN");
        }
        if settings.refresh_ttl > settings.max_age {
            env.refuse("JWT_REFRESH_EXPIRES_IN", "must not be longer than SESSION_MAX_AGE");
        }
        if settings.lockout.first > settings.lockout.longest {
            env.refuse("LOCKOUT_TIME", "must not be longer than LOCKOUT_MAX_TIME");
        }
        settings
    }
}

/// A path that can be written into a cookie (RFC 6265, section 4.1.1).
fn cookie_path(text: &str) -> Result<String, String> {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b';' | b',' | b'"' | b'\\'));
    match text.starts_with('/') && plain {
        true => Ok(text.to_owned()),
        false => Err("must be a path that begins with /, such as /id/graphql".to_owned()),
    }
}

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_that_contradict_each_other_are_refused() {
        let refused = |vars: &[(&str, &str)]| -> Vec<String> {
            let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let env = Env::new(vars, SETTINGS.iter().copied());
            Session::from_env(&env);
            env.into_refusals().into_iter().map(|refusal| refusal.name).collect()
        };
        assert_eq!(refused(&[]), Vec::<String>::new());
        assert_eq!(
            refused(&[("JWT_ACCESS_EXPIRES_IN", "2h"), ("JWT_REFRESH_EXPIRES_IN", "1h")]),
            ["JWT_ACCESS_EXPIRES_IN"]
        );
        assert_eq!(refused(&[("JWT_REFRESH_EXPIRES_IN", "100d")]), ["JWT_REFRESH_EXPIRES_IN"]);
        assert_eq!(refused(&[("LOCKOUT_TIME", "20h"), ("LOCKOUT_MAX_TIME", "1h")]), ["LOCKOUT_TIME"]);
        assert_eq!(refused(&[("REFRESH_GRACE", "31s")]), ["REFRESH_GRACE"]);
        assert_eq!(refused(&[("REAUTH_MAX_AGE", "0s")]), Vec::<String>::new());
        assert_eq!(refused(&[("REAUTH_MAX_AGE", "61m")]), ["REAUTH_MAX_AGE"]);
        assert_eq!(refused(&[("REFRESH_GRACE", "0s"), ("REFRESH_COOKIE_PATH", "/id/graphql")]), Vec::<String>::new());
        for path in ["graphql", "/a;b", "/a b", "https://example.com/"] {
            assert_eq!(refused(&[("REFRESH_COOKIE_PATH", path)]), ["REFRESH_COOKIE_PATH"], "{path}");
        }
    }
}
