//! Compares the database schema with the migrations of this program: pending ones, ones of a newer version, and rows of
//! other programs in the migration table.

use migration::{SchemaManager, history};
use sea_orm::{ConnectionTrait, SqliteTransactionMode, TransactionOptions, TransactionTrait};

use super::{Backend, Store, pool::Pool};
use platform::fault::{Fault, FaultContext};

/// Key of the advisory lock that serialises migrations on one PostgreSQL database.
const MIGRATING_LOCK: i64 = 0x636f_756e_7465_7273;

/// A migration about to be applied.
#[derive(Clone, Copy, Debug)]
pub struct MigrationProgress<'a> {
    pub name: &'a str,
    /// Its number among the pending ones, from 1.
    pub number: usize,
    pub total: usize,
}

/// The state of the database schema, relative to this program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    /// Migrations of this program that are not applied.
    pub pending: Vec<String>,
    /// Applied migrations of a newer version that are compatible with this one.
    pub newer: Vec<String>,
    /// Applied migrations of a newer version that are not compatible, each with the oldest compatible version.
    pub too_new: Vec<(String, String)>,
    /// Rows of `seaql_migrations` written by another program.
    pub foreign: Vec<String>,
}

impl Schema {
    /// Whether this program can run with this schema.
    pub fn is_compatible(&self) -> bool {
        self.pending.is_empty() && self.too_new.is_empty()
    }

    /// The error for a schema of an incompatible newer version.
    pub fn too_new(&self) -> Option<String> {
        let (name, minimum) = self.too_new.first()?;
        Some(format!(
            "the database was migrated by a newer version: {name} needs version {minimum} or newer, this is {}: start the \
             newer version, or restore a backup that was made before it",
            env!("CARGO_PKG_VERSION")
        ))
    }

    /// The error for migrations of another program in the same table, with the fix.
    pub fn foreign(&self) -> Option<String> {
        if self.foreign.is_empty() {
            return None;
        }
        Some(format!(
            "the table seaql_migrations contains migrations of another program ({}): give Countersign its own database, \
             or its own schema with ?options=-csearch_path%3Dcountersign at the end of DATABASE_URL",
            self.foreign.join(", ")
        ))
    }

    fn of(history: history::History) -> Self {
        let history::History { pending, newer, foreign } = history;
        let (newer, too_new): (Vec<_>, Vec<_>) = newer.into_iter().partition(|(_, minimum)| is_at_least(minimum));
        Self { pending, newer: newer.into_iter().map(|(name, _)| name).collect(), too_new, foreign }
    }
}

/// Whether this program has version `minimum` or newer. An unreadable version counts as newer than this program.
fn is_at_least(minimum: &str) -> bool {
    version(minimum).is_some_and(|minimum| version(env!("CARGO_PKG_VERSION")).is_some_and(|own| own >= minimum))
}

fn version(text: &str) -> Option<[u64; 3]> {
    let release = text.split(['-', '+']).next()?;
    let numbers: Option<Vec<u64>> = release.split('.').map(|number| number.parse().ok()).collect();
    numbers?.try_into().ok()
}

impl Store {
    /// Applies every pending migration and returns their number.
    ///
    /// # Errors
    /// A fault if one fails; the ones before it stay applied.
    pub async fn migrate(&self) -> Result<usize, Fault> {
        self.migrate_with_progress(|_| {}).await
    }

    /// Like [`Store::migrate`]; calls `on_migration` before each migration, since one may take long on a large table. Several
    /// processes may do this at once: each migration is applied by one of them, in order.
    ///
    /// # Errors
    /// A fault if one fails; the ones before it stay applied.
    pub async fn migrate_with_progress(
        &self,
        mut on_migration: impl FnMut(MigrationProgress<'_>),
    ) -> Result<usize, Fault> {
        let before = self.schema_without_timeout().await?;
        if before.pending.is_empty() {
            return Ok(0);
        }
        if let Some(reason) = before.too_new().or_else(|| before.foreign()) {
            return Err(Fault::internal(reason));
        }
        let of = before.pending.len();
        let mut on_migration = |name: &str, left: usize| {
            on_migration(MigrationProgress { name, number: of - left.min(of) + 1, total: of });
        };
        let mut applied = 0;
        while self.apply_next(&mut on_migration).await.context("migrating")? {
            applied += 1;
        }
        Ok(applied)
    }

    /// Applies the first pending migration. The list is read again under the lock, since another process may have
    /// applied some of it. False: nothing is pending.
    async fn apply_next(&self, on_migration: &mut impl FnMut(&str, usize)) -> Result<bool, Fault> {
        let tx = match &self.backend {
            Backend::Postgres(db) => {
                let tx = db.begin_without_timeout().await?;
                lock(&tx).await?;
                tx
            }
            Backend::Sqlite { writer, .. } => {
                let immediate = TransactionOptions {
                    sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                    ..TransactionOptions::default()
                };
                writer.connection().begin_with_options(immediate).await?
            }
        };
        let pending = history::read(&SchemaManager::new(&tx)).await?.pending;
        let Some(name) = pending.first() else {
            tx.rollback().await?;
            return Ok(false);
        };
        on_migration(name, pending.len());
        history::apply(&SchemaManager::new(&tx), name).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The state of the schema. Changes nothing.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn schema(&self) -> Result<Schema, Fault> {
        self.with_timeout(self.schema_without_timeout()).await.context("reading the migrations")
    }

    /// The number of connections that the server allows for all clients; None: the database is embedded.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn max_connections(&self) -> Result<Option<u32>, Fault> {
        let Backend::Postgres(db) = &self.backend else { return Ok(None) };
        let statement = "SELECT current_setting('max_connections')::int \
                   - current_setting('superuser_reserved_connections')::int AS available";
        let statement = sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, statement);
        let row = self
            .with_timeout(async { Ok(db.query_one_raw(statement).await?) })
            .await
            .context("reading max_connections")?;
        let available: Option<i32> = row.map(|row| row.try_get("", "available")).transpose()?;
        Ok(available.and_then(|available| u32::try_from(available).ok()))
    }

    async fn schema_without_timeout(&self) -> Result<Schema, Fault> {
        let history = match &self.backend {
            Backend::Postgres(db) => read(db).await?,
            Backend::Sqlite { writer, .. } => history::read(&SchemaManager::new(writer.connection())).await?,
        };
        Ok(Schema::of(history))
    }
}

async fn read(db: &Pool) -> Result<history::History, Fault> {
    let tx = db.begin().await?;
    let history = history::read(&SchemaManager::new(&tx)).await?;
    tx.rollback().await?;
    Ok(history)
}

/// Waits without timeout for another process that migrates. The lock timeout for tables stays in effect, since all
/// statements behind a waiting lock are blocked too.
async fn lock(tx: &sea_orm::DatabaseTransaction) -> Result<(), Fault> {
    let statement = |sql: String| sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, sql);
    let row = tx.query_one_raw(statement("SELECT current_setting('lock_timeout') AS timeout".to_owned())).await?;
    let timeout: String = row.map_or(Ok("0".to_owned()), |row| row.try_get("", "timeout"))?;
    tx.execute_unprepared("SET LOCAL lock_timeout = 0").await?;
    tx.query_one_raw(statement(format!("SELECT pg_advisory_xact_lock({MIGRATING_LOCK})"))).await?;
    tx.execute_unprepared(&format!("SET LOCAL lock_timeout = '{timeout}'")).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_version_is_accepted_if_it_declares_compatibility() {
        let newer = |minimum: &str| vec![("m20990101_000001_later".to_owned(), minimum.to_owned())];
        let schema = |minimum| Schema::of(history::History { newer: newer(minimum), ..Default::default() });
        for good in ["0.0.9", env!("CARGO_PKG_VERSION"), "0.1.0-rc.1"] {
            assert!(schema(good).is_compatible(), "{good}");
        }
        for bad in ["0.1.1", "0.2.0", "1.0.0", "0.10.0", "soon", "", "1"] {
            let schema = schema(bad);
            assert!(!schema.is_compatible() && schema.too_new().unwrap().contains("m20990101_000001_later"), "{bad}");
        }
    }
}
