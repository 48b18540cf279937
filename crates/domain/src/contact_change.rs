//! Contact changes.

use crate::{
    Timestamp,
    contact::ContactKind,
    ids::{AccountId, ContactChangeId},
};

/// A contact of an account that was replaced by another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactChange {
    pub id: ContactChangeId,
    /// SHA-256 of the undo token, in hex. The token is derived from a server key and the id.
    pub token_hash: String,
    pub account_id: AccountId,
    pub contact_kind: ContactKind,
    /// The contact that undoing restores: the one from before the first change that could be undone when this one was
    /// made. None: there was none.
    pub old_contact: Option<String>,
    pub old_contact_key: Option<String>,
    pub old_verified_at: Option<Timestamp>,
    /// The verified contact that the change replaced, if an earlier change that could still be undone had set it.
    pub replaced_contact: Option<String>,
    pub created_at: Timestamp,
    /// The change can't be undone after this.
    pub expires_at: Timestamp,
    pub undone_at: Option<Timestamp>,
    /// The time of the account's password at the change (`account.password_changed_at`), which identifies the password.
    pub password_changed_at: Option<Timestamp>,
}
