//! A contact of an account that was replaced by another one.

use sea_orm::entity::prelude::*;

use super::map_row;
use crate::text::Text;
use domain::{
    Timestamp,
    contact::ContactKind,
    contact_change::ContactChange,
    ids::{AccountId, ContactChangeId},
};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "contact_change")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Text<ContactChangeId>,
    #[sea_orm(unique)]
    pub token_hash: String,
    pub account_id: Text<AccountId>,
    pub contact_kind: Text<ContactKind>,
    pub old_contact: Option<String>,
    pub old_contact_key: Option<String>,
    pub old_verified_at: Option<Timestamp>,
    pub replaced_contact: Option<String>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub undone_at: Option<Timestamp>,
    pub password_changed_at: Option<Timestamp>,
}

impl ActiveModelBehavior for ActiveModel {}

map_row!(Model => ContactChange {
    id, token_hash, account_id, contact_kind, old_contact, old_contact_key, old_verified_at, replaced_contact,
    created_at, expires_at, undone_at, password_changed_at,
});
