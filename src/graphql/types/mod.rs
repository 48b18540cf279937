//! What the API shows.

mod account;
mod password;
mod verification;

pub use self::{
    account::AccountStatus,
    password::PasswordPolicy,
    verification::{Proof, Verification},
};
