//! An account. Columns named `…_key` contain the normalised form that is unique.

use sea_orm::entity::prelude::*;

use domain::{Timestamp, ids::AccountId};

/// Whether an account may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum AccountStatus {
    #[sea_orm(string_value = "PENDING_VERIFICATION")]
    PendingVerification,
    #[sea_orm(string_value = "PENDING_APPROVAL")]
    PendingApproval,
    #[sea_orm(string_value = "ACTIVE")]
    Active,
    #[sea_orm(string_value = "SUSPENDED")]
    Suspended,
}

/// The permissions of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Role {
    #[sea_orm(string_value = "USER")]
    User,
    #[sea_orm(string_value = "ADMIN")]
    Admin,
}

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AccountId,
    pub username: String,
    #[sea_orm(unique)]
    pub username_key: String,
    pub name: Option<String>,
    pub name_key: Option<String>,
    pub nickname: Option<String>,
    pub nickname_key: Option<String>,
    pub birth_date: Option<Date>,
    /// E.164.
    pub phone: Option<String>,
    pub phone_verified_at: Option<Timestamp>,
    pub email: Option<String>,
    pub email_key: Option<String>,
    /// The key of the address typed at sign-up, while the account is pending verification. It is also set if another
    /// account has that address; this account then has no `email_key` and can never be activated.
    pub claimed_email_key: Option<String>,
    pub email_verified_at: Option<Timestamp>,
    pub profile_image_url: Option<String>,
    pub locale: String,
    pub status: AccountStatus,
    pub role: Role,
    /// A PHC string. None: the account signs in by code only.
    pub password_hash: Option<String>,
    pub password_changed_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
