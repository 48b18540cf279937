//! The wire: everything between a TCP connection and a resolver.
//!
//! A connection is accepted by [`server`] and watched by [`pulse`]; each request passes the [`edge`], which recognises
//! the [`client`], and comes to [`graphql`], to [`ws`], to [`health`] or to [`pages`]. Operations whose results come
//! one by one go out by [`stream`], as [`sse`] or [`multipart`]. [`stop`] ends all of it.
//!
//! Whatever is judged here is judged by the protocol alone: this room knows no schema and no rule of verification, so
//! it is generic over the executor, and its tests bring a schema of their own.

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

/// Chooses a language out of an `Accept-Language` header; without one, the service's default.
pub type Negotiate = Arc<dyn Fn(Option<&str>) -> Locale + Send + Sync>;
