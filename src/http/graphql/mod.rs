//! The GraphQL API: the transports of `graphql_http` with the [`mod@settings`], clients, limits and metrics of this
//! service.
//!
//! [`access`] identifies clients and decides what they may open, [`operations`] is what runs around each operation, and
//! [`operation_metrics`] records its metrics.

mod access;
mod operation_metrics;
mod operations;
mod settings;

use std::sync::Arc;

use graphql_http::SchemaTypes;

use crate::{
    graphql::cookies::Cookies,
    http::{
        auth::Authenticator, client::ClientResolver, concurrency_limits::ConcurrencyLimits, load_shedding::Overload,
        origins::Origins,
    },
};
use domain::caller::RequestInfo;
use platform::{clock::Clock, config::http::Http};

use operation_metrics::Labels;
pub use settings::settings;

/// What this service adds to the transports.
pub struct Api {
    authenticator: Arc<dyn Authenticator>,
    clients: ClientResolver,
    clock: Clock,
    origins: Origins,
    concurrency_limits: ConcurrencyLimits,
    overload: Arc<Overload>,
    labels: Arc<Labels>,
    http: Http,
}

/// A client, and the cookies of its request.
#[derive(Clone)]
pub struct Client {
    pub caller: RequestInfo,
    pub cookies: Cookies,
}

impl Api {
    pub fn new(
        http: &Http,
        types: &SchemaTypes,
        authenticator: Arc<dyn Authenticator>,
        clients: ClientResolver,
        clock: Clock,
        overload: Overload,
    ) -> Self {
        Self {
            authenticator,
            clients,
            clock,
            origins: Origins::new(http),
            concurrency_limits: ConcurrencyLimits::new(http),
            overload: Arc::new(overload),
            labels: Arc::new(Labels::read(types)),
            http: http.clone(),
        }
    }
}
