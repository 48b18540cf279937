//! The number of notices of each kind that were sent to an account, so that they can't be used to flood its contacts.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(notice_usage()).await?;
        manager
            .create_index(Index::create().name("notice_usage_since").table("notice_usage").col("since").to_owned())
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("notice_usage").to_owned()).await
    }
}

/// Notices of one kind in the current period.
fn notice_usage() -> TableCreateStatement {
    Table::create()
        .table("notice_usage")
        .col(text("account_id"))
        .col(text("kind"))
        .col(timestamp_with_time_zone("since"))
        .col(integer("sent"))
        .primary_key(Index::create().col("account_id").col("kind"))
        .foreign_key(
            ForeignKey::create()
                .from("notice_usage", "account_id")
                .to("account", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}
