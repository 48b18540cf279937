//! The limit of open files: each connection is a file descriptor.

use platform::{config::Config, telemetry::metrics::process};
#[cfg(unix)]
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// File descriptors other than connections of clients and of the database: listeners, Redis, providers, files, the
/// runtime.
const OTHERS: usize = 64;

/// Raises the soft limit of this process to what the settings need, as far as the hard limit allows: the usual soft limit
/// of 1024 is meant for programs that use `select`.
pub fn raise_limit(config: &Config) {
    #[cfg(unix)]
    {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let wanted = maximum.unwrap_or(u64::MAX).min(needed(config) as u64);
        if current.is_some_and(|current| current < wanted) {
            // If it fails, the warning says what to do.
            let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum });
        }
    }
}

fn needed(config: &Config) -> usize {
    let database = if config.store.is_embedded() { 16 } else { config.store.max_connections as usize };
    config.http.max_connections + database + OTHERS
}

/// A warning if the limit of open files is lower than the settings need.
pub fn warning(config: &Config) -> Option<String> {
    let limit = process::max_files()?;
    let needed = needed(config);
    if needed as f64 <= limit {
        return None;
    }
    Some(format!(
        "MAX_CONNECTIONS={} needs {needed} open files, and the limit of this process is {limit}: raise the limit (ulimit \
         -n, LimitNOFILE=) or lower MAX_CONNECTIONS",
        config.http.max_connections
    ))
}
