//! The unverified e-mail address from a sign-up, also if it belongs to another account.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = text_null("claimed_email_key");
        manager.alter_table(Table::alter().table("account").add_column(column).to_owned()).await?;
        manager
            .create_index(
                Index::create()
                    .name("account_claimed_email")
                    .table("account")
                    .col("claimed_email_key")
                    .and_where(Expr::col("claimed_email_key").is_not_null())
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name("account_claimed_email").table("account").to_owned()).await?;
        manager.alter_table(Table::alter().table("account").drop_column("claimed_email_key").to_owned()).await
    }
}
