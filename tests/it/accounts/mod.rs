//! Accounts and sessions over the wire.

mod administration;
mod arguments;
mod authority;
pub mod changes;
mod cookie_jar;
mod cookies;
mod flood;
mod keys;
mod names;
mod races;
mod reauthentication;
mod refresh;
mod refresh_rows;
mod refusals;
mod reset;
mod revocation;
mod rotation;
mod sign_in;
mod sign_up;
mod stolen_token;
mod thieves;
mod timing;
mod tokens;
mod trail;
