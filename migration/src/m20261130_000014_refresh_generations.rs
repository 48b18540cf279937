//! Columns for the reuse detection of refresh tokens: generations, the server key and the client network of a rotation,
//! and the generation of a session that was seen in use.
//!
//! Every column has a default, so that rows of earlier versions stay valid and earlier versions can insert rows.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in columns() {
            // SQLite adds one column per statement.
            manager.alter_table(Table::alter().table(table).add_column(column).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in columns() {
            let name = column.get_column_name();
            manager.alter_table(Table::alter().table(table).drop_column(name).to_owned()).await?;
        }
        Ok(())
    }
}

fn columns() -> Vec<(&'static str, ColumnDef)> {
    let numbered = |name: &'static str| integer(name).default(0).take();
    vec![
        ("session", numbered("refresh_generation")),
        ("session", numbered("seen_generation")),
        ("refresh_token", numbered("generation")),
        ("refresh_token", text_null("key_id")),
        ("refresh_token", text_null("successor_hash")),
        ("refresh_token", text_null("used_network")),
        ("refresh_token", timestamp_with_time_zone_null("replaced_at")),
        ("refresh_token", boolean("repeated").default(false).take()),
        ("refresh_token", numbered("cookie_slot")),
    ]
}
