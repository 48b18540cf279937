//! The time and the methods of the authentication of a session, and whether it counts as a recent authentication.
//!
//! The columns are nullable or have a default, so that a process of the previous version can still insert sessions.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

const COLUMNS: [&str; 3] = ["authenticated_at", "authentication_methods", "authentication_counts"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column per statement.
        let [at, methods, counts] = COLUMNS;
        for column in [timestamp_with_time_zone_null(at), text_null(methods), boolean(counts).default(false).to_owned()]
        {
            manager.alter_table(Table::alter().table("session").add_column(column).to_owned()).await?;
        }
        let update = Query::update().table("session").value(at, Expr::col("created_at")).to_owned();
        manager.execute(update).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in COLUMNS {
            manager.alter_table(Table::alter().table("session").drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}
