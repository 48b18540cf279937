//! What the program tells about itself: logs, metrics, traces, the audit trail.
//!
//! # What may never appear in any of them
//!
//! At no level, in no format, in no error, panic, span or label:
//!
//! - a code, a proof, an attestation, a password or its hash, an access or refresh token, an undo token;
//! - a key, a provider's credential, an `Authorization` or `Cookie` header, a query string;
//! - the text of a message, a request's body, a GraphQL document's literals or its variables;
//! - a contact: the masked form alone ([`Contact::masked`](domain::contact::Contact::masked)), and no form of it in a
//!   metric;
//! - a whole id of a verification (it is a capability): its `Debug` form, the first characters;
//! - a person's name, birth date, user name; a client's whole address outside the audit table: its `Display` form.
//!
//! What keeps it so: secrets have a type that does not print ([`Secret`](crate::config::Secret)), ids print their first
//! characters, a [`Fault`] holds no input, libraries are heard at `info` and above at most
//! ([`logs`]), the labels of a metric and the attributes of a span are closed lists
//! ([`metrics`], [`traces`]); and a test drives every operation and searches
//! what was logged for what it sent.

pub mod audit;
pub mod logs;
pub mod metrics;
mod panics;
mod plain;
mod queue;
pub mod traces;

pub use queue::{FLUSH, LogQueue};

use crate::fault::Fault;

/// Logs and counts a fault. Called once, by whoever stops it from travelling on.
pub fn report(fault: &Fault) {
    metrics::fault(fault.kind());
    fault.log();
}
