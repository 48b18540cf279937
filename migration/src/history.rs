//! The migrations that were applied to a database: those of this version, of a newer version and of another program.
//!
//! sea-orm's own status fails if the table contains an unknown migration. Two versions run side by side during every
//! upgrade, so the older one must be able to read the list of the newer one.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{SystemTime, UNIX_EPOCH},
};

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbErr, sea_query::OnConflict},
};

use crate::Migrator;

/// sea-orm's table of applied migrations.
const APPLIED: &str = "seaql_migrations";
/// The oldest compatible version for each migration.
const COMPATIBILITY: &str = "schema_compatibility";

/// The applied migrations of a database, compared with those of this version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Migrations that are not applied yet, in order.
    pub pending: Vec<String>,
    /// Migrations of a newer version, each with the oldest compatible version.
    pub newer: Vec<(String, String)>,
    /// Migrations of another program that uses the same table.
    pub foreign: Vec<String>,
}

/// Reads the history. Changes nothing.
///
/// # Errors
/// The database returned an error.
pub async fn read(manager: &SchemaManager<'_>) -> Result<History, DbErr> {
    let applied: BTreeSet<String> = match manager.has_table(APPLIED).await? {
        true => column(manager, "version", APPLIED).await?.into_iter().collect(),
        false => BTreeSet::new(),
    };
    let known: Vec<_> = Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect();
    let pending = known.iter().filter(|name| !applied.contains(*name)).cloned().collect();
    let unknown: Vec<_> = applied.into_iter().filter(|name| !known.contains(name)).collect();
    let mut history = History { pending, ..History::default() };
    if unknown.is_empty() {
        return Ok(history);
    }
    let minimum = minimum_versions(manager).await?;
    for name in unknown {
        match minimum.get(&name) {
            Some(version) => history.newer.push((name, version.clone())),
            None => history.foreign.push(name),
        }
    }
    Ok(history)
}

/// Applies this pending migration, and records it with the oldest compatible version. On PostgreSQL, call it in a
/// transaction.
///
/// # Errors
/// The database returned an error.
pub async fn apply(manager: &SchemaManager<'_>, name: &str) -> Result<(), DbErr> {
    let db = manager.get_connection();
    // Without this check, PostgreSQL sends a notice for CREATE TABLE IF NOT EXISTS, which the driver logs.
    if !manager.has_table(APPLIED).await? {
        Migrator::install(db).await?;
    }
    let migration = Migrator::migrations().into_iter().find(|migration| migration.name() == name);
    let migration = migration.ok_or_else(|| DbErr::Custom(format!("there is no migration {name}")))?;
    migration.up(manager).await?;
    let now = seconds_since_the_epoch();
    let applied = Query::insert()
        .into_table(APPLIED)
        .columns(["version", "applied_at"])
        .values_panic([name.into(), now.into()])
        .to_owned();
    db.execute(&applied).await?;
    if manager.has_table(COMPATIBILITY).await? {
        record(db).await?;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "fills a column of sea-orm that has no effect")]
fn seconds_since_the_epoch() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    now.try_into().unwrap_or(i64::MAX)
}

/// Records the applied migrations that have no record yet. The table was added after the first migrations.
async fn record(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    let applied = Query::select().column("version").from(APPLIED).to_owned();
    let rows = db.query_all(&applied).await?;
    let applied: Result<BTreeSet<String>, DbErr> = rows.iter().map(|row| row.try_get("", "version")).collect();
    let applied = applied?;
    let mut insert = Query::insert().into_table(COMPATIBILITY).columns(["migration", "minimum_version"]).to_owned();
    for migration in Migrator::migrations().iter().filter(|migration| applied.contains(migration.name())) {
        insert.values_panic([migration.name().into(), crate::minimum_version(migration.name()).into()]);
    }
    insert.on_conflict(OnConflict::column("migration").do_nothing().to_owned());
    db.execute(&insert).await?;
    Ok(())
}

async fn minimum_versions(manager: &SchemaManager<'_>) -> Result<BTreeMap<String, String>, DbErr> {
    if !manager.has_table(COMPATIBILITY).await? {
        return Ok(BTreeMap::new());
    }
    let select = Query::select().columns(["migration", "minimum_version"]).from(COMPATIBILITY).to_owned();
    let rows = manager.get_connection().query_all(&select).await?;
    rows.iter().map(|row| Ok((row.try_get("", "migration")?, row.try_get("", "minimum_version")?))).collect()
}

async fn column(manager: &SchemaManager<'_>, column: &'static str, table: &'static str) -> Result<Vec<String>, DbErr> {
    let select = Query::select().column(column).from(table).to_owned();
    let rows = manager.get_connection().query_all(&select).await?;
    rows.iter().map(|row| row.try_get("", column)).collect()
}
