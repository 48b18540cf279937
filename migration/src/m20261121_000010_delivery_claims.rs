//! Separate indexes for unclaimed and claimed messages, so that a claim does not read messages of other processes.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // With one index for both, PostgreSQL reads and sorts the whole table for each claim as long as its statistics
        // do not include a backlog, because it estimates that unclaimed rows are rare.
        let waits = Expr::col("due_at").is_not_null().and(Expr::col("claimed_by").is_null());
        manager.create_index(on_due_at("delivery_waits", waits)).await?;
        manager.create_index(on_due_at("delivery_in_hand", Expr::col("claimed_by").is_not_null())).await?;
        manager.drop_index(Index::drop().name("delivery_due").table("delivery").to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_index(on_due_at("delivery_due", Expr::col("due_at").is_not_null())).await?;
        for name in ["delivery_in_hand", "delivery_waits"] {
            manager.drop_index(Index::drop().name(name).table("delivery").to_owned()).await?;
        }
        Ok(())
    }
}

fn on_due_at(name: &'static str, rows: SimpleExpr) -> IndexCreateStatement {
    Index::create().name(name).table("delivery").col("due_at").and_where(rows).to_owned()
}
