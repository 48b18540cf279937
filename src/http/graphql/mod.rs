//! GraphQL over HTTP: one request, one operation, one answer.
//!
//! The handlers of async-graphql-axum execute mutations from forms and by GET, ignore `Accept`, read bodies without a
//! bound and let the schema walk documents of any cost, so none of them is used; each file here is one of the steps
//! that a request takes instead, in this order: [`negotiate`] the form of the answer, read the [`request`], find the
//! document ([`persisted`]), parse it ([`descriptions`]), count it ([`tokens`], [`limits`]), judge what the library lets
//! pass ([`typename`], [`merging`], [`hoist`], [`arguments`]; all of them by way of [`admission`]), [`run`] it, put
//! [`nulls`] where fields have failed and the keys in [`order`], [`tally`] what became of it, write the [`response`].
//! Sockets and streams take the same road from [`admission`] on.

pub mod admission;
pub mod arguments;
pub mod descriptions;
mod handler;
pub mod hoist;
pub mod inputs;
mod known;
pub mod limits;
mod merging;
pub mod negotiate;
pub mod nulls;
pub mod order;
pub mod persisted;
pub mod refusal;
pub mod request;
pub mod response;
pub mod run;
pub mod tally;
pub mod tokens;
pub mod typename;
pub mod variables;

pub use handler::graphql;
pub(in crate::http) use handler::{foreign, too_many};
