//! Output types of the schema.

mod account;
mod password;
mod report;
mod session;
mod verification;

pub use self::{
    account::{AccountStatus, User},
    password::PasswordPolicy,
    report::{ReportBucket, VerificationReportRow},
    session::{Carrier, Session, TokenPair, device_token},
    verification::{Proof, Verification},
};
