//! Indexes for the janitor on sessions and accounts.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_index(
                Index::create()
                    .name("session_ended")
                    .table("session")
                    .col("ended_at")
                    .and_where(Expr::col("ended_at").is_not_null())
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(Index::create().name("session_expires").table("session").col("expires_at").to_owned())
            .await?;
        // Few accounts have no verified contact. The condition uses IS NULL, which has the same text in every query,
        // so that SQLite recognises that the index applies.
        manager
            .create_index(
                Index::create()
                    .name("account_unproved")
                    .table("account")
                    .col("created_at")
                    .and_where(Expr::col("phone_verified_at").is_null())
                    .and_where(Expr::col("email_verified_at").is_null())
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, table) in
            [("account_unproved", "account"), ("session_expires", "session"), ("session_ended", "session")]
        {
            manager.drop_index(Index::drop().name(name).table(table).to_owned()).await?;
        }
        Ok(())
    }
}
