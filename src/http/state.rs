//! State that all handlers share.

use std::sync::Arc;

use crate::http::{
    auth::Authenticator,
    client::ClientResolver,
    concurrency_limits::Seats,
    graphql::{admission::Admission, nulls::SchemaTypes, tally::Labels},
    load_shedding::Overload,
    origins::Origins,
    shutdown::Stop,
};
use platform::{clock::Clock, config::http::Http};

/// The handlers' dependencies, in an `Arc`.
pub struct Wire<E> {
    pub executor: E,
    pub admission: Admission,
    pub shapes: Arc<SchemaTypes>,
    pub labels: Labels,
    pub settings: Http,
    pub authenticator: Arc<dyn Authenticator>,
    pub clients: ClientResolver,
    pub clock: Clock,
    pub origins: Origins,
    pub seats: Seats,
    pub stop: Stop,
    pub overload: Arc<Overload>,
}
