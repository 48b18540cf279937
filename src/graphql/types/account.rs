//! Accounts, as their holders and administrators see them.

use async_graphql::Enum;

use crate::store::entity::account;

/// Whether an account can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "account::AccountStatus")]
pub enum AccountStatus {
    /// Its contact has yet to be confirmed.
    PendingVerification,
    /// An administrator has yet to approve it.
    PendingApproval,
    /// It can be used.
    Active,
    /// An administrator has suspended it.
    Suspended,
}
