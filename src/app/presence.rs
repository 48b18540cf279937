//! What this process tells the others about its keys, so that keys are replaced only once every process has them.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{
    quota::Quotas,
    store::{Store, entity::process_keys::Model},
};
use domain::Timestamp;
use platform::{clock::Clock, fault::Fault, keys::KeysInUse, telemetry};

/// How often it says that it runs.
const EVERY: Duration = Duration::from_secs(30);
/// How soon it looks for others after its start, when they may have started with it.
const FIRST: Duration = Duration::from_secs(1);
/// A process that was not seen for so long has ended.
pub const GONE_AFTER: Duration = Duration::from_secs(120);
/// Rows of processes that died are kept so long, for whoever looks into it.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Keeps this process's row.
pub struct Presence {
    pub store: Store,
    pub clock: Clock,
    pub process: String,
    pub keys: KeysInUse,
    pub started_at: Timestamp,
    /// These divide their budgets by the number of processes.
    pub quotas: Quotas,
}

impl Presence {
    /// Says it again and again until `stop`, then takes it back.
    pub async fn run(self, stop: CancellationToken) {
        let mut pause = FIRST;
        loop {
            let next = self.clock.now() + pause;
            pause = (pause * 2).min(EVERY);
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.clock.sleep_until(next) => {}
            }
            if let Err(fault) = self.note().await {
                telemetry::report(&fault);
            }
        }
        if let Err(fault) = self.store.forget_process_keys(&self.process).await {
            telemetry::report(&fault);
        }
    }

    /// Says that this process runs with these keys.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn note(&self) -> Result<(), Fault> {
        let now = self.clock.now();
        let keys = serde_json::to_string(&self.keys).map_err(|error| Fault::internal(error.to_string()))?;
        let row = Model {
            process: self.process.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: self.started_at,
            last_seen_at: now,
            keys,
        };
        self.store.note_process_keys(row, now - KEPT).await?;
        self.quotas.note_processes(self.store.process_keys(now - GONE_AFTER).await?.len());
        Ok(())
    }
}
