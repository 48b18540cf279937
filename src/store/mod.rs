//! The only room that knows SQL: queries named by what the rooms above need.
//!
//! Reads go through [`Store`]'s own methods, each one statement. Writes happen inside [`Store::write`], which hands a
//! [`Tx`] to a closure and commits or takes back what the closure did, as its [`Ending`] says. Nothing but SQL may
//! happen in that closure: no provider, no Redis, no hashing is waited for while a transaction is open.
//!
//! Rows are locked in one order everywhere, so that two writers never wait for each other: a contact's usage first,
//! then the verification, then its deliveries and proof, then accounts, sessions and tokens.

mod account;
mod account_change;
mod audit;
mod checked_code;
mod connect;
mod contact_change;
mod contact_usage;
mod delivery;
mod delivery_attempt;
mod device;
pub mod entity;
mod erase;
mod history;
mod lease;
mod lockout;
mod page;
mod proof;
mod refresh_token;
mod report;
mod revocation;
mod sending;
mod session;
mod settlement;
mod users;
mod verification;
mod writer;

use std::{future::Future, pin::Pin, time::Duration};

use migration::MigratorTrait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, FromQueryResult, StatementBuilder, TransactionTrait,
};

use self::writer::Writer;
pub use self::{
    account::Identifier,
    account_change::{Held, ProfileChange, Taken},
    contact_usage::{Reserved, UsageLimits},
    delivery::Claimant,
    delivery_attempt::{Acceptance, Told},
    erase::Dead,
    page::{Page, Place, Slice},
    proof::Spending,
    report::{SLOT, SlotCount},
    sending::Sending,
    settlement::Settlement,
};
use crate::{
    config,
    fault::{Doing, Fault},
};

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
    timeout: Duration,
}

#[derive(Clone)]
enum Backend {
    Postgres(DatabaseConnection),
    /// Many readers, one writer: SQLite has one write lock, and a queue in front of it beats waiting for it blindly.
    Sqlite {
        readers: DatabaseConnection,
        writer: Writer,
    },
}

/// An open transaction. Its methods are the only writes there are.
pub struct Tx(DatabaseTransaction);

/// How a transaction's work ended: kept, or decided against and taken back.
#[derive(Debug)]
pub enum Ending<T> {
    Commit(T),
    Rollback(T),
}

/// The future of a transaction's work.
pub type Work<'t, T> = Pin<Box<dyn Future<Output = Result<Ending<T>, Fault>> + Send + 't>>;

impl Store {
    /// Connects. An embedded database is made if it is not there; nothing is migrated.
    ///
    /// # Errors
    /// A fault when the database can't be reached or its file can't be opened.
    pub async fn open(settings: &config::Store) -> Result<Self, Fault> {
        let backend = match &settings.place {
            config::Place::Postgres { url } => Backend::Postgres(connect::postgres(url, settings).await?),
            config::Place::Sqlite { file } => {
                let (readers, writer) = connect::sqlite(file, settings).await?;
                Backend::Sqlite { readers, writer: Writer::start(writer, settings.timeout) }
            }
        };
        Ok(Self { backend, timeout: settings.timeout })
    }

    /// Applies every pending migration and says how many there were.
    ///
    /// # Errors
    /// A fault when one fails; the ones before it stay applied.
    pub async fn migrate(&self) -> Result<usize, Fault> {
        let db = self.migration_connection();
        let pending = migration::Migrator::get_pending_migrations(db).await.doing("reading the migrations")?.len();
        migration::Migrator::up(db, None).await.doing("migrating")?;
        Ok(pending)
    }

    /// The names of migrations that this program brings and the database has not had yet. Changes nothing.
    ///
    /// # Errors
    /// A fault when the database can't be asked.
    pub async fn pending_migrations(&self) -> Result<Vec<String>, Fault> {
        let pending = migration::Migrator::get_pending_migrations_read_only(self.migration_connection());
        let pending = self.within(async { Ok(pending.await?) }).await.doing("reading the migrations")?;
        Ok(pending.iter().map(|migration| migration.name().to_owned()).collect())
    }

    /// Whether the database answers at all.
    ///
    /// # Errors
    /// A fault when it does not.
    pub async fn ping(&self) -> Result<(), Fault> {
        self.within(async { Ok(self.reader().ping().await?) }).await.doing("asking the database whether it is there")
    }

    /// Runs `work` in one transaction. What it decided is answered only after its commit.
    ///
    /// # Errors
    /// The fault of `work`, of the commit, or of waiting longer than `DATABASE_TIMEOUT`; nothing is kept then, unless
    /// the database lost its voice between committing and saying so.
    pub async fn write<T, F>(&self, work: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t Tx) -> Work<'t, T> + Send + 'static,
    {
        match &self.backend {
            Backend::Sqlite { writer, .. } => self.within(writer.run(work)).await,
            Backend::Postgres(db) => {
                self.within(async {
                    let tx = Tx(db.begin().await?);
                    match work(&tx).await {
                        Ok(Ending::Commit(value)) => {
                            tx.0.commit().await?;
                            Ok(value)
                        }
                        Ok(Ending::Rollback(value)) => {
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

    /// Runs one statement that is a transaction by itself, and reads the rows that it returns. On PostgreSQL that is one
    /// round trip in place of three.
    async fn write_alone<M>(&self, statement: impl StatementBuilder + Send + 'static) -> Result<Vec<M>, Fault>
    where
        M: FromQueryResult + Send + 'static,
    {
        match &self.backend {
            Backend::Postgres(db) => self.within(rows(db, &statement)).await,
            Backend::Sqlite { .. } => {
                self.write(move |tx| Box::pin(async move { Ok(Ending::Commit(rows(&tx.0, &statement).await?)) })).await
            }
        }
    }

    /// Whether the database serves this process alone.
    pub fn is_embedded(&self) -> bool {
        matches!(self.backend, Backend::Sqlite { .. })
    }

    /// Closes every connection; on SQLite the log is folded into the file.
    pub async fn close(self) {
        match self.backend {
            Backend::Postgres(db) => drop(db.close().await),
            Backend::Sqlite { readers, writer } => {
                writer.stop().await;
                drop(readers.close().await);
            }
        }
    }

    fn reader(&self) -> &DatabaseConnection {
        match &self.backend {
            Backend::Postgres(db) | Backend::Sqlite { readers: db, .. } => db,
        }
    }

    fn migration_connection(&self) -> &DatabaseConnection {
        match &self.backend {
            Backend::Postgres(db) => db,
            Backend::Sqlite { writer, .. } => writer.connection(),
        }
    }

    /// Nothing waits for the database longer than this.
    async fn within<T>(&self, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        match tokio::time::timeout(self.timeout, work).await {
            Ok(result) => result,
            Err(_) => Err(Fault::unavailable("the database took longer than DATABASE_TIMEOUT")),
        }
    }
}

async fn rows<M: FromQueryResult>(
    db: &impl ConnectionTrait,
    statement: &impl StatementBuilder,
) -> Result<Vec<M>, Fault> {
    let rows = db.query_all(statement).await?;
    rows.iter().map(|row| Ok(M::from_query_result(row, "")?)).collect()
}

#[cfg(test)]
mod tests;

/// Whether an insert failed because somebody else has that value already.
fn is_taken(error: &sea_orm::DbErr) -> bool {
    matches!(error.sql_err(), Some(sea_orm::SqlErr::UniqueConstraintViolation(_)))
}
