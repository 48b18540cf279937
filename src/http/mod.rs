//! The HTTP layer: everything between a TCP connection and a resolver.
//!
//! A connection is accepted by [`server`], and its activity is observed in [`connection_activity`]. Each request passes
//! the [`middleware`], which identifies the [`client`], and is routed to [`graphql`], [`health`] or [`pages`]. The
//! transports of GraphQL are those of the crate `graphql_http`.
//!
//! This module only contains protocol rules. It knows neither the schema nor the verification rules: it is generic over
//! the executor, and its tests use their own schema.

pub mod auth;
mod body_deadline;
pub mod client;
mod concurrency_limits;
mod connection;
mod connection_activity;
mod connection_limits;
mod cookie;
mod graphql;
pub mod health;
mod host;
pub mod load_shedding;
pub mod metrics;
mod middleware;
mod origins;
pub mod outbox;
mod pages;
pub mod receipts;
pub mod router;
pub mod server;
pub mod tls;

use std::sync::Arc;

use domain::locale::Locale;

/// Chooses a language by an `Accept-Language` header; without one, the service's default.
pub type Negotiate = Arc<dyn Fn(Option<&str>) -> Locale + Send + Sync>;
