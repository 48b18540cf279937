//! The number of confirmation requests after a verification was verified.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The default is for rows that a process of the previous version writes.
        let mut column = integer("repeats");
        column.default(0);
        manager.alter_table(Table::alter().table("verification").add_column(column).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("verification").drop_column("repeats").to_owned()).await
    }
}
