//! The provider that accepted a message, its message id and its receipts; and the provider that generates the code of a
//! verification.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(delivery_attempt()).await?;
        // A receipt identifies a message by the provider's message id.
        manager
            .create_index(
                Index::create()
                    .name("delivery_attempt_of_provider")
                    .table("delivery_attempt")
                    .col("provider_message_id")
                    .and_where(Expr::col("provider_message_id").is_not_null())
                    .to_owned(),
            )
            .await?;
        // Attempts to poll. The index contains only attempts that may still get a receipt.
        manager
            .create_index(
                Index::create()
                    .name("delivery_attempt_poll")
                    .table("delivery_attempt")
                    .col("poll_at")
                    .and_where(Expr::col("poll_at").is_not_null())
                    .to_owned(),
            )
            .await?;
        manager.drop_index(Index::drop().name("delivery_of_provider").table("delivery").to_owned()).await?;
        // SQLite adds one column per statement.
        for column in ["code_by", "code_ref"] {
            manager.alter_table(Table::alter().table("verification").add_column(text_null(column)).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["code_ref", "code_by"] {
            manager.alter_table(Table::alter().table("verification").drop_column(column).to_owned()).await?;
        }
        manager
            .create_index(
                Index::create()
                    .name("delivery_of_provider")
                    .table("delivery")
                    .col("provider_message_id")
                    .and_where(Expr::col("provider_message_id").is_not_null())
                    .to_owned(),
            )
            .await?;
        manager.drop_table(Table::drop().table("delivery_attempt").to_owned()).await
    }
}

/// The result of one message at one provider.
fn delivery_attempt() -> TableCreateStatement {
    Table::create()
        .table("delivery_attempt")
        .col(text("delivery_id"))
        .col(text("provider"))
        .col(text_null("provider_message_id"))
        .col(text("status"))
        .col(text_null("code"))
        .col(timestamp_with_time_zone("accepted_at"))
        .col(timestamp_with_time_zone_null("told_at"))
        .col(integer("polls"))
        .col(timestamp_with_time_zone_null("poll_at"))
        .primary_key(Index::create().col("delivery_id").col("provider"))
        .foreign_key(
            ForeignKey::create()
                .from("delivery_attempt", "delivery_id")
                .to("delivery", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}
