//! Settings of sign-in and sessions.

use std::time::Duration;

use crate::config::{Env, Setting};
use domain::session::rules::Lockout;

pub const SETTINGS: &[Setting] = &[
    Setting::new("JWT_ISSUER", "countersign", "The iss of access tokens; back ends that verify them expect the same."),
    Setting::new(
        "JWT_AUDIENCE",
        "countersign",
        "The aud of access tokens; back ends that verify them expect the same.",
    ),
    Setting::new(
        "JWT_ACCESS_EXPIRES_IN",
        "1h",
        "Lifetime of an access token: 1m to 24h. Signing out ends it at once here; back ends that verify tokens by themselves accept it until it expires.",
    ),
    Setting::new(
        "JWT_REFRESH_EXPIRES_IN",
        "7d",
        "How long a session lasts without being used: 5m to 365d. Each refresh restarts it.",
    ),
    Setting::new("SESSION_MAX_AGE", "90d", "Maximum lifetime of a session, regardless of use: up to 730d."),
    Setting::new(
        "REAUTH_MAX_AGE",
        "10m",
        "How long after a sign-in the contacts and the password of an account can be changed, or the account deleted, without authenticating again: 0s to 1h. 0s: a sign-in never counts; the mutation reauthenticate then counts for ten minutes.",
    ),
    Setting::new(
        "REFRESH_GRACE",
        "10s",
        "How long a refresh token that was already exchanged returns the same successor, to the client network that exchanged it: 0s to 30s. It prevents two tabs from signing each other out. 0s: any second use of a token whose successor has been used ends the session.",
    ),
    Setting::new(
        "REFRESH_COOKIE",
        "off",
        "on: the refresh token is sent in an HttpOnly cookie and never in the response body, for pages on the same site. The page must send credentials and the header X-Requested-With. Operations that set a cookie are refused over WebSocket, SSE and multipart.",
    ),
    Setting::optional(
        "REFRESH_COOKIE_PATH",
        "The path of the cookies, as browsers see it, such as /id/graphql, if a proxy serves other applications on the same host; it must cover the API. By default cookies are valid for the whole host, with names that begin with __Host-; with a path the names begin with __Secure-, which any other host of the domain can set.",
    ),
    Setting::new(
        "REVOCATION_LAG",
        "5s",
        "Maximum time until every process rejects a session that was ended, also without Redis: 1s to 60s. The database is polled twice in this interval.",
    ),
    Setting::new(
        "NOTIFY_NEW_DEVICE",
        "on",
        "on or off: whether the account's contact is notified of a sign-in on a new device. A device that was not used for a year counts as new.",
    ),
    Setting::new(
        "LOCKOUT_ATTEMPTS",
        "10",
        "Consecutive wrong passwords, 3 to 100, before an account is locked for devices that never signed in to it.",
    ),
    Setting::new("LOCKOUT_TIME", "15m", "Duration of the first lockout: 1m to 24h. Each further failure doubles it."),
    Setting::new("LOCKOUT_MAX_TIME", "24h", "Maximum duration of a lockout: up to 7d."),
];

/// Settings of sign-in and sessions.
#[derive(Clone, Debug)]
pub struct Session {
    pub issuer: String,
    pub audience: String,
    pub access_ttl: Duration,
    /// Lifetime without use.
    pub refresh_ttl: Duration,
    /// Maximum lifetime, regardless of use.
    pub max_age: Duration,
    /// Maximum age of an authentication for operations that can transfer control of the account.
    pub reauth_max_age: Duration,
    pub refresh_grace: Duration,
    /// Whether refresh tokens are sent in a cookie.
    pub cookie: bool,
    /// The path of those cookies. `None`: the whole host.
    pub cookie_path: Option<String>,
    pub revocation_lag: Duration,
    pub notify_new_device: bool,
    pub lockout: Lockout,
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
                first_duration: env.duration("LOCKOUT_TIME", MINUTE..=DAY),
                max_duration: env.duration("LOCKOUT_MAX_TIME", MINUTE..=DAY * 7),
            },
        };
        if settings.access_ttl > settings.refresh_ttl {
            env.add_error("JWT_ACCESS_EXPIRES_IN", "must not be longer than JWT_REFRESH_EXPIRES_IN");
        }
        if settings.refresh_ttl > settings.max_age {
            env.add_error("JWT_REFRESH_EXPIRES_IN", "must not be longer than SESSION_MAX_AGE");
        }
        if settings.lockout.first_duration > settings.lockout.max_duration {
            env.add_error("LOCKOUT_TIME", "must not be longer than LOCKOUT_MAX_TIME");
        }
        settings
    }
}

/// A path that is allowed in a cookie (RFC 6265, section 4.1.1).
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
    fn contradictory_durations_are_refused() {
        let refused = |vars: &[(&str, &str)]| -> Vec<String> {
            let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let env = Env::new(vars, SETTINGS.iter().copied());
            Session::from_env(&env);
            env.into_errors().into_iter().map(|refusal| refusal.name).collect()
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
