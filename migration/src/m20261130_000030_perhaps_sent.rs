//! Whether a message may have been sent already. Before, this was derived from the provider's reason.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The default is for rows that a process of the previous version writes.
        let mut column = boolean("perhaps_sent");
        column.default(false);
        manager.alter_table(Table::alter().table("delivery").add_column(column).to_owned()).await?;
        let waits_after_no_answer = Query::update()
            .table("delivery")
            .value("perhaps_sent", true)
            .and_where(Expr::col("due_at").is_not_null())
            .and_where(Expr::col("tries").gt(0))
            .and_where(Expr::col("reason").eq("no_answer"))
            .to_owned();
        manager.exec_stmt(waits_after_no_answer).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("delivery").drop_column("perhaps_sent").to_owned()).await
    }
}
