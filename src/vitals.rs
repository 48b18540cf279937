//! The parts of the program that work until it stops, and who hears of it when one of them panics.
//!
//! A task that panics ends alone and says nothing. Without the dispatcher codes would be owed and never sent, without
//! the writer nothing kept, without the relay what is revoked elsewhere honoured: a process that starts anew serves
//! better than one that goes on.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Whether every part still works. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Vitals(CancellationToken);

impl Vitals {
    /// Runs a part of the program in a task of its own. Must be called within a runtime.
    pub fn spawn(&self, name: &'static str, part: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        let fallen = self.0.clone();
        tokio::spawn(async move {
            if AssertUnwindSafe(part).catch_unwind().await.is_err() {
                tracing::error!(part = name, "panicked, and the process can't go on without it");
                fallen.cancel();
            }
        })
    }

    /// Waits until a part has panicked.
    pub async fn fallen(&self) {
        self.0.cancelled().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_part_that_panics_is_heard_of_and_one_that_ends_is_not() {
        let vitals = Vitals::default();
        vitals.spawn("ending", async {}).await.unwrap();
        assert!(vitals.fallen().now_or_never().is_none());
        vitals.spawn("panicking", async { panic!("on purpose") }).await.unwrap();
        vitals.fallen().await;
    }
}
