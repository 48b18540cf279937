//! Telemetry: logs, metrics, traces and the audit trail.
//!
//! # Data that must never appear in telemetry
//!
//! At no level, in no format, in no error, panic, span or label:
//!
//! - a code, a proof, an attestation, a password or its hash, an access or refresh token, an undo token;
//! - a key, a provider's credentials, an `Authorization` or `Cookie` header, a query string;
//! - the text of a message, a request body, the literals or variables of a GraphQL document;
//! - a contact, except in its masked form ([`Contact::masked`](domain::contact::Contact::masked)); in metrics not even
//!   that;
//! - the complete id of a verification (it is a capability), only its `Debug` form with the first characters;
//! - a person's name, birth date or username; a complete client address outside the audit table, only its `Display`
//!   form.
//!
//! How this is enforced: secrets have a type that does not print its value ([`Secret`](crate::config::Secret)), ids
//! print only their first characters, a [`Fault`] contains no input, libraries log at `info` and above only ([`logs`]),
//! the labels of a metric and the attributes of a span are closed lists ([`metrics`], [`traces`]); and a test runs
//! every operation and searches the logs for the values that it sent.

pub mod audit;
pub mod logs;
pub mod metrics;
mod panics;
mod plain;
mod queue;
pub mod traces;

pub use queue::{FLUSH, LogQueue};

use crate::fault::Fault;

/// Logs and counts a fault. Call it once for each fault, where it is handled and not returned further.
pub fn report(fault: &Fault) {
    metrics::fault(fault.kind());
    fault.log();
}
