//! The number of accounts for each password hashing scheme, counted periodically, so that unknown accounts are
//! simulated with the same schemes. One row.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("password_census")
            .col(integer("id").primary_key())
            .col(text("seed"))
            .col(text("schemes"))
            .col(big_integer("version"))
            .to_owned();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("password_census").to_owned()).await
    }
}
