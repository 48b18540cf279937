//! The device of a session, so that the device can be forgotten when the session ends.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Null for older sessions, whose devices are unknown.
        manager.alter_table(Table::alter().table("session").add_column(text_null("device_hash")).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("session").drop_column("device_hash").to_owned()).await
    }
}
