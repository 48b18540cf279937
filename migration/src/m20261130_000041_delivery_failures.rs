//! The reason of delivery failures, the time of the last change of verifications, and the slots of recipients at providers
//! that generate codes: such a provider keeps one open verification per recipient.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// All nullable: processes of the previous version do not write them.
const COLUMNS: [(&str, &str); 3] =
    [("delivery", "failure"), ("delivery_attempt", "failure"), ("verification", "delivery_failure")];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in COLUMNS {
            manager.alter_table(Table::alter().table(table).add_column(text_null(column)).to_owned()).await?;
        }
        let updated_at = timestamp_with_time_zone_null("updated_at");
        manager.alter_table(Table::alter().table("verification").add_column(updated_at).to_owned()).await?;
        manager.create_table(provider_verification()).await?;
        let by_age = Index::create()
            .name("provider_verification_changed")
            .table("provider_verification")
            .col("changed_at")
            .to_owned();
        manager.create_index(by_age).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("provider_verification").to_owned()).await?;
        for (table, column) in COLUMNS.into_iter().chain([("verification", "updated_at")]) {
            manager.alter_table(Table::alter().table(table).drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}

/// One row for each recipient and provider, which serializes concurrent sends.
fn provider_verification() -> TableCreateStatement {
    Table::create()
        .table("provider_verification")
        .col(text("provider"))
        .col(text("contact_key"))
        .col(text("verification_id"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(text_null("started_for"))
        .col(timestamp_with_time_zone_null("started_at"))
        .col(text_null("reference"))
        .col(timestamp_with_time_zone("changed_at"))
        .primary_key(Index::create().col("provider").col("contact_key"))
        .to_owned()
}
