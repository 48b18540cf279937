//! SQLite's one writer: it takes the work that waits, runs it in one transaction, commits once, and only then answers.
//!
//! A commit that reaches the disk costs far more than the statements in it. Under load several pieces of work share
//! one; a piece that comes alone is committed alone, at once. Each piece stands in a savepoint of its own, so one that
//! decides against itself, fails or panics takes back nothing of its neighbours.

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

use super::{Ending, Tx, Work, waits::Waits};
use crate::{
    fault::{Doing, Fault},
    patience::Ticket,
    telemetry::{
        metrics::{self, Queue},
        traces::Trace,
    },
    vitals::Vitals,
};

/// Pieces of work that may wait; beyond that the store is too busy to take more.
const QUEUE: usize = 4096;
/// Pieces that share one commit at most: bounds how long the first of them waits for the last.
const BATCH: usize = 128;

/// The handle to the writer. Cheap to clone.
#[derive(Clone)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
    waits: Waits,
    db: DatabaseConnection,
    /// Whether the last transaction reached the disk. A connection on which one did not is not used again: what failed
    /// at its commit may still be open there, and would take the next transactions in without ever ending.
    writes: Arc<AtomicBool>,
}

/// Runs in a transaction, says whether to keep what it did, and how to answer once that is certain.
type Job = Box<dyn for<'t> FnOnce(&'t Tx) -> std::pin::Pin<Box<dyn Future<Output = Done> + Send + 't>> + Send>;

struct Done {
    keep: bool,
    answer: Answer,
}

/// Answers whoever waits: with the value, or with the fault that came between.
type Answer = Box<dyn FnOnce(Result<(), Fault>) + Send>;

impl Writer {
    /// Starts the writing task on a pool of one connection. `timeout` bounds each piece of work.
    pub(super) fn start(db: DatabaseConnection, timeout: Duration, writes: Arc<AtomicBool>, vitals: &Vitals) -> Self {
        let (jobs, taken) = mpsc::channel(QUEUE);
        vitals.spawn("writer", write(db.clone(), taken, timeout, Arc::clone(&writes)));
        Self { jobs, waits: Waits::new(), db, writes }
    }

    /// Pieces of work that wait.
    pub(super) fn waiting(&self) -> usize {
        self.jobs.max_capacity() - self.jobs.capacity()
    }

    /// How long every piece waited to be begun since this was last asked.
    pub(super) fn waited(&self) -> Duration {
        self.waits.waited()
    }

    /// Whether the last transaction reached the disk.
    pub(super) fn writes(&self) -> bool {
        self.writes.load(Ordering::Relaxed)
    }

    /// The connection itself, for migrations.
    pub(super) fn connection(&self) -> &DatabaseConnection {
        &self.db
    }

    /// Folds the log into the file and closes.
    pub(super) async fn stop(self) {
        drop(self.jobs);
        drop(self.db.close().await);
    }

    pub(super) async fn run<T, F>(&self, work: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t Tx) -> Work<'t, T> + Send + 'static,
    {
        let (reply, replied) = oneshot::channel();
        // Whoever writes in another's name stands in its trace.
        let trace = Trace::current();
        let waiter = self.waits.enter();
        let ticket = Ticket::current();
        let shown = ticket.clone();
        let job: Job = Box::new(move |tx| {
            Box::pin(async move {
                let begins = shown.begins(waiter.begun());
                // Whoever asked was told that the database took too long. What nobody waits for is not done: a proof
                // would be written whose token nobody has.
                if !begins || reply.is_closed() {
                    return Done { keep: false, answer: Box::new(|_| ()) };
                }
                let (keep, value) = match AssertUnwindSafe(trace.around(work(tx))).catch_unwind().await {
                    Ok(Ok(Ending::Commit(value))) => (true, Ok(value)),
                    Ok(Ok(Ending::Rollback(value))) => (false, Ok(value)),
                    Ok(Err(fault)) => (false, Err(fault)),
                    Err(_) => (false, Err(Fault::internal("the work of a transaction panicked"))),
                };
                let answer: Answer = Box::new(move |committed| {
                    // Whoever asked may have given up waiting.
                    let _ = reply.send(committed.and(value));
                });
                Done { keep, answer }
            })
        });
        self.jobs.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => {
                metrics::queue_full(Queue::Writes);
                Fault::unavailable("the database has more to write than it can take")
            }
            TrySendError::Closed(_) => Fault::unavailable("the writer stopped"),
        })?;
        match replied.await {
            Ok(answer) => answer,
            // Whoever waits for this operation leaves off.
            Err(_) if ticket.is_gone() => pending().await,
            Err(_) => Err(Fault::unavailable("the writer stopped")),
        }
    }
}

async fn write(db: DatabaseConnection, mut jobs: mpsc::Receiver<Job>, timeout: Duration, writes: Arc<AtomicBool>) {
    let mut batch = Vec::with_capacity(BATCH);
    while jobs.recv_many(&mut batch, BATCH).await > 0 {
        let mut answers = Vec::with_capacity(batch.len());
        let committed = run_batch(&db, batch.drain(..), &mut answers, timeout).await;
        writes.store(committed.is_ok(), Ordering::Relaxed);
        for answer in answers {
            answer(committed.clone());
        }
    }
}

/// Runs the jobs in one transaction and commits it. On a fault of the transaction itself, jobs that were not reached
/// are dropped, which tells whoever waits for them.
async fn run_batch(
    db: &DatabaseConnection,
    jobs: impl ExactSizeIterator<Item = Job>,
    answers: &mut Vec<Answer>,
    timeout: Duration,
) -> Result<(), Fault> {
    let alone = jobs.len() == 1;
    // IMMEDIATE: a transaction that reads first and writes later could otherwise fail at the upgrade of its lock.
    let immediate = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let batch = db.begin_with_options(immediate).await.doing("beginning a batch of writes")?;
    if alone {
        return run_alone(batch, jobs, answers, timeout).await;
    }
    for job in jobs {
        let savepoint = Tx(batch.begin().await.doing("setting a savepoint")?);
        match tokio::time::timeout(timeout, job(&savepoint)).await {
            Ok(Done { keep, answer }) => {
                answers.push(answer);
                end(savepoint.0, keep).await?;
            }
            Err(_) => end(savepoint.0, false).await?,
        }
    }
    batch.commit().await.doing("committing a batch of writes")
}

/// One job needs no savepoint: the transaction is its own.
async fn run_alone(
    tx: DatabaseTransaction,
    jobs: impl Iterator<Item = Job>,
    answers: &mut Vec<Answer>,
    timeout: Duration,
) -> Result<(), Fault> {
    let tx = Tx(tx);
    let mut keep = false;
    for job in jobs {
        if let Ok(done) = tokio::time::timeout(timeout, job(&tx)).await {
            answers.push(done.answer);
            keep = done.keep;
        }
    }
    end(tx.0, keep).await
}

async fn end(tx: DatabaseTransaction, keep: bool) -> Result<(), Fault> {
    match keep {
        true => tx.commit().await.doing("committing"),
        false => tx.rollback().await.doing("rolling back"),
    }
}
