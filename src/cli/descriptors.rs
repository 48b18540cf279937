//! Checks that the limit of open files is high enough for the settings: each connection is a file descriptor.

use platform::{config::Config, telemetry::metrics::process};

/// File descriptors other than connections of clients and of the database: listeners, Redis, providers, files, the
/// runtime.
const OTHERS: usize = 64;

/// A warning if the limit of open files is lower than the settings need.
pub fn warning(config: &Config) -> Option<String> {
    let limit = process::most_files()?;
    let database = if config.store.is_embedded() { 16 } else { config.store.max_connections as usize };
    let needed = config.http.max_connections + database + OTHERS;
    if needed as f64 <= limit {
        return None;
    }
    Some(format!(
        "MAX_CONNECTIONS={} needs {needed} open files, and the limit of this process is {limit}: raise the limit (ulimit \
         -n, LimitNOFILE=) or lower MAX_CONNECTIONS",
        config.http.max_connections
    ))
}
