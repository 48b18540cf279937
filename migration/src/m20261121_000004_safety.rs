//! Account protection: known devices, failed-login counters, contact changes that can be undone, revoked sessions.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(device()).await?;
        manager.create_index(index("device_of_account", "device", "account_id")).await?;
        manager.create_index(index("device_last_used", "device", "last_used_at")).await?;
        manager.create_table(lockout()).await?;
        manager.create_index(index("lockout_of_account", "lockout", "account_id")).await?;
        manager.create_index(index("lockout_last_failed", "lockout", "last_failed_at")).await?;
        manager.create_table(contact_change()).await?;
        manager.create_index(index("contact_change_of_account", "contact_change", "account_id")).await?;
        manager.create_index(index("contact_change_expires", "contact_change", "expires_at")).await?;
        manager.create_table(revocation()).await?;
        manager.create_index(index("revocation_at", "revocation", "at")).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["revocation", "contact_change", "lockout", "device"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

fn index(name: &'static str, table: &'static str, column: &'static str) -> IndexCreateStatement {
    Index::create().name(name).table(table).col(column).to_owned()
}

fn to_account(table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create().from(table, "account_id").to("account", "id").on_delete(ForeignKeyAction::Cascade).to_owned()
}

/// A device that signed in before, identified by the hash of its token. A device may belong to several accounts.
fn device() -> TableCreateStatement {
    Table::create()
        .table("device")
        .col(text("token_hash"))
        .col(text("account_id"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("last_used_at"))
        .primary_key(Index::create().col("token_hash").col("account_id"))
        .foreign_key(&mut to_account("device"))
        .to_owned()
}

/// Consecutive wrong passwords, by counter key. The account is null if no account has the identifier.
fn lockout() -> TableCreateStatement {
    Table::create()
        .table("lockout")
        .col(text("subject").primary_key())
        .col(text_null("account_id"))
        .col(integer("failures"))
        .col(timestamp_with_time_zone("last_failed_at"))
        .col(timestamp_with_time_zone_null("locked_until"))
        .foreign_key(&mut to_account("lockout"))
        .to_owned()
}

/// A contact change, kept as long as it can be undone.
fn contact_change() -> TableCreateStatement {
    Table::create()
        .table("contact_change")
        .col(text("id").primary_key())
        .col(text_uniq("token_hash"))
        .col(text("account_id"))
        .col(text("contact_kind"))
        .col(text_null("old_contact"))
        .col(text_null("old_contact_key"))
        .col(timestamp_with_time_zone_null("old_verified_at"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(timestamp_with_time_zone_null("undone_at"))
        .foreign_key(&mut to_account("contact_change"))
        .to_owned()
}

/// Ended sessions whose access tokens may still be valid. A separate table, because sessions are deleted with their
/// account while the tokens remain valid.
fn revocation() -> TableCreateStatement {
    Table::create()
        .table("revocation")
        .col(text("session_id").primary_key())
        .col(timestamp_with_time_zone("at"))
        .to_owned()
}
