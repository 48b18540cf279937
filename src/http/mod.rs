//! The HTTP layer: everything between a TCP connection and a resolver.
//!
//! A connection is accepted by [`server`], and its activity is observed in [`pulse`]. Each request passes the [`edge`]
//! middleware, which identifies the [`client`], and is routed to [`graphql`], [`ws`], [`health`] or [`pages`].
//! Operations with several results are sent by [`stream`], as [`sse`] or [`multipart`]. [`stop`] shuts everything down.
//!
//! This module only contains protocol rules. It knows neither the schema nor the verification rules: it is generic over
//! the executor, and its tests use their own schema.

pub mod answer;
pub mod auth;
pub mod body;
pub mod client;
mod connection;
mod cookie;
mod edge;
pub mod graphql;
pub mod health;
mod host;
pub mod metrics;
mod multipart;
mod origins;
pub mod outbox;
pub mod overload;
mod pages;
mod places;
mod pulse;
mod punctual;
pub mod receipts;
pub mod router;
mod seats;
pub mod server;
mod sse;
pub mod stop;
mod stream;
pub mod tls;
mod wire;
mod ws;

use std::sync::Arc;

use domain::locale::Locale;

/// Chooses a language by an `Accept-Language` header; without one, the service's default.
pub type Negotiate = Arc<dyn Fn(Option<&str>) -> Locale + Send + Sync>;
