//! Which refresh generations were seen in use. An access token carries the generation of the refresh token that it was
//! issued with; once this service sees it, the answer with both has arrived.
//!
//! What is seen is noted in memory, once for each session and generation, and written in the background, so that no
//! request waits for it. Both memories are bounded: what finds no room is noted by the next request with that token.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{store::Store, telemetry};
use domain::ids::SessionId;

/// Sessions whose generation waits to be written.
const MOST_WAITING: usize = 20_000;
/// Sessions whose generation is known to be written: once that many were added, those before them are forgotten.
const MOST_KNOWN: usize = 50_000;
/// How long generations are gathered before they are written.
const GATHER: Duration = Duration::from_millis(200);
/// How long a failed write waits for the next try.
const RETRY: Duration = Duration::from_secs(2);
/// Rows written at once; SQLite's writer commits them together.
const AT_ONCE: usize = 8;

/// Cheap to clone.
#[derive(Clone, Default)]
pub struct Confirmations(Arc<Inner>);

#[derive(Default)]
struct Inner {
    generations: Mutex<Generations>,
    noted: Notify,
}

#[derive(Default)]
struct Generations {
    waiting: HashMap<SessionId, i32>,
    known: HashMap<SessionId, i32>,
    known_before: HashMap<SessionId, i32>,
}

impl Generations {
    fn seen(&self, session: &SessionId) -> i32 {
        let all = [&self.waiting, &self.known, &self.known_before];
        all.into_iter().filter_map(|generations| generations.get(session)).copied().max().unwrap_or(0)
    }

    /// Whether it has to be written.
    fn note(&mut self, session: &SessionId, generation: i32) -> bool {
        if generation <= self.seen(session) || self.waiting.len() >= MOST_WAITING {
            return false;
        }
        self.waiting.insert(session.clone(), generation);
        true
    }

    /// What is to be written. It counts as known until a write fails.
    fn take(&mut self) -> Vec<(SessionId, i32)> {
        let taken: Vec<_> = self.waiting.drain().collect();
        for (session, generation) in &taken {
            if self.known.len() >= MOST_KNOWN {
                self.known_before = std::mem::take(&mut self.known);
            }
            self.known.insert(session.clone(), *generation);
        }
        taken
    }

    fn put_back(&mut self, session: &SessionId, generation: i32) {
        for known in [&mut self.known, &mut self.known_before] {
            known.remove(session);
        }
        self.note(session, generation);
    }
}

impl Confirmations {
    /// Notes that an access token of this generation was seen. The first generation of a session confirms nothing.
    pub(super) fn note(&self, session: &SessionId, generation: i32) {
        if generation > 0 && self.generations().note(session, generation) {
            self.0.noted.notify_one();
        }
    }

    /// The highest generation that this process saw of a session, written or not.
    pub(super) fn seen(&self, session: &SessionId) -> i32 {
        self.generations().seen(session)
    }

    /// Writes what was seen until `stop`, and then what is left.
    pub async fn run(self, store: Store, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.0.noted.notified() => {}
            }
            let pause = if self.write(&store).await { GATHER } else { RETRY };
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.write(&store).await;
    }

    /// Writes what waits. False: some of it failed, and waits again.
    async fn write(&self, store: &Store) -> bool {
        let taken = self.generations().take();
        let written = stream::iter(taken).map(|(session, generation)| async move {
            let written = store.note_seen_generation(session.clone(), generation).await;
            written.map_err(|fault| (session, generation, fault))
        });
        let failed: Vec<_> =
            written.buffer_unordered(AT_ONCE).filter_map(|written| async move { written.err() }).collect().await;
        if let Some((_, _, fault)) = failed.first() {
            telemetry::report(fault);
        }
        let all = failed.is_empty();
        for (session, generation, _) in failed {
            self.generations().put_back(&session, generation);
            self.0.noted.notify_one();
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
    use crate::clock::Entropy;

    #[test]
    fn a_generation_is_written_once_and_again_only_after_a_failure() {
        let session = SessionId::new(&Entropy::seeded(1));
        let mut generations = Generations::default();
        assert!(generations.note(&session, 1));
        assert!(!generations.note(&session, 1), "it waits already");
        assert!(generations.note(&session, 2), "a later one takes its place");
        assert_eq!(generations.take(), [(session.clone(), 2)]);
        assert_eq!((generations.seen(&session), generations.note(&session, 1)), (2, false));
        assert!(!generations.note(&session, 2), "it is written");
        generations.put_back(&session, 2);
        assert_eq!(generations.take(), [(session.clone(), 2)]);
        // A newer one that came meanwhile is not undone by a failure of the one before.
        assert!(generations.note(&session, 3));
        generations.put_back(&session, 2);
        assert_eq!(generations.take(), [(session, 3)]);
    }

    #[test]
    fn both_memories_are_bounded() {
        let entropy = Entropy::seeded(1);
        let mut generations = Generations::default();
        for _ in 0..MOST_WAITING {
            assert!(generations.note(&SessionId::new(&entropy), 1));
        }
        let late = SessionId::new(&entropy);
        assert!(!generations.note(&late, 1) && generations.seen(&late) == 0, "there is no room, and it is not known");
        for _ in 0..=(2 * MOST_KNOWN / MOST_WAITING) {
            generations.take();
            while generations.note(&SessionId::new(&entropy), 1) {}
        }
        assert!(generations.known.len() + generations.known_before.len() <= 2 * MOST_KNOWN);
        generations.take();
        assert!(generations.note(&late, 1));
    }
}
