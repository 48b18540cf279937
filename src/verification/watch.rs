//! Watching: the verification as it stands, then again at every change, until it is over.

use futures_util::Stream;

use super::{Verification, Verifications};
use crate::{
    clock::Clock,
    events::{Wake, Watcher},
    fault::Fault,
    store::Store,
};
use domain::ids::VerificationId;

struct Watch {
    store: Store,
    clock: Clock,
    watcher: Watcher,
    known: Verification,
    stage: Stage,
}

enum Stage {
    /// The state as it stands has yet to be shown.
    Opening,
    Watching,
    Over,
}

impl Verifications {
    /// The verification as it stands, then again at every change; the stream ends after the state that it is over in.
    /// None: there is no such verification.
    ///
    /// Only the newest state is kept for a slow watcher: each is whole, so what it skips it does not miss.
    ///
    /// # Errors
    /// A fault of the store, at the opening or as the stream's last item.
    pub async fn watch(
        &self,
        id: &VerificationId,
    ) -> Result<Option<impl Stream<Item = Result<Verification, Fault>> + Send + use<>>, Fault> {
        // Watched first and read second: a change between the two is seen twice rather than never.
        let watcher = self.0.events.watch(id);
        let Some(known) = self.get(id).await? else { return Ok(None) };
        let watch =
            Watch { store: self.0.store.clone(), clock: self.0.clock.clone(), watcher, known, stage: Stage::Opening };
        Ok(Some(futures_util::stream::unfold(watch, |mut watch| async move {
            let shown = watch.next().await?;
            Some((shown, watch))
        })))
    }
}

impl Watch {
    async fn next(&mut self) -> Option<Result<Verification, Fault>> {
        let changed = match self.stage {
            Stage::Opening => Ok(()),
            Stage::Watching => self.change().await,
            Stage::Over => return None,
        };
        self.stage = if changed.is_err() || self.known.standing().is_over() { Stage::Over } else { Stage::Watching };
        Some(changed.map(|()| self.known.clone()))
    }

    /// Waits for a change, or for the instant at which the clock makes one.
    async fn change(&mut self) -> Result<(), Fault> {
        loop {
            tokio::select! {
                wake = self.watcher.next() => match wake {
                    Wake::Changed(change) => {
                        if self.known.take(&change, self.clock.now()) {
                            return Ok(());
                        }
                    }
                    Wake::Reread => {
                        if Box::pin(self.reread()).await? {
                            return Ok(());
                        }
                    }
                },
                () = self.clock.sleep_until(self.known.expires_at()) => {
                    // Something that came before the end may still be on its way here: the row knows.
                    Box::pin(self.reread()).await?;
                    if self.known.standing().is_over() {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Reads the row again. True: it shows something new. Boxed by whoever waits for it: a watcher lives long, this is
    /// rare, and it takes several KiB.
    async fn reread(&mut self) -> Result<bool, Fault> {
        let now = self.clock.now();
        let before = self.known.sequence();
        match self.store.verification(self.known.id()).await? {
            Some(row) if row.sequence >= self.known.row().sequence => self.known.replace(row, now),
            // Erased with its account: nothing of it changes any more but the time, and that ends it.
            Some(_) | None => self.known.look(now),
        }
        Ok(self.known.sequence() > before)
    }
}
