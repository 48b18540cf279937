//! Whether the code for a phone number was also sent to the e-mail address of the account. Then the phone number is not
//! attested.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = boolean("by_letter").default(false).to_owned();
        manager.alter_table(Table::alter().table("verification").add_column(column).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("verification").drop_column("by_letter").to_owned()).await
    }
}
