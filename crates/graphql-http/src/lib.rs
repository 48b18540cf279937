//! GraphQL over HTTP, WebSocket, server-sent events and multipart for [async-graphql](async_graphql) on [axum].
//!
//! An [`Endpoint`] serves a schema on all transports under one path: queries and mutations by `POST` and `GET`,
//! subscriptions by the subprotocols `graphql-transport-ws` and `graphql-ws`, by server-sent events (graphql-sse) and by
//! `multipart/mixed` (Apollo). Documents are bounded before the schema validates them, and responses follow the
//! specifications of GraphQL and of GraphQL over HTTP.
//!
//! ```
//! use async_graphql::{EmptyMutation, EmptySubscription, Object};
//! use axum::http::request::Parts;
//! use countersign_graphql_http::{
//!     Access, Authentication, Authenticator, BearerToken, Endpoint, Operations, Schema, Settings, Shutdown,
//! };
//!
//! struct Query;
//!
//! #[Object]
//! impl Query {
//!     async fn hello(&self) -> &str {
//!         "world"
//!     }
//! }
//!
//! struct Anonymous;
//!
//! impl Authenticator for Anonymous {
//!     type Client = ();
//!     type Identity = ();
//!
//!     fn client(&self, _: &Parts) {}
//!
//!     fn authenticate(&self, token: Option<&BearerToken>) -> Authentication<()> {
//!         if token.is_none() { Authentication::Accepted(()) } else { Authentication::Refused(()) }
//!     }
//! }
//!
//! impl Access for Anonymous {}
//! impl Operations for Anonymous {}
//!
//! let executor = async_graphql::Schema::new(Query, EmptyMutation, EmptySubscription);
//! let schema = Schema { sdl: executor.sdl(), executor, scalars: |_, _| None };
//! let endpoint = Endpoint::new(schema, Settings::default(), Anonymous, Shutdown::default())?;
//! let router: axum::Router = endpoint.router("/graphql");
//! # Ok::<_, String>(())
//! ```
//!
//! A service provides an [`Authenticator`]. Limits, metrics, load shedding and the like are added by the methods of
//! [`Access`] and [`Operations`], which have defaults. `examples/toy.rs` is a whole server.
//!
//! The README has a table of what async-graphql-axum does here, and what it does not, with the reasons.

#![warn(missing_docs)]

mod bearer;
mod body;
mod document;
mod endpoint;
mod handler;
pub mod http_response;
mod limit;
mod negotiate;
mod refusal;
mod request;
mod response;
mod run;
mod service;
mod settings;
mod shutdown;
mod stream;
mod ws;

pub use bearer::BearerToken;
pub use document::{
    admission::Operation,
    inputs::Scalars,
    nulls::SchemaTypes,
    persisted::{Documents, TrustedDocuments},
    roots::RootField,
};
pub use endpoint::{Endpoint, Schema};
pub use limit::{DocumentLimits, Limit};
pub use negotiate::Media;
pub use refusal::{Code, Refusal};
pub use response::code as error_code;
pub use service::{
    Access, Authentication, Authenticator, FirstResult, OpenConnection, Operations, Permit, Run, Service, Transport,
};
pub use settings::{Settings, Timeouts};
pub use shutdown::Shutdown;
