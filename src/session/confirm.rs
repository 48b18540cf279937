//! Refresh token generations that were seen in use. An access token carries the generation of the refresh token that
//! was issued with it. Once this service sees the access token, the response that carried both has arrived.
//!
//! Generations are recorded in memory, once per session and generation, and written in the background, so that no
//! request waits for the write. Both maps are bounded: what does not fit is recorded by the next request with that
//! token.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use domain::ids::SessionId;
use platform::telemetry;
use store::Store;

/// Maximum number of sessions whose generation waits to be written.
const MAX_WAITING: usize = 20_000;
/// Maximum number of sessions in one of the two maps of written generations. When the newer one is full, the older one
/// is dropped.
const MAX_WRITTEN: usize = 50_000;
/// How long generations are collected before they are written.
const COLLECT: Duration = Duration::from_millis(200);
/// Delay before a failed write is retried.
const RETRY: Duration = Duration::from_secs(2);
/// Concurrent writes; SQLite's writer commits them together.
const CONCURRENT_WRITES: usize = 8;

/// Records generations and writes them in the background. Cheap to clone.
#[derive(Clone, Default)]
pub struct SeenGenerations(Arc<State>);

#[derive(Default)]
struct State {
    generations: Mutex<Generations>,
    recorded: Notify,
}

#[derive(Default)]
struct Generations {
    waiting: HashMap<SessionId, i32>,
    written: HashMap<SessionId, i32>,
    older_written: HashMap<SessionId, i32>,
}

impl Generations {
    fn seen(&self, session: &SessionId) -> i32 {
        let all = [&self.waiting, &self.written, &self.older_written];
        all.into_iter().filter_map(|generations| generations.get(session)).copied().max().unwrap_or(0)
    }

    /// Records a generation. Returns whether it has to be written.
    fn record(&mut self, session: &SessionId, generation: i32) -> bool {
        if generation <= self.seen(session) || self.waiting.len() >= MAX_WAITING {
            return false;
        }
        self.waiting.insert(session.clone(), generation);
        true
    }

    /// Takes the generations to write. They count as written unless a write fails.
    fn take(&mut self) -> Vec<(SessionId, i32)> {
        let taken: Vec<_> = self.waiting.drain().collect();
        for (session, generation) in &taken {
            if self.written.len() >= MAX_WRITTEN {
                self.older_written = std::mem::take(&mut self.written);
            }
            self.written.insert(session.clone(), *generation);
        }
        taken
    }

    fn restore(&mut self, session: &SessionId, generation: i32) {
        for written in [&mut self.written, &mut self.older_written] {
            written.remove(session);
        }
        self.record(session, generation);
    }
}

impl SeenGenerations {
    /// Records that an access token of this generation was seen. The first generation of a session confirms nothing.
    pub(super) fn record(&self, session: &SessionId, generation: i32) {
        if generation > 0 && self.generations().record(session, generation) {
            self.0.recorded.notify_one();
        }
    }

    /// The highest generation of a session that this process saw, written or not.
    pub(super) fn seen(&self, session: &SessionId) -> i32 {
        self.generations().seen(session)
    }

    /// Writes recorded generations until `stop`, and the remaining ones then.
    pub async fn run(self, store: Store, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.0.recorded.notified() => {}
            }
            let pause = if self.write(&store).await { COLLECT } else { RETRY };
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.write(&store).await;
    }

    /// Writes waiting generations. False: some writes failed and are waiting again.
    async fn write(&self, store: &Store) -> bool {
        let taken = self.generations().take();
        let written = stream::iter(taken).map(|(session, generation)| async move {
            let written = store.record_seen_generation(session.clone(), generation).await;
            written.map_err(|fault| (session, generation, fault))
        });
        let failed: Vec<_> = written
            .buffer_unordered(CONCURRENT_WRITES)
            .filter_map(|written| async move { written.err() })
            .collect()
            .await;
        if let Some((_, _, fault)) = failed.first() {
            telemetry::report(fault);
        }
        let all = failed.is_empty();
        for (session, generation, _) in failed {
            self.generations().restore(&session, generation);
            self.0.recorded.notify_one();
        }
        all
    }

    fn generations(&self) -> MutexGuard<'_, Generations> {
        self.0.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform::clock::Entropy;

    #[test]
    fn a_generation_is_written_once_and_again_only_after_a_failure() {
        let session = SessionId::new(&Entropy::seeded(1));
        let mut generations = Generations::default();
        assert!(generations.record(&session, 1));
        assert!(!generations.record(&session, 1), "already waiting");
        assert!(generations.record(&session, 2), "a later generation replaces it");
        assert_eq!(generations.take(), [(session.clone(), 2)]);
        assert_eq!((generations.seen(&session), generations.record(&session, 1)), (2, false));
        assert!(!generations.record(&session, 2), "already written");
        generations.restore(&session, 2);
        assert_eq!(generations.take(), [(session.clone(), 2)]);
        // A newer generation recorded in the meantime is kept when the write of an older one fails.
        assert!(generations.record(&session, 3));
        generations.restore(&session, 2);
        assert_eq!(generations.take(), [(session, 3)]);
    }

    #[test]
    fn waiting_and_written_generations_are_bounded() {
        let entropy = Entropy::seeded(1);
        let mut generations = Generations::default();
        for _ in 0..MAX_WAITING {
            assert!(generations.record(&SessionId::new(&entropy), 1));
        }
        let late = SessionId::new(&entropy);
        assert!(!generations.record(&late, 1) && generations.seen(&late) == 0, "not recorded when full");
        for _ in 0..=(2 * MAX_WRITTEN / MAX_WAITING) {
            generations.take();
            while generations.record(&SessionId::new(&entropy), 1) {}
        }
        assert!(generations.written.len() + generations.older_written.len() <= 2 * MAX_WRITTEN);
        generations.take();
        assert!(generations.record(&late, 1));
    }
}
