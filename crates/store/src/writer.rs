//! SQLite's single writer: it takes the waiting jobs, runs them in one transaction, commits once, and only then
//! replies.
//!
//! A commit that reaches the disk costs far more than its statements. Under load several jobs share one commit; a
//! single job is committed at once. Each job runs in a savepoint, so one that rolls back, fails or panics does not
//! affect the others.

use std::{
    future::pending,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt;
use sea_orm::{DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, TransactionOptions, TransactionTrait};
use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot,
};

use super::{Tx, TxFuture, TxOutcome, wait_queue::WaitQueue};
use platform::{
    fault::{Fault, FaultContext},
    supervisor::Supervisor,
    telemetry::{
        metrics::{self, Queue},
        traces::Trace,
    },
    wait_limit::OperationWait,
};

/// Jobs that may wait; further ones are refused.
const MAX_QUEUED: usize = 4096;
/// The largest number of jobs per commit: limits how long the first of them waits for the last.
const BATCH: usize = 128;

/// The handle to the writer. Cheap to clone.
#[derive(Clone)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
    wait_queue: WaitQueue,
    db: DatabaseConnection,
    /// Whether the last transaction was committed. After a failed commit the connection is not used again: the
    /// transaction may still be open, and would absorb the following ones without ever being committed.
    writes: Arc<AtomicBool>,
}

/// Runs in a transaction, decides whether to keep its writes, and replies after the commit.
type Job = Box<dyn for<'t> FnOnce(&'t Tx) -> std::pin::Pin<Box<dyn Future<Output = JobResult> + Send + 't>> + Send>;

struct JobResult {
    keep: bool,
    reply_fn: Reply,
}

/// Sends the reply: the value, or the fault of the commit.
type Reply = Box<dyn FnOnce(Result<(), Fault>) + Send>;

impl Writer {
    /// Starts the writer task on a pool of one connection. `timeout` applies to each job.
    pub(super) fn start(
        db: DatabaseConnection,
        timeout: Duration,
        writes: Arc<AtomicBool>,
        supervisor: &Supervisor,
    ) -> Self {
        let (jobs, queued) = mpsc::channel(MAX_QUEUED);
        supervisor.spawn("writer", run_writer(db.clone(), queued, timeout, Arc::clone(&writes)));
        Self { jobs, wait_queue: WaitQueue::new(), db, writes }
    }

    /// The number of waiting jobs.
    pub(super) fn waiting(&self) -> usize {
        self.jobs.max_capacity() - self.jobs.capacity()
    }

    /// The shortest wait of a job since the last call.
    pub(super) fn waited(&self) -> Duration {
        self.wait_queue.waited()
    }

    /// Whether the last transaction was committed.
    pub(super) fn writes(&self) -> bool {
        self.writes.load(Ordering::Relaxed)
    }

    /// The connection itself, for migrations.
    pub(super) fn connection(&self) -> &DatabaseConnection {
        &self.db
    }

    /// Checkpoints the log into the file and closes.
    pub(super) async fn stop(self) {
        drop(self.jobs);
        drop(self.db.close().await);
    }

    pub(super) async fn run<T, F>(&self, work: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t Tx) -> TxFuture<'t, T> + Send + 'static,
    {
        let (reply, replied) = oneshot::channel();
        // The statements belong to the trace of the caller.
        let trace = Trace::current();
        let waiter = self.wait_queue.enter();
        let ticket = OperationWait::current();
        let job_ticket = ticket.clone();
        let job: Job = Box::new(move |tx| {
            Box::pin(async move {
                let may_start = job_ticket.may_start(waiter.served());
                // The caller has already received a timeout error. The job must not run: for example, it would write a
                // proof whose token was never returned.
                if !may_start || reply.is_closed() {
                    return JobResult { keep: false, reply_fn: Box::new(|_| ()) };
                }
                let (keep, value) = match AssertUnwindSafe(trace.in_context(work(tx))).catch_unwind().await {
                    Ok(Ok(TxOutcome::Commit(value))) => (true, Ok(value)),
                    Ok(Ok(TxOutcome::Rollback(value))) => (false, Ok(value)),
                    Ok(Err(fault)) => (false, Err(fault)),
                    Err(_) => (false, Err(Fault::internal("a transaction panicked"))),
                };
                let reply_fn: Reply = Box::new(move |committed| {
                    // The caller may have timed out.
                    let _ = reply.send(committed.and(value));
                });
                JobResult { keep, reply_fn }
            })
        });
        self.jobs.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => {
                metrics::queue_full(Queue::Writes);
                Fault::unavailable("the write queue is full")
            }
            TrySendError::Closed(_) => Fault::unavailable("the writer has stopped"),
        })?;
        match replied.await {
            Ok(result) => result,
            // The caller drops this future.
            Err(_) if ticket.is_rejected() => pending().await,
            Err(_) => Err(Fault::unavailable("the writer has stopped")),
        }
    }
}

async fn run_writer(db: DatabaseConnection, mut jobs: mpsc::Receiver<Job>, timeout: Duration, writes: Arc<AtomicBool>) {
    let mut batch = Vec::with_capacity(BATCH);
    while jobs.recv_many(&mut batch, BATCH).await > 0 {
        let mut replies = Vec::with_capacity(batch.len());
        let committed = run_batch(&db, batch.drain(..), &mut replies, timeout).await;
        writes.store(committed.is_ok(), Ordering::Relaxed);
        for reply_fn in replies {
            reply_fn(committed.clone());
        }
    }
}

/// Runs the jobs in one transaction and commits it. On a fault of the transaction itself, the remaining jobs are
/// dropped, which closes their reply channels.
async fn run_batch(
    db: &DatabaseConnection,
    jobs: impl ExactSizeIterator<Item = Job>,
    replies: &mut Vec<Reply>,
    timeout: Duration,
) -> Result<(), Fault> {
    let single = jobs.len() == 1;
    // IMMEDIATE: otherwise a transaction that reads first and writes later could fail when it upgrades its lock.
    let immediate = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let batch = db.begin_with_options(immediate).await.context("beginning a batch of writes")?;
    if single {
        return run_single(batch, jobs, replies, timeout).await;
    }
    for job in jobs {
        let savepoint = Tx(batch.begin().await.context("setting a savepoint")?);
        match tokio::time::timeout(timeout, job(&savepoint)).await {
            Ok(JobResult { keep, reply_fn }) => {
                replies.push(reply_fn);
                end(savepoint.0, keep).await?;
            }
            Err(_) => end(savepoint.0, false).await?,
        }
    }
    batch.commit().await.context("committing a batch of writes")
}

/// A single job needs no savepoint.
async fn run_single(
    tx: DatabaseTransaction,
    jobs: impl Iterator<Item = Job>,
    replies: &mut Vec<Reply>,
    timeout: Duration,
) -> Result<(), Fault> {
    let tx = Tx(tx);
    let mut keep = false;
    for job in jobs {
        if let Ok(done) = tokio::time::timeout(timeout, job(&tx)).await {
            replies.push(done.reply_fn);
            keep = done.keep;
        }
    }
    end(tx.0, keep).await
}

async fn end(tx: DatabaseTransaction, keep: bool) -> Result<(), Fault> {
    match keep {
        true => tx.commit().await.context("committing"),
        false => tx.rollback().await.context("rolling back"),
    }
}
