//! GraphQL over HTTP: one request, one operation, one response.
//!
//! The handlers of async-graphql-axum execute mutations from forms and by GET, ignore `Accept`, read bodies without a
//! limit and let the schema validate documents of any cost, so they are not used. Each file here is one step of a
//! request, in this order: [`negotiate`] the form of the response, read the [`request`], find the document
//! ([`persisted`]), count its tokens ([`tokens`]), parse it ([`descriptions`]), check its cost ([`limits`]), validate
//! what the library does not ([`typename`], [`merging`], [`hoist`], [`arguments`]; all of them called by
//! [`admission`]), [`run`] it, fill in [`nulls`] for failed fields, restore the [`order`] of keys, record metrics
//! ([`tally`]), write the [`response`]. Sockets and streams use the same steps from [`admission`] on.

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
