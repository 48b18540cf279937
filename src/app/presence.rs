//! Publishes the key ids of this process in the database, so that a key is used only once every process accepts it.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::quota::Quotas;
use domain::Timestamp;
use platform::{clock::Clock, fault::Fault, keys::KeysInUse, telemetry};
use store::{ProcessKeys, Store};

/// How often the row of this process is updated.
const INTERVAL: Duration = Duration::from_secs(30);
/// The first interval after the start, when other processes may have started at the same time.
const FIRST_INTERVAL: Duration = Duration::from_secs(1);
/// A process whose row was not updated for this long is considered stopped.
pub const PROCESS_TIMEOUT: Duration = Duration::from_secs(120);
/// How long rows of processes that ended without shutdown are kept, for diagnosis.
const RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

/// Maintains the row of this process.
pub struct Presence {
    pub store: Store,
    pub clock: Clock,
    pub process: String,
    pub keys: KeysInUse,
    pub started_at: Timestamp,
    /// Local budgets are divided by the number of processes.
    pub quotas: Quotas,
}

impl Presence {
    /// Updates the row periodically until `stop`, then deletes it.
    pub async fn run(self, stop: CancellationToken) {
        let mut pause = FIRST_INTERVAL;
        loop {
            let next = self.clock.now() + pause;
            pause = (pause * 2).min(INTERVAL);
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.clock.sleep_until(next) => {}
            }
            if let Err(fault) = self.update().await {
                telemetry::report(&fault);
            }
        }
        if let Err(fault) = self.store.delete_process_keys(&self.process).await {
            telemetry::report(&fault);
        }
    }

    /// Writes the row with the current time and keys.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn update(&self) -> Result<(), Fault> {
        let now = self.clock.now();
        let keys = serde_json::to_string(&self.keys).map_err(|error| Fault::internal(error.to_string()))?;
        let row = ProcessKeys {
            process: self.process.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: self.started_at,
            last_seen_at: now,
            keys,
        };
        self.store.record_process_keys(row, now - RETENTION).await?;
        self.quotas.set_process_count(self.store.process_keys(now - PROCESS_TIMEOUT).await?.len());
        Ok(())
    }
}
