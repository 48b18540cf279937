//! The audit trail, and leases for jobs that only one process may run at a time.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("audit")
                    .col(big_pk_auto("id"))
                    .col(timestamp_with_time_zone("at"))
                    .col(text("act"))
                    .col(text("outcome"))
                    .col(text_null("account_id"))
                    .col(text_null("contact"))
                    .col(text_null("address"))
                    .col(text_null("user_agent"))
                    .col(text("request_id"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(Index::create().name("audit_at").table("audit").col("at").to_owned()).await?;
        manager
            .create_table(
                Table::create()
                    .table("lease")
                    .col(text("name").primary_key())
                    .col(text("holder"))
                    .col(timestamp_with_time_zone("expires_at"))
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["lease", "audit"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}
