//! The time at which a verification was closed, the account of a notice, the contact that a change replaced in addition
//! to the one that an undo restores, and indexes for operations that revoke access to an account.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Names of the indexes, with their tables.
const INDEXES: [(&str, &str); 5] = [
    ("verification_unnamed", "verification"),
    ("proof_of_account", "proof"),
    ("proof_of_contact", "proof"),
    ("delivery_of_account", "delivery"),
    ("delivery_notices", "delivery"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let closed = timestamp_with_time_zone_null("closed_at");
        manager.alter_table(Table::alter().table("verification").add_column(closed).to_owned()).await?;
        manager.alter_table(Table::alter().table("delivery").add_column(text_null("account_id")).to_owned()).await?;
        let pending = || Expr::col("account_id").is_null().and(Expr::col("status").eq(Expr::cust("'PENDING'")));
        let replaced = text_null("replaced_contact");
        manager.alter_table(Table::alter().table("contact_change").add_column(replaced).to_owned()).await?;
        let named = || Expr::col("account_id").is_not_null();
        let unnamed = || Expr::col("account_id").is_null();
        let notice = || Expr::col("verification_id").is_null();
        let indexes = [
            index(0, "contact_key", pending()),
            index(1, "account_id", named()),
            index(2, "contact_key", unnamed()),
            index(3, "account_id", named()),
            index(4, "kind", notice()),
        ];
        for index in indexes {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, table) in INDEXES {
            manager.drop_index(Index::drop().name(name).table(table).to_owned()).await?;
        }
        manager.alter_table(Table::alter().table("contact_change").drop_column("replaced_contact").to_owned()).await?;
        manager.alter_table(Table::alter().table("delivery").drop_column("account_id").to_owned()).await?;
        manager.alter_table(Table::alter().table("verification").drop_column("closed_at").to_owned()).await
    }
}

fn index(at: usize, column: &'static str, rows: Expr) -> IndexCreateStatement {
    let (name, table) = INDEXES[at];
    Index::create().name(name).table(table).col(column).and_where(rows).to_owned()
}
