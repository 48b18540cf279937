//! Supervision of the background tasks that run as long as the process.
//!
//! A task that panics ends silently. Without the dispatcher, queued codes would never be sent; without the writer,
//! nothing would be stored; without the relay, revocations by other processes would be missed. A restarted process is
//! better than one that continues without them.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Detects the panic of a background task. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Supervisor(CancellationToken);

impl Supervisor {
    /// Runs a background task. Must be called within a Tokio runtime.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        let failed = self.0.clone();
        tokio::spawn(async move {
            if AssertUnwindSafe(task).catch_unwind().await.is_err() {
                tracing::error!(task = name, "background task panicked, shutting down");
                failed.cancel();
            }
        })
    }

    /// Waits until a background task has panicked.
    pub async fn failed(&self) {
        self.0.cancelled().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn panic_of_a_task_is_reported_and_its_end_is_not() {
        let supervisor = Supervisor::default();
        supervisor.spawn("ending", async {}).await.unwrap();
        assert!(supervisor.failed().now_or_never().is_none());
        supervisor.spawn("panicking", async { panic!("on purpose") }).await.unwrap();
        supervisor.failed().await;
    }
}
