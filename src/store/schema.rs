//! The tables beside what this program expects of them: what is pending, what a newer version added, and whose rows the
//! list of migrations holds.

use migration::{SchemaManager, history};
use sea_orm::{ConnectionTrait, SqliteTransactionMode, TransactionOptions, TransactionTrait};

use super::{Backend, Store, reader::Reader};
use crate::fault::{Doing, Fault};

/// Serialises migrations on one PostgreSQL database, whichever process applies them.
const MIGRATING_LOCK: i64 = 0x636f_756e_7465_7273;

/// A migration that is about to be applied.
#[derive(Clone, Copy, Debug)]
pub struct Migrating<'a> {
    pub name: &'a str,
    /// Which one it is of those that were pending, from one.
    pub number: usize,
    pub of: usize,
}

/// How the tables stand beside this program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    /// Migrations that this program brings and the database has not had.
    pub pending: Vec<String>,
    /// Migrations of a newer version that this one works with.
    pub newer: Vec<String>,
    /// Migrations of a newer version that this one can't work with, each with the oldest version that can.
    pub too_new: Vec<(String, String)>,
    /// Rows of `seaql_migrations` that another program wrote.
    pub foreign: Vec<String>,
}

impl Schema {
    /// Whether this program can serve on these tables.
    pub fn is_good(&self) -> bool {
        self.pending.is_empty() && self.too_new.is_empty()
    }

    /// Why this version can't work with tables that a newer one changed.
    pub fn too_new(&self) -> Option<String> {
        let (name, minimum) = self.too_new.first()?;
        Some(format!(
            "a newer version changed the database: {name} needs version {minimum} or newer, and this is {}: start the \
             newer version, or restore a backup that was made before it",
            env!("CARGO_PKG_VERSION")
        ))
    }

    /// That another program's migrations are in the same table, and the way out.
    pub fn foreign(&self) -> Option<String> {
        if self.foreign.is_empty() {
            return None;
        }
        Some(format!(
            "the table seaql_migrations holds migrations of another program ({}): give Countersign a database of its own, \
             or a schema of its own with ?options=-csearch_path%3Dcountersign at the end of DATABASE_URL",
            self.foreign.join(", ")
        ))
    }

    fn of(history: history::History) -> Self {
        let history::History { pending, newer, foreign } = history;
        let (newer, too_new): (Vec<_>, Vec<_>) = newer.into_iter().partition(|(_, minimum)| is_at_least(minimum));
        Self { pending, newer: newer.into_iter().map(|(name, _)| name).collect(), too_new, foreign }
    }
}

/// Whether this program is of version `minimum` or newer. A version that can't be read is none that this program knows.
fn is_at_least(minimum: &str) -> bool {
    version(minimum).is_some_and(|minimum| version(env!("CARGO_PKG_VERSION")).is_some_and(|own| own >= minimum))
}

fn version(text: &str) -> Option<[u64; 3]> {
    let release = text.split(['-', '+']).next()?;
    let numbers: Option<Vec<u64>> = release.split('.').map(|number| number.parse().ok()).collect();
    numbers?.try_into().ok()
}

impl Store {
    /// Applies every pending migration and says how many there were.
    ///
    /// # Errors
    /// A fault when one fails; the ones before it stay applied.
    pub async fn migrate(&self) -> Result<usize, Fault> {
        self.migrate_telling(|_| {}).await
    }

    /// As [`Store::migrate`]; tells of each migration before it is applied, since one may take long on a large table.
    /// Several processes may do this at once: each migration is applied by one of them, in order.
    ///
    /// # Errors
    /// A fault when one fails; the ones before it stay applied.
    pub async fn migrate_telling(&self, mut tell: impl FnMut(Migrating<'_>)) -> Result<usize, Fault> {
        let before = self.schema_patiently().await?;
        if before.pending.is_empty() {
            return Ok(0);
        }
        if let Some(why) = before.too_new().or_else(|| before.foreign()) {
            return Err(Fault::internal(why));
        }
        let of = before.pending.len();
        let mut tell = |name: &str, left: usize| tell(Migrating { name, number: of - left.min(of) + 1, of });
        let mut applied = 0;
        while self.migrate_next(&mut tell).await.doing("migrating")? {
            applied += 1;
        }
        Ok(applied)
    }

    /// Applies the first pending migration. The list is read again under the lock, since another process may have applied
    /// some of it. False: nothing is pending.
    async fn migrate_next(&self, tell: &mut impl FnMut(&str, usize)) -> Result<bool, Fault> {
        let tx = match &self.backend {
            Backend::Postgres(db) => {
                let tx = db.begin_patiently().await?;
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
        tell(name, pending.len());
        history::apply(&SchemaManager::new(&tx), name).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// How the tables stand beside this program. Changes nothing.
    ///
    /// # Errors
    /// A fault when the database can't be asked.
    pub async fn schema(&self) -> Result<Schema, Fault> {
        self.within(self.schema_patiently()).await.doing("reading the migrations")
    }

    /// How many connections the server has for all who use it; none: the database is embedded.
    ///
    /// # Errors
    /// A fault when the database can't be asked.
    pub async fn room(&self) -> Result<Option<u32>, Fault> {
        let Backend::Postgres(db) = &self.backend else { return Ok(None) };
        let ask = "SELECT current_setting('max_connections')::int \
                   - current_setting('superuser_reserved_connections')::int AS room";
        let ask = sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, ask);
        let asked =
            self.within(async { Ok(db.query_one_raw(ask).await?) }).await.doing("asking how many may connect")?;
        let room: Option<i32> = asked.map(|row| row.try_get("", "room")).transpose()?;
        Ok(room.and_then(|room| u32::try_from(room).ok()))
    }

    async fn schema_patiently(&self) -> Result<Schema, Fault> {
        let history = match &self.backend {
            Backend::Postgres(db) => read(db).await?,
            Backend::Sqlite { writer, .. } => history::read(&SchemaManager::new(writer.connection())).await?,
        };
        Ok(Schema::of(history))
    }
}

async fn read(db: &Reader) -> Result<history::History, Fault> {
    let tx = db.begin().await?;
    let history = history::read(&SchemaManager::new(&tx)).await?;
    tx.rollback().await?;
    Ok(history)
}

/// Waits for another process that migrates, however long that takes; the tables themselves are still waited for no
/// longer than before, since every statement behind such a wait waits as well.
async fn lock(tx: &sea_orm::DatabaseTransaction) -> Result<(), Fault> {
    let ask = |sql: String| sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, sql);
    let row = tx.query_one_raw(ask("SELECT current_setting('lock_timeout') AS timeout".to_owned())).await?;
    let timeout: String = row.map_or(Ok("0".to_owned()), |row| row.try_get("", "timeout"))?;
    tx.execute_unprepared("SET LOCAL lock_timeout = 0").await?;
    tx.query_one_raw(ask(format!("SELECT pg_advisory_xact_lock({MIGRATING_LOCK})"))).await?;
    tx.execute_unprepared(&format!("SET LOCAL lock_timeout = '{timeout}'")).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_version_is_worked_with_as_far_as_it_says() {
        let newer = |minimum: &str| vec![("m20990101_000001_later".to_owned(), minimum.to_owned())];
        let schema = |minimum| Schema::of(history::History { newer: newer(minimum), ..Default::default() });
        for good in ["0.0.9", env!("CARGO_PKG_VERSION"), "0.1.0-rc.1"] {
            assert!(schema(good).is_good(), "{good}");
        }
        for bad in ["0.1.1", "0.2.0", "1.0.0", "0.10.0", "soon", "", "1"] {
            let schema = schema(bad);
            assert!(!schema.is_good() && schema.too_new().unwrap().contains("m20990101_000001_later"), "{bad}");
        }
    }
}
