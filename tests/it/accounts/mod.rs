//! Accounts and sessions over the wire.

mod administration;
mod changes;
mod races;
mod sign_in;
mod sign_up;
mod tokens;
mod trail;
