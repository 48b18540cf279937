//! Verifications, what is sent for them, what a contact has used up today, and the proofs that they end in.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(verification()).await?;
        // A person's own history, newest first.
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
        // A client's key names one verification: the second of two double clicks meets the first here.
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
            .create_index(
                Index::create().name("verification_created").table("verification").col("created_at").to_owned(),
            )
            .await?;

        manager.create_table(contact_usage()).await?;

        manager.create_table(delivery()).await?;
        // What is due. Only rows that are not settled stand in it, so it stays as small as the work at hand.
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
        // A receipt names a delivery by what its provider called it.
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
        manager
            .create_index(Index::create().name("delivery_created").table("delivery").col("created_at").to_owned())
            .await?;

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

/// One attempt to prove that somebody holds a contact, with the state of its newest message beside it, so that a
/// watcher's whole picture is one row.
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

/// What one contact has used of its day, whichever verification used it.
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

/// The outbox: one message each, from the transaction that owed it until it is settled.
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

/// What a confirmed code is exchanged for. The token itself is nowhere: this is its hash.
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
