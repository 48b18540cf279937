//! Watching a verification: its current state, then every change, until it is over.

use futures_util::Stream;

use super::{VerificationView, Verifications};
use crate::events::{WatchEvent, Watcher};
use domain::ids::VerificationId;
use platform::{clock::Clock, fault::Fault};
use store::Store;

struct Watch {
    store: Store,
    clock: Clock,
    watcher: Watcher,
    current: VerificationView,
    stage: WatchStage,
}

enum WatchStage {
    /// The current state was not emitted yet.
    Initial,
    Watching,
    Ended,
}

impl Verifications {
    /// A stream of the current state and every change. It ends after the final state. None: the verification does not
    /// exist.
    ///
    /// For a slow consumer only the newest state is kept: each item is a complete state, so none of the skipped ones is
    /// needed.
    ///
    /// # Errors
    /// A fault of the store, at the start or as the last item of the stream.
    pub async fn watch(
        &self,
        id: &VerificationId,
    ) -> Result<Option<impl Stream<Item = Result<VerificationView, Fault>> + Send + use<>>, Fault> {
        // Subscribe before the read: a change in between is then emitted twice rather than lost.
        let watcher = self.0.events.watch(id);
        let Some(current) = self.get(id).await? else { return Ok(None) };
        let watch = Watch {
            store: self.0.store.clone(),
            clock: self.0.clock.clone(),
            watcher,
            current,
            stage: WatchStage::Initial,
        };
        Ok(Some(futures_util::stream::unfold(watch, |mut watch| async move {
            let item = watch.next().await?;
            Some((item, watch))
        })))
    }
}

impl Watch {
    async fn next(&mut self) -> Option<Result<VerificationView, Fault>> {
        let changed = match self.stage {
            WatchStage::Initial => Ok(()),
            WatchStage::Watching => self.change().await,
            WatchStage::Ended => return None,
        };
        self.stage = if changed.is_err() || self.current.effective_status().is_final() {
            WatchStage::Ended
        } else {
            WatchStage::Watching
        };
        Some(changed.map(|()| self.current.clone()))
    }

    /// Waits for a change, or for the expiry.
    async fn change(&mut self) -> Result<(), Fault> {
        loop {
            tokio::select! {
                wake = self.watcher.next() => match wake {
                    WatchEvent::Changed(change) => {
                        if self.current.apply(&change, self.clock.now()) {
                            return Ok(());
                        }
                    }
                    WatchEvent::Reread => {
                        if Box::pin(self.reread()).await? {
                            return Ok(());
                        }
                    }
                },
                () = self.clock.sleep_until(self.current.expires_at()) => {
                    // A change before the expiry may not have been received yet, so the row is read again.
                    Box::pin(self.reread()).await?;
                    if self.current.effective_status().is_final() {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Reads the row again. True: the state changed. Callers box it: watchers are long-lived, this is rare, and the
    /// future takes several KiB.
    async fn reread(&mut self) -> Result<bool, Fault> {
        let now = self.clock.now();
        let before = self.current.sequence();
        match self.store.verification(self.current.id()).await? {
            Some(row) if row.sequence >= self.current.row().sequence => self.current.replace(row, now),
            // Deleted with its account: only the time can change it now, and that ends it.
            Some(_) | None => self.current.advance_to(now),
        }
        Ok(self.current.sequence() > before)
    }
}
