//! Graceful shutdown: no new work, running work may finish, and what is left after the grace period is aborted.

use tokio_util::{
    sync::{CancellationToken, WaitForCancellationFutureOwned},
    task::TaskTracker,
};

/// Shared by everything that must shut down. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    requested: CancellationToken,
    aborted: CancellationToken,
    tasks: TaskTracker,
}

impl Shutdown {
    /// A shutdown that starts when `requested` is cancelled.
    pub fn new(asked: CancellationToken) -> Self {
        Self { requested: asked, ..Self::default() }
    }

    /// Whether shutdown was requested.
    pub fn is_requested(&self) -> bool {
        self.requested.is_cancelled()
    }

    /// Completes when shutdown was requested.
    pub async fn requested(&self) {
        self.requested.cancelled().await;
    }

    /// As [`Shutdown::requested`], for futures that are stored.
    pub fn requested_owned(&self) -> WaitForCancellationFutureOwned {
        self.requested.clone().cancelled_owned()
    }

    /// Spawns a task that the shutdown waits for, and aborts after the grace period.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let cut = self.aborted.clone();
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
        self.aborted.cancel();
        self.tasks.wait().await;
        left
    }
}
