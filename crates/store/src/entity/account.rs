//! An account. Columns named `…_key` contain the normalised form that is unique.

use sea_orm::entity::prelude::*;

use super::map_row;
use crate::text::Text;
use domain::{
    Timestamp,
    account::{Account, AccountStatus, Role},
    ids::AccountId,
};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Text<AccountId>,
    pub username: String,
    #[sea_orm(unique)]
    pub username_key: String,
    pub name: Option<String>,
    pub name_key: Option<String>,
    pub nickname: Option<String>,
    pub nickname_key: Option<String>,
    pub birth_date: Option<Date>,
    pub phone: Option<String>,
    pub phone_verified_at: Option<Timestamp>,
    pub email: Option<String>,
    pub email_key: Option<String>,
    pub claimed_email_key: Option<String>,
    pub email_verified_at: Option<Timestamp>,
    pub profile_image_url: Option<String>,
    pub locale: String,
    pub status: Text<AccountStatus>,
    pub role: Text<Role>,
    pub password_hash: Option<String>,
    pub password_changed_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

map_row!(Model => Account {
    id, username, username_key, name, name_key, nickname, nickname_key, birth_date, phone, phone_verified_at, email,
    email_key, claimed_email_key, email_verified_at, profile_image_url, locale, status, role, password_hash,
    password_changed_at, created_at, updated_at,
});
