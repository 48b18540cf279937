//! Verifications, their messages, the daily usage of contacts, and proofs.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_verification(manager).await?;
        manager.create_table(contact_usage()).await?;
        create_delivery(manager).await?;
        manager.create_table(proof()).await?;
        manager.create_index(Index::create().name("proof_expires").table("proof").col("expires_at").to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["proof", "delivery", "contact_usage", "verification"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

async fn create_verification(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager.create_table(verification()).await?;
    // The history of an account, newest first.
    manager
        .create_index(
            Index::create()
                .name("verification_of_account")
                .table("verification")
                .col("account_id")
                .col("created_at")
                .and_where(Expr::col("account_id").is_not_null())
                .to_owned(),
        )
        .await?;
    // An idempotency key identifies one verification: the second of two simultaneous requests conflicts here.
    manager
        .create_index(
            Index::create()
                .name("verification_idempotency")
                .table("verification")
                .col("idempotency_key")
                .unique()
                .and_where(Expr::col("idempotency_key").is_not_null())
                .to_owned(),
        )
        .await?;
    // Reports by period, and the janitor.
    manager
        .create_index(Index::create().name("verification_created").table("verification").col("created_at").to_owned())
        .await
}

async fn create_delivery(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager.create_table(delivery()).await?;
    // Due messages. The index contains only unsettled rows, so it stays small.
    manager
        .create_index(
            Index::create()
                .name("delivery_due")
                .table("delivery")
                .col("due_at")
                .and_where(Expr::col("due_at").is_not_null())
                .to_owned(),
        )
        .await?;
    // A receipt identifies a delivery by the provider's message id.
    manager
        .create_index(
            Index::create()
                .name("delivery_of_provider")
                .table("delivery")
                .col("provider_message_id")
                .and_where(Expr::col("provider_message_id").is_not_null())
                .to_owned(),
        )
        .await?;
    manager.create_index(Index::create().name("delivery_created").table("delivery").col("created_at").to_owned()).await
}

/// One attempt to prove control of a contact, with the status of its newest message, so that a subscriber needs only
/// this row.
fn verification() -> TableCreateStatement {
    Table::create()
        .table("verification")
        .col(text("id").primary_key())
        .col(text("purpose"))
        .col(text("contact_kind"))
        .col(text("contact"))
        .col(text("contact_key"))
        .col(text_null("account_id"))
        .col(boolean("decoy"))
        .col(text_null("scenario"))
        .col(text("status"))
        .col(integer("attempts"))
        .col(integer("max_attempts"))
        .col(text("key_id"))
        .col(integer("generation"))
        .col(integer("code_length"))
        .col(text("code_format"))
        .col(text("locale"))
        .col(text("delivery_id"))
        .col(text("delivery_channel"))
        .col(text("delivery_status"))
        .col(timestamp_with_time_zone("delivery_updated_at"))
        .col(integer("sends"))
        .col(timestamp_with_time_zone("last_sent_at"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(timestamp_with_time_zone_null("ended_at"))
        .col(big_integer("sequence"))
        .col(text_null("idempotency_key"))
        .to_owned()
}

/// The daily usage of a contact, over all its verifications.
fn contact_usage() -> TableCreateStatement {
    Table::create()
        .table("contact_usage")
        .col(text("contact_key").primary_key())
        .col(integer("day"))
        .col(integer("sends"))
        .col(integer("guesses"))
        .col(timestamp_with_time_zone_null("last_sent_at"))
        .to_owned()
}

/// The outbox: one row for each message.
fn delivery() -> TableCreateStatement {
    Table::create()
        .table("delivery")
        .col(text("id").primary_key())
        .col(text_null("verification_id"))
        .col(text("kind"))
        .col(text("channel"))
        .col(text("contact_kind"))
        .col(text("contact"))
        .col(text("locale"))
        .col(text("content"))
        .col(boolean("decoy"))
        .col(boolean("discreet"))
        .col(text_null("scenario"))
        .col(text("status"))
        .col(integer("tries"))
        .col(text_null("provider"))
        .col(text_null("provider_message_id"))
        .col(text_null("reason"))
        .col(boolean("refused"))
        .col(timestamp_with_time_zone_null("due_at"))
        .col(text_null("claimed_by"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .to_owned()
}

/// The proof that a confirmed code yields. Only the hash of the token is stored.
fn proof() -> TableCreateStatement {
    Table::create()
        .table("proof")
        .col(text("token_hash").primary_key())
        .col(text_uniq("verification_id"))
        .col(text("purpose"))
        .col(text("contact_kind"))
        .col(text("contact"))
        .col(text("contact_key"))
        .col(text_null("account_id"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(timestamp_with_time_zone_null("spent_at"))
        .to_owned()
}
