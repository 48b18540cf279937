//! Graceful shutdown: no new work, running work may finish, and what is left after the grace period is aborted.

use tokio_util::{
    sync::{CancellationToken, WaitForCancellationFutureOwned},
    task::TaskTracker,
};

/// Shared by everything that must shut down. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    asked: CancellationToken,
    cut: CancellationToken,
    tasks: TaskTracker,
}

impl Stop {
    /// A shutdown that starts when `asked` is cancelled.
    pub fn new(asked: CancellationToken) -> Self {
        Self { asked, ..Self::default() }
    }

    /// Whether shutdown was requested.
    pub fn is_asked(&self) -> bool {
        self.asked.is_cancelled()
    }

    /// Completes when shutdown was requested.
    pub async fn asked(&self) {
        self.asked.cancelled().await;
    }

    /// As [`Stop::asked`], for futures that are stored.
    pub fn asked_owned(&self) -> WaitForCancellationFutureOwned {
        self.asked.clone().cancelled_owned()
    }

    /// Spawns a task that the shutdown waits for, and aborts after the grace period.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let cut = self.cut.clone();
        // Boxed: what an async block captures and then awaits is stored in it twice, and thousands of sockets wait in
        // such a block.
        let task = Box::pin(task);
        self.tasks.spawn(async move {
            tokio::select! {
                () = task => {}
                () = cut.cancelled_owned() => {}
            }
        });
    }

    /// Waits for all tasks for at most `grace`, then aborts the rest. Returns how many were aborted.
    pub async fn drain(&self, grace: std::time::Duration) -> usize {
        self.tasks.close();
        if tokio::time::timeout(grace, self.tasks.wait()).await.is_ok() {
            return 0;
        }
        let left = self.tasks.len();
        self.cut.cancel();
        self.tasks.wait().await;
        left
    }
}
