//! The proof for a confirmed code.

use sea_orm::entity::prelude::*;

use super::map_row;
use crate::text::Text;
use domain::{
    Timestamp,
    contact::ContactKind,
    ids::{AccountId, VerificationId},
    proof::Proof,
    purpose::Purpose,
};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "proof")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub token_hash: String,
    #[sea_orm(unique)]
    pub verification_id: Text<VerificationId>,
    pub purpose: Text<Purpose>,
    pub contact_kind: Text<ContactKind>,
    pub contact: String,
    pub contact_key: String,
    pub account_id: Option<Text<AccountId>>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub spent_at: Option<Timestamp>,
}

impl ActiveModelBehavior for ActiveModel {}

map_row!(Model => Proof {
    token_hash, verification_id, purpose, contact_kind, contact, contact_key, account_id, created_at, expires_at,
    spent_at,
});
