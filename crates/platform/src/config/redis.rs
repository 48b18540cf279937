//! Settings of Redis, which shares quotas and events between processes.

use std::time::Duration;

use crate::config::{Env, Secret, Setting};

pub const SETTINGS: &[Setting] = &[
    Setting::secret(
        "REDIS_URL",
        "Redis or Valkey, redis:// or rediss:// (TLS), with password and database: redis://:password@host:6379/0. A single \
         primary, or the address of one (a proxy, a managed service); not a cluster. Unset: a single process.",
    ),
    Setting::new(
        "REDIS_PREFIX",
        "countersign:",
        "Prefix of all keys and channels. Change it if two installations share one Redis.",
    ),
    Setting::new(
        "REDIS_TIMEOUT",
        "50ms",
        "How long a request waits for Redis to check its quotas. After that each process uses its own counts until Redis is \
         available again.",
    ),
];

/// Settings of Redis.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    /// May contain a password.
    pub url: Secret,
    pub prefix: String,
    pub timeout: Duration,
}

impl RedisSettings {
    /// `None` without `REDIS_URL`: a single process.
    pub fn from_env(env: &Env) -> Option<Self> {
        let prefix = env.parse("REDIS_PREFIX", prefix);
        let timeout = env.duration("REDIS_TIMEOUT", Duration::from_millis(1)..=Duration::from_secs(5));
        let url = env.secret("REDIS_URL")?;
        // The error of the parser may contain the password, so it is not shown.
        if redis::parse_redis_url(url.expose()).is_none() || redis::Client::open(url.expose()).is_err() {
            env.refuse("REDIS_URL", "must be a URL such as redis://:password@host:6379/0, or rediss:// for TLS");
        }
        Some(Self { url, prefix, timeout })
    }
}

fn prefix(text: &str) -> Result<String, String> {
    match text {
        _ if text.len() > 64 => Err("must be at most 64 characters".to_owned()),
        _ if !text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Err("must be printable ASCII without spaces".to_owned())
        }
        _ => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(vars: &[(&str, &str)]) -> Env {
        let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Env::new(vars, SETTINGS.iter().copied())
    }

    #[test]
    fn invalid_url_is_refused_without_its_password() {
        let env = env(&[("REDIS_URL", "http://:hunter2@host")]);
        RedisSettings::from_env(&env);
        let refusals = env.into_refusals();
        assert_eq!(refusals.len(), 1);
        assert!(!refusals[0].to_string().contains("hunter2"));
    }

    #[test]
    fn redis_is_off_without_url() {
        let env = env(&[]);
        assert!(RedisSettings::from_env(&env).is_none());
        assert!(env.into_refusals().is_empty());
    }
}
