//! Proofs.

use crate::{
    Timestamp,
    contact::ContactKind,
    ids::{AccountId, VerificationId},
    purpose::Purpose,
};

/// The proof for a confirmed code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// SHA-256 of the token, in hex.
    pub token_hash: String,
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
