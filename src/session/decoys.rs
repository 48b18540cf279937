//! Keeps decoy password hashes representative: counts the password hashing schemes of all accounts in the background,
//! and configures the hasher with the result. See `password/decoys.rs` for the purpose of decoys.
//!
//! The count is stored in the database, so that all processes choose the same decoys. Any process counts when the last
//! count is old; the command line counts after an import.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::Sessions;
use platform::{
    fault::{Fault, FaultContext},
    password::{SchemeCensus, SchemeCounts, Seed},
    telemetry,
};
use store::{PasswordCensus, TxOutcome};

/// How often a process checks for a newer count of another process.
const POLL_INTERVAL: Duration = Duration::from_secs(5);
/// Minimum time between two counts.
const MIN_AGE: Duration = Duration::from_secs(15);
/// A count is old after this multiple of the time it took, so counting takes at most half a percent of the time.
const AGE_PER_DURATION: u32 = 200;
/// Accounts read per query.
const BATCH: u64 = 2_000;
/// How long startup waits for the first count.
const STARTUP_TIMEOUT: Duration = Duration::from_secs(2);

impl Sessions {
    /// Loads the last count and makes a new one, if that does not take long.
    pub async fn prepare_decoys(&self) {
        let prepared = async {
            self.read_password_census().await?;
            self.count_password_schemes().await
        };
        if let Ok(Err(fault)) = tokio::time::timeout(STARTUP_TIMEOUT, prepared).await {
            telemetry::report(&fault);
        }
    }

    /// Runs until `stop`.
    pub async fn run_decoy_census(self, stop: CancellationToken) {
        let mut version = None;
        let mut counted = Instant::now();
        let mut age = MIN_AGE;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(POLL_INTERVAL) => {}
            }
            let now = match self.read_password_census().await {
                Ok(now) => now,
                Err(fault) => {
                    telemetry::report(&fault);
                    continue;
                }
            };
            if now != version {
                (version, counted) = (now, Instant::now());
            }
            if counted.elapsed() < age {
                continue;
            }
            let started = Instant::now();
            tokio::select! {
                () = stop.cancelled() => return,
                done = self.count_password_schemes() => if let Err(fault) = done {
                    telemetry::report(&fault);
                }
            }
            counted = Instant::now();
            age = MIN_AGE.max(started.elapsed() * AGE_PER_DURATION);
        }
    }

    /// Counts the schemes of all accounts and chooses decoys accordingly from now on.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn count_password_schemes(&self) -> Result<(), Fault> {
        let store = &self.0.store;
        let mut counts = SchemeCounts::default();
        let mut last = None;
        loop {
            let hashes = store.password_hashes(last.as_ref(), BATCH).await?;
            hashes.iter().for_each(|(_, hash)| counts.add(hash));
            match hashes.into_iter().next_back() {
                Some((id, _)) => last = Some(id),
                None => break,
            }
        }
        store.begin_password_census(hex::encode(self.0.entropy.bytes::<32>())).await?;
        store
            .write(move |tx| {
                Box::pin(async move {
                    let known = tx.lock_password_census().await?;
                    let known = known.map_or_else(SchemeCensus::default, |known| read(&known.schemes));
                    let next = known.next(counts);
                    let next = serde_json::to_string(&next).map_err(|error| Fault::internal(error.to_string()));
                    tx.set_password_census(next.context("writing the password census")?).await?;
                    Ok(TxOutcome::Commit(()))
                })
            })
            .await?;
        self.read_password_census().await?;
        Ok(())
    }

    /// Loads the last count into the hasher, and returns its version.
    async fn read_password_census(&self) -> Result<Option<i64>, Fault> {
        let Some(PasswordCensus { seed, schemes, version, .. }) = self.0.store.password_census().await? else {
            return Ok(None);
        };
        let mut bytes: Seed = [0; 32];
        hex::decode_to_slice(seed, &mut bytes).map_err(|_| Fault::internal("invalid seed in password_census"))?;
        self.0.hasher.set_census(&bytes, &read(&schemes));
        Ok(Some(version))
    }
}

/// Parses a stored count. An invalid one counts as empty, and the next count replaces it.
fn read(schemes: &str) -> SchemeCensus {
    serde_json::from_str(schemes).unwrap_or_default()
}
