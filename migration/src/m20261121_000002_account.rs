//! Accounts, sessions and refresh tokens.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(account()).await?;
        manager
            .create_index(Index::create().name("account_created").table("account").col("created_at").to_owned())
            .await?;

        manager.create_table(session()).await?;
        manager
            .create_index(
                Index::create()
                    .name("session_of_account")
                    .table("session")
                    .col("account_id")
                    .col("created_at")
                    .to_owned(),
            )
            .await?;

        manager.create_table(refresh_token()).await?;
        manager
            .create_index(
                Index::create().name("refresh_token_of_session").table("refresh_token").col("session_id").to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["refresh_token", "session", "account"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

/// Columns that end in `_key` contain the normalised form, which has to be unique.
fn account() -> TableCreateStatement {
    Table::create()
        .table("account")
        .col(text("id").primary_key())
        .col(text("username"))
        .col(text_uniq("username_key"))
        .col(text_null("name"))
        .col(text_null("name_key"))
        .col(text_null("nickname"))
        .col(text_null("nickname_key").unique_key())
        .col(date_null("birth_date"))
        .col(text_null("phone").unique_key())
        .col(timestamp_with_time_zone_null("phone_verified_at"))
        .col(text_null("email"))
        .col(text_null("email_key").unique_key())
        .col(timestamp_with_time_zone_null("email_verified_at"))
        .col(text_null("profile_image_url"))
        .col(text("locale"))
        .col(text("status"))
        .col(text("role"))
        .col(text_null("password_hash"))
        .col(timestamp_with_time_zone_null("password_changed_at"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .to_owned()
}

/// One signed-in device: a family of rotating refresh tokens.
fn session() -> TableCreateStatement {
    Table::create()
        .table("session")
        .col(text("id").primary_key())
        .col(text("account_id"))
        .col(text_null("device_name"))
        .col(text_null("user_agent"))
        .col(text_null("ip_address"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("last_used_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(timestamp_with_time_zone_null("ended_at"))
        .foreign_key(
            ForeignKey::create().from("session", "account_id").to("account", "id").on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}

fn refresh_token() -> TableCreateStatement {
    Table::create()
        .table("refresh_token")
        .col(text("token_hash").primary_key())
        .col(text("session_id"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("used_at"))
        .foreign_key(
            ForeignKey::create()
                .from("refresh_token", "session_id")
                .to("session", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}
