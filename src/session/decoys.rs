//! Keeps the decoys like the accounts: counts the password hashing schemes that accounts have, off the path of any
//! request, and has the hasher choose by that count. See `password/decoys.rs` for what decoys are for.
//!
//! The count is in the database, so that all processes choose the same decoys. Any of them counts when the last count
//! is old; the command line does after an import.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::Sessions;
use crate::{
    fault::{Doing, Fault},
    password::{Census, Seed, Tally},
    store::{Ending, entity::password_census::Model},
    telemetry,
};

/// How often a process looks for another one's count.
const LOOK: Duration = Duration::from_secs(5);
/// The least time between two counts.
const LEAST_AGE: Duration = Duration::from_secs(15);
/// A count is old when this many times as long has passed as it took: half a percent of the time is spent on it.
const AGE_PER_TIME: u32 = 200;
/// Accounts that are read at once.
const BATCH: u64 = 2_000;
/// How long a start waits for the first count.
const PATIENCE: Duration = Duration::from_secs(2);

impl Sessions {
    /// Reads the last count and makes a new one, if that does not take long.
    pub async fn prepare_decoys(&self) {
        let prepared = async {
            self.read_password_census().await?;
            self.count_password_schemes().await
        };
        if let Ok(Err(fault)) = tokio::time::timeout(PATIENCE, prepared).await {
            telemetry::report(&fault);
        }
    }

    /// Works until `stop`.
    pub async fn keep_decoys(self, stop: CancellationToken) {
        let mut version = None;
        let mut counted = Instant::now();
        let mut age = LEAST_AGE;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
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
            let begun = Instant::now();
            tokio::select! {
                () = stop.cancelled() => return,
                done = self.count_password_schemes() => if let Err(fault) = done {
                    telemetry::report(&fault);
                }
            }
            counted = Instant::now();
            age = LEAST_AGE.max(begun.elapsed() * AGE_PER_TIME);
        }
    }

    /// Counts the schemes of all accounts, and chooses decoys by that from now on.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn count_password_schemes(&self) -> Result<(), Fault> {
        let store = &self.0.store;
        let mut tally = Tally::default();
        let mut last = None;
        loop {
            let hashes = store.password_hashes(last.as_ref(), BATCH).await?;
            hashes.iter().for_each(|(_, hash)| tally.add(hash));
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
                    let known = known.map_or_else(Census::default, |known| read(&known.schemes));
                    let next = known.next(tally);
                    let next = serde_json::to_string(&next).map_err(|error| Fault::internal(error.to_string()));
                    tx.set_password_census(next.doing("writing the password census")?).await?;
                    Ok(Ending::Commit(()))
                })
            })
            .await?;
        self.read_password_census().await?;
        Ok(())
    }

    /// Chooses decoys by the last count, and says which one that was.
    async fn read_password_census(&self) -> Result<Option<i64>, Fault> {
        let Some(Model { seed, schemes, version, .. }) = self.0.store.password_census().await? else {
            return Ok(None);
        };
        let mut bytes: Seed = [0; 32];
        hex::decode_to_slice(seed, &mut bytes).map_err(|_| Fault::internal("the password census is garbled"))?;
        self.0.hasher.set_census(&bytes, &read(&schemes));
        Ok(Some(version))
    }
}

/// A garbled count is as good as none: the next one replaces it.
fn read(schemes: &str) -> Census {
    serde_json::from_str(schemes).unwrap_or_default()
}
