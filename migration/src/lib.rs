//! The database migrations. A test compares the entities of the store in `countersign` with the resulting tables.
//!
//! Within a release, migrations only add, so that two versions can run side by side. Timestamps have no database
//! default: SQLite's `CURRENT_TIMESTAMP` does not compare correctly, as text, with the RFC 3339 timestamps of the program.

use sea_orm_migration::prelude::*;
pub use sea_orm_migration::prelude::{MigratorTrait, SchemaManager};

pub mod history;
mod m20261121_000001_verification;
mod m20261121_000002_account;
mod m20261121_000003_operation;
mod m20261121_000004_safety;
mod m20261121_000005_delivery_attempt;
mod m20261121_000006_by_letter;
mod m20261121_000007_erasure;
mod m20261121_000008_claimed_email;
mod m20261121_000009_delivery_trace;
mod m20261121_000010_delivery_claims;
mod m20261121_000011_audit_actor;
mod m20261130_000012_session_authentication;
mod m20261130_000013_contact_change_password;
mod m20261130_000014_refresh_generations;
mod m20261130_000016_process_keys;
mod m20261130_000018_session_device;
mod m20261130_000019_notice_usage;
mod m20261130_000020_password_census;
mod m20261130_000022_repeats;
mod m20261130_000023_closed_verifications;
mod m20261130_000030_perhaps_sent;
mod m20261130_000040_schema_compatibility;
mod m20261130_000041_delivery_failures;

/// Migrations that older versions are not compatible with, each with the oldest compatible version. All others only
/// add, and are compatible with the first version.
const MINIMUM_VERSIONS: &[(&str, &str)] = &[];

/// The oldest version of the program that is compatible with the database after this migration.
pub fn minimum_version(migration: &str) -> &'static str {
    let exception = MINIMUM_VERSIONS.iter().find(|(name, _)| *name == migration);
    exception.map_or("0.1.0", |(_, version)| version)
}

/// All migrations in the order in which they are applied.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261121_000001_verification::Migration),
            Box::new(m20261121_000002_account::Migration),
            Box::new(m20261121_000003_operation::Migration),
            Box::new(m20261121_000004_safety::Migration),
            Box::new(m20261121_000005_delivery_attempt::Migration),
            Box::new(m20261121_000006_by_letter::Migration),
            Box::new(m20261121_000007_erasure::Migration),
            Box::new(m20261121_000008_claimed_email::Migration),
            Box::new(m20261121_000009_delivery_trace::Migration),
            Box::new(m20261121_000010_delivery_claims::Migration),
            Box::new(m20261121_000011_audit_actor::Migration),
            Box::new(m20261130_000022_repeats::Migration),
            Box::new(m20261130_000012_session_authentication::Migration),
            Box::new(m20261130_000013_contact_change_password::Migration),
            Box::new(m20261130_000014_refresh_generations::Migration),
            Box::new(m20261130_000016_process_keys::Migration),
            Box::new(m20261130_000020_password_census::Migration),
            Box::new(m20261130_000018_session_device::Migration),
            Box::new(m20261130_000019_notice_usage::Migration),
            Box::new(m20261130_000023_closed_verifications::Migration),
            Box::new(m20261130_000030_perhaps_sent::Migration),
            Box::new(m20261130_000040_schema_compatibility::Migration),
            Box::new(m20261130_000041_delivery_failures::Migration),
        ]
    }
}
