//! The readiness check of `/readyz`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::watch;

use platform::{clock::Clock, fault::Fault};
use store::Store;

/// How long a probe waits for the check of the database: the usual timeout of probes is one second.
const CHECK_TIMEOUT: Duration = Duration::from_millis(800);

/// Checks whether the process can serve requests. Cheap to clone.
#[derive(Clone)]
pub(super) struct Readiness(Arc<ReadinessState>);

struct ReadinessState {
    store: Store,
    clock: Clock,
    /// The result of the last check, with its sequence number.
    found: watch::Sender<(u64, Vec<&'static str>)>,
    checking: AtomicBool,
    /// Whether the migrations of a newer version were logged.
    logged_newer: AtomicBool,
}

impl Readiness {
    pub fn new(store: Store, clock: Clock) -> Self {
        let found = watch::Sender::new((0, Vec::new()));
        let (checking, logged_newer) = (AtomicBool::new(false), AtomicBool::new(false));
        Self(Arc::new(ReadinessState { store, clock, found, checking, logged_newer }))
    }

    /// The unavailable components, within a second. Concurrent calls share one check.
    pub async fn unready(&self) -> Vec<&'static str> {
        let state = &self.0;
        if !state.store.is_reachable() {
            return vec!["database"];
        }
        let mut found = state.found.subscribe();
        if !state.checking.swap(true, Ordering::SeqCst) {
            let state = Arc::clone(state);
            tokio::spawn(async move {
                let missing = state.check().await;
                state.checking.store(false, Ordering::SeqCst);
                state.found.send_modify(|(number, found)| {
                    *number += 1;
                    *found = missing;
                });
            });
        }
        match tokio::time::timeout(CHECK_TIMEOUT, found.changed()).await {
            Ok(Ok(())) => found.borrow().1.clone(),
            Ok(Err(_)) | Err(_) => vec!["database"],
        }
    }
}

impl ReadinessState {
    async fn check(&self) -> Vec<&'static str> {
        let checked = async {
            let schema = self.store.schema().await?;
            // While the process is not ready it gets no requests, so this check itself must try to write to detect that
            // writes are possible again.
            if !self.store.is_writable() {
                self.store.acquire_lease("readiness", "readiness", Duration::ZERO, self.clock.now()).await?;
            }
            Ok::<_, Fault>(schema)
        };
        let Ok(schema) = checked.await else { return vec!["database"] };
        if !schema.newer.is_empty() && !self.logged_newer.swap(true, Ordering::Relaxed) {
            let newer = schema.newer.join(", ");
            tracing::info!("the database has migrations of a newer, compatible version: {newer}");
        }
        if self.store.read_only().is_some() {
            return vec!["database"];
        }
        if schema.is_compatible() { Vec::new() } else { vec!["migrations"] }
    }
}
