//! The password of an account at the time of a contact change. A password that was set later does not count as an
//! authentication while the change can be undone.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

const COLUMN: &str = "password_changed_at";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = timestamp_with_time_zone_null(COLUMN);
        manager.alter_table(Table::alter().table("contact_change").add_column(column).to_owned()).await?;
        // If the current password is older than the change, the account had it at that time. A newer password differs
        // from the null column.
        let older = Query::select()
            .column(("account", COLUMN))
            .from("account")
            .and_where(Expr::col(("account", "id")).equals(("contact_change", "account_id")))
            .and_where(Expr::col(("account", COLUMN)).lte(Expr::col(("contact_change", "created_at"))))
            .to_owned();
        let update = Query::update()
            .table("contact_change")
            .value(COLUMN, Expr::SubQuery(None, Box::new(older.into())))
            .to_owned();
        manager.execute(update).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("contact_change").drop_column(COLUMN).to_owned()).await
    }
}
