//! Accounts and sessions over the wire.

mod administration;
mod arguments;
pub mod changes;
mod cookies;
mod flood;
mod keys;
mod names;
mod races;
mod refusals;
mod reset;
mod revocation;
mod sign_in;
mod sign_up;
mod thieves;
mod timing;
mod tokens;
mod trail;
