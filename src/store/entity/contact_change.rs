//! A contact that an account gave up for another one.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Timestamp,
    contact::ContactKind,
    ids::{AccountId, ContactChangeId},
};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "contact_change")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ContactChangeId,
    /// SHA-256 of the undo token, in hex. The token is derived from a server key and the id.
    #[sea_orm(unique)]
    pub token_hash: String,
    pub account_id: AccountId,
    pub contact_kind: ContactKind,
    /// What undoing the change restores: the contact from before the first of the changes that could be undone when
    /// this one was made. None: there was none.
    pub old_contact: Option<String>,
    pub old_contact_key: Option<String>,
    pub old_verified_at: Option<Timestamp>,
    /// The proved contact that the change replaced, where an earlier change that could still be undone had brought it.
    pub replaced_contact: Option<String>,
    pub created_at: Timestamp,
    /// Not taken back after this.
    pub expires_at: Timestamp,
    pub undone_at: Option<Timestamp>,
    /// Which password the account had then, as `account.password_changed_at` tells passwords apart.
    pub password_changed_at: Option<Timestamp>,
}

impl ActiveModelBehavior for ActiveModel {}
