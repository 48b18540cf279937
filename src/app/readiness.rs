//! What `/readyz` answers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::watch;

use crate::store::Store;
use platform::{clock::Clock, fault::Fault};

/// A probe waits no longer for a look at the database: the usual time-out of a prober is one second.
const PATIENCE: Duration = Duration::from_millis(800);

/// Looks whether the process can work. Cheap to clone.
#[derive(Clone)]
pub(super) struct Readiness(Arc<Inner>);

struct Inner {
    store: Store,
    clock: Clock,
    /// What the last look found, with its number.
    found: watch::Sender<(u64, Vec<&'static str>)>,
    looking: AtomicBool,
    /// Whether the log has been told of a newer version's migrations.
    said_newer: AtomicBool,
}

impl Readiness {
    pub fn new(store: Store, clock: Clock) -> Self {
        let found = watch::Sender::new((0, Vec::new()));
        let (looking, said_newer) = (AtomicBool::new(false), AtomicBool::new(false));
        Self(Arc::new(Inner { store, clock, found, looking, said_newer }))
    }

    /// What keeps the process from working, within a second. However many ask at once, one look is under way.
    pub async fn unready(&self) -> Vec<&'static str> {
        let inner = &self.0;
        if !inner.store.is_reachable() {
            return vec!["database"];
        }
        let mut found = inner.found.subscribe();
        if !inner.looking.swap(true, Ordering::SeqCst) {
            let inner = Arc::clone(inner);
            tokio::spawn(async move {
                let missing = inner.look().await;
                inner.looking.store(false, Ordering::SeqCst);
                inner.found.send_modify(|(number, found)| {
                    *number += 1;
                    *found = missing;
                });
            });
        }
        match tokio::time::timeout(PATIENCE, found.changed()).await {
            Ok(Ok(())) => found.borrow().1.clone(),
            Ok(Err(_)) | Err(_) => vec!["database"],
        }
    }
}

impl Inner {
    async fn look(&self) -> Vec<&'static str> {
        let looked = async {
            let schema = self.store.schema().await?;
            // No work is sent here while this says no, so it has to find out by itself when writing is possible again.
            if !self.store.keeps_what_is_written() {
                self.store.hold_lease("readiness", "readiness", Duration::ZERO, self.clock.now()).await?;
            }
            Ok::<_, Fault>(schema)
        };
        let Ok(schema) = looked.await else { return vec!["database"] };
        if !schema.newer.is_empty() && !self.said_newer.swap(true, Ordering::Relaxed) {
            let newer = schema.newer.join(", ");
            tracing::info!("a newer version migrated the database, and this one works with it: {newer}");
        }
        if self.store.read_only().is_some() {
            return vec!["database"];
        }
        if schema.is_good() { Vec::new() } else { vec!["migrations"] }
    }
}
