//! The proof for a confirmed code.

use sea_orm::entity::prelude::*;

use domain::{
    Timestamp,
    contact::ContactKind,
    ids::{AccountId, VerificationId},
    purpose::Purpose,
};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "proof")]
pub struct Model {
    /// SHA-256 of the token, in hex.
    #[sea_orm(primary_key, auto_increment = false)]
    pub token_hash: String,
    #[sea_orm(unique)]
    pub verification_id: VerificationId,
    pub purpose: Purpose,
    pub contact_kind: ContactKind,
    pub contact: String,
    pub contact_key: String,
    pub account_id: Option<AccountId>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub spent_at: Option<Timestamp>,
}

impl ActiveModelBehavior for ActiveModel {}
