//! The database. No other crate of the server contains SQL. Queries are named by what the services need.
//!
//! Reads are methods of [`Store`], each one statement. Writes happen in [`Store::write`], which passes a [`Tx`] to a
//! closure and commits or rolls back, depending on the [`TxOutcome`] it returns. The closure must do nothing but SQL: no
//! call to a provider or Redis and no hashing while a transaction is open.
//!
//! Rows are locked in one order everywhere, to prevent deadlocks: the attempts of a message, the message, its
//! verification, the contact's usage, proofs, then accounts, sessions and tokens. Rows that a transaction inserts
//! itself can be inserted at any time, since no other transaction waits for them.

mod accepted_delivery;
mod account;
mod account_access;
mod account_change;
mod account_search;
mod attempt_result;
mod audit;
mod availability;
mod backup;
mod batcher;
mod checked_code;
mod combined_statement;
mod connect;
mod contact_change;
mod contact_usage;
mod delivery;
mod delivery_attempt;
mod device;
mod entity;
mod expired_count;
mod expired_rows;
mod health;
mod history;
mod lease;
mod lockout;
mod new_send;
mod notice_usage;
mod page;
mod password_census;
mod pool;
mod process_keys;
mod proof;
mod provider_verification;
mod refresh_token;
mod refusal_limiter;
mod repeated_code;
mod report;
mod revocation;
mod schema;
mod session;
mod settlement;
mod single_statement;
mod text;
mod verification;
mod wait_queue;
mod writer;

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use sea_orm::DatabaseTransaction;

pub use self::{
    accepted_delivery::AcceptedDelivery,
    account_access::Owner,
    account_change::{ProfileChange, UniqueViolation},
    account_search::AccountSearch,
    attempt_result::{Activation, AttemptResult},
    audit::AuditTrail,
    backup::{BackupError, backup_sqlite},
    contact_usage::{ContactUsage, Reservation, UsageLimits},
    delivery::{Claim, Claimant},
    delivery_attempt::{Acceptance, ProviderReport, ReportedStatus},
    device::device_subject,
    expired_count::ExpiredCount,
    expired_rows::ExpiredRows,
    health::{ProviderCount, ReasonCount},
    lockout::FailedAttempts,
    new_send::NewSend,
    page::{Page, PageRequest, RowPosition},
    password_census::PasswordCensus,
    process_keys::ProcessKeys,
    proof::SpendResult,
    provider_verification::{Slot, SlotClaim, StartStep},
    refresh_token::Exchange,
    repeated_code::RepeatedCode,
    report::{SLOT, SlotCount},
    revocation::RevokedSession,
    schema::{MigrationProgress, Schema},
    settlement::Settlement,
};
use self::{
    accepted_delivery::Recorded,
    availability::{READ_ONLY, State},
    batcher::Batcher,
    pool::Pool,
    refusal_limiter::RefusalLimiter,
    writer::Writer,
};
use platform::{
    config,
    fault::{Fault, FaultContext},
    supervisor::Supervisor,
};

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
    timeout: Duration,
    refusals: Arc<RefusalLimiter>,
    acceptances: Arc<Batcher<AcceptedDelivery, Recorded>>,
}

#[derive(Clone)]
enum Backend {
    Postgres(Pool),
    /// Many readers, one writer: SQLite has one write lock, and a queue in front of it is better than busy waiting.
    Sqlite {
        readers: Pool,
        writer: Writer,
    },
}

/// An open transaction. All writes are its methods.
pub struct Tx(DatabaseTransaction);

/// The outcome of a transaction: committed or rolled back.
#[derive(Debug)]
pub enum TxOutcome<T> {
    Commit(T),
    Rollback(T),
}

/// The future of a transaction's closure.
pub type TxFuture<'t, T> = Pin<Box<dyn Future<Output = Result<TxOutcome<T>, Fault>> + Send + 't>>;

impl Store {
    /// Connects. An embedded database is created if it does not exist; no migration is applied.
    ///
    /// # Errors
    /// A fault if the database can't be reached or its file can't be opened.
    pub async fn open(settings: &config::Store, supervisor: &Supervisor) -> Result<Self, Fault> {
        let backend = match &settings.place {
            config::DatabaseLocation::Postgres { url } => Backend::Postgres(connect::postgres(url, settings).await?),
            config::DatabaseLocation::Sqlite { file } => {
                let connect::Sqlite { readers, writer, writes } = connect::sqlite(file, settings).await?;
                Backend::Sqlite { readers, writer: Writer::start(writer, settings.timeout, writes, supervisor) }
            }
        };
        Ok(Self { backend, timeout: settings.timeout, refusals: Arc::default(), acceptances: Arc::new(Batcher::new()) })
    }

    /// The same database for the delivery queue, which has connections of its own where there are enough: it does not
    /// wait for requests, and they do not wait for it.
    pub fn for_queue(&self) -> Self {
        let backend = match &self.backend {
            Backend::Postgres(db) => Backend::Postgres(db.for_queue()),
            sqlite @ Backend::Sqlite { .. } => sqlite.clone(),
        };
        Self { backend, ..self.clone() }
    }

    /// Checks that the database responds.
    ///
    /// # Errors
    /// A fault if it does not.
    pub async fn ping(&self) -> Result<(), Fault> {
        self.with_timeout(async { Ok(self.reader().pool().ping().await?) }).await.context("pinging the database")
    }

    /// Runs `work` in one transaction, and returns its value only after the commit.
    ///
    /// # Errors
    /// The fault of `work`, of the commit, or a wait longer than `DATABASE_TIMEOUT`. Nothing was written then, unless
    /// the connection was lost between the commit and its confirmation.
    pub async fn write<T, F>(&self, work: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t Tx) -> TxFuture<'t, T> + Send + 'static,
    {
        match &self.backend {
            Backend::Sqlite { writer, .. } => self.with_timeout(writer.run(work)).await,
            Backend::Postgres(db) => {
                db.assert_writable()?;
                self.with_timeout(async {
                    let _permit = db.acquire().await;
                    let tx = Tx(db.begin().await?);
                    match work(&tx).await {
                        Ok(TxOutcome::Commit(value)) => {
                            tx.0.commit().await?;
                            Ok(value)
                        }
                        Ok(TxOutcome::Rollback(value)) => {
                            tx.0.rollback().await?;
                            Ok(value)
                        }
                        Err(fault) => {
                            // The connection is dropped with the transaction if even this fails.
                            let _ = tx.0.rollback().await;
                            Err(fault)
                        }
                    }
                })
                .await
            }
        }
    }

    /// The numbers of idle and of busy connections; on SQLite, of the readers.
    pub fn connections(&self) -> (u32, u32) {
        let (open, idle) = match &self.backend {
            Backend::Postgres(db) => {
                let pool = db.pool().get_postgres_connection_pool();
                (pool.size(), pool.num_idle())
            }
            Backend::Sqlite { readers, .. } => {
                let pool = readers.pool().get_sqlite_connection_pool();
                (pool.size(), pool.num_idle())
            }
        };
        let idle = u32::try_from(idle).unwrap_or(u32::MAX).min(open);
        (idle, open - idle)
    }

    /// The shortest wait for a connection since the last call.
    pub fn min_wait(&self) -> Duration {
        match &self.backend {
            Backend::Postgres(db) => db.waited(),
            Backend::Sqlite { readers, writer } => readers.waited().max(writer.waited()),
        }
    }

    /// Transactions that wait for SQLite's writer; None on PostgreSQL.
    pub fn queued_writes(&self) -> Option<usize> {
        match &self.backend {
            Backend::Postgres(_) => None,
            Backend::Sqlite { writer, .. } => Some(writer.waiting()),
        }
    }

    /// Whether writes succeed. On SQLite a full disk allows reads and no writes.
    pub fn is_writable(&self) -> bool {
        match &self.backend {
            Backend::Postgres(_) => true,
            Backend::Sqlite { writer, .. } => writer.writes(),
        }
    }

    /// Whether the database is reachable, as last known.
    pub fn is_reachable(&self) -> bool {
        match &self.backend {
            Backend::Postgres(db) => db.state() != State::Down,
            Backend::Sqlite { .. } => true,
        }
    }

    /// Why writes are refused, if the server is read-only.
    pub fn read_only(&self) -> Option<&'static str> {
        match &self.backend {
            Backend::Postgres(db) if db.state() == State::ReadOnly => Some(READ_ONLY),
            Backend::Postgres(_) | Backend::Sqlite { .. } => None,
        }
    }

    /// Whether the database is embedded, and so serves only this process.
    pub fn is_embedded(&self) -> bool {
        matches!(self.backend, Backend::Sqlite { .. })
    }

    /// Closes every connection; on SQLite the log is checkpointed into the file.
    pub async fn close(self) {
        match self.backend {
            Backend::Postgres(db) => db.close().await,
            Backend::Sqlite { readers, writer } => {
                writer.stop().await;
                readers.close().await;
            }
        }
    }

    fn reader(&self) -> &Pool {
        match &self.backend {
            Backend::Postgres(db) | Backend::Sqlite { readers: db, .. } => db,
        }
    }

    /// Applies `DATABASE_TIMEOUT`.
    async fn with_timeout<T>(&self, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        if let Some(availability) = self.reader().availability() {
            let outcome = availability.run(work).await;
            if outcome.is_err() && availability.is_full() {
                self.reader().lower_limit();
            }
            return outcome;
        }
        match tokio::time::timeout(self.timeout, work).await {
            Ok(result) => result,
            Err(_) => Err(Fault::unavailable("the database took longer than DATABASE_TIMEOUT")),
        }
    }
}

#[cfg(test)]
mod tests;

/// Whether an insert failed because a referenced row does not exist.
fn is_foreign_key_violation(error: &sea_orm::DbErr) -> bool {
    matches!(error.sql_err(), Some(sea_orm::SqlErr::ForeignKeyConstraintViolation(_)))
}

/// Whether an insert failed because a unique value is in use.
fn is_unique_violation(error: &sea_orm::DbErr) -> bool {
    matches!(error.sql_err(), Some(sea_orm::SqlErr::UniqueConstraintViolation(_)))
}
