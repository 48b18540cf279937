//! The end of serving: no new work, what runs may finish, and after the grace whatever is left is cut.

use tokio_util::{
    sync::{CancellationToken, WaitForCancellationFutureOwned},
    task::TaskTracker,
};

/// Shared by everything that has to end. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    asked: CancellationToken,
    cut: CancellationToken,
    tasks: TaskTracker,
}

impl Stop {
    /// Ends when `asked` is cancelled.
    pub fn new(asked: CancellationToken) -> Self {
        Self { asked, ..Self::default() }
    }

    pub fn is_asked(&self) -> bool {
        self.asked.is_cancelled()
    }

    /// Returns once the end was asked for.
    pub async fn asked(&self) {
        self.asked.cancelled().await;
    }

    /// As [`Stop::asked`], for futures that are kept.
    pub fn asked_owned(&self) -> WaitForCancellationFutureOwned {
        self.asked.clone().cancelled_owned()
    }

    /// Runs a task that the end waits for, and cuts when the grace is over.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let cut = self.cut.clone();
        // Boxed: what an async block captures and then awaits has its place in it twice, and thousands of sockets wait
        // in such a block.
        let task = Box::pin(task);
        self.tasks.spawn(async move {
            tokio::select! {
                () = task => {}
                () = cut.cancelled_owned() => {}
            }
        });
    }

    /// Waits for all tasks at most `grace`, then cuts the rest. How many were cut.
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
