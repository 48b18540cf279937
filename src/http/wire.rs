//! State that all handlers share.

use std::sync::Arc;

use crate::http::{
    auth::Judge,
    client::Clients,
    graphql::{admission::Admission, nulls::Shapes, tally::Labels},
    origins::Origins,
    overload::Overload,
    seats::Seats,
    stop::Stop,
};
use platform::{clock::Clock, config::http::Http};

/// The handlers' dependencies, in an `Arc`.
pub struct Wire<E> {
    pub executor: E,
    pub admission: Admission,
    pub shapes: Arc<Shapes>,
    pub labels: Labels,
    pub settings: Http,
    pub judge: Arc<dyn Judge>,
    pub clients: Clients,
    pub clock: Clock,
    pub origins: Origins,
    pub seats: Seats,
    pub stop: Stop,
    pub overload: Arc<Overload>,
}
