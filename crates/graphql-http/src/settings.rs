//! Settings of an endpoint. The defaults are safe for a public service.

use std::time::Duration;

use crate::{
    document::persisted::Documents,
    limit::{DocumentLimits, Limit},
};

/// Settings of an endpoint.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Bytes of a request body, and of a message on a socket.
    pub max_body: Limit,
    /// Limits of one document.
    pub document: DocumentLimits,
    /// Operations in one request. None: arrays are refused.
    pub max_batch: Option<Limit>,
    /// Where documents come from.
    pub documents: Documents,
    /// Whether `__schema` and `__type` can be queried.
    pub introspection: bool,
    /// For one query or mutation.
    pub execution_timeout: Duration,
    /// Concurrent operations of one socket.
    pub operations_per_socket: Limit,
    /// Timeouts of sockets and streams.
    pub timeouts: Timeouts,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_body: Limit::fixed(64 * 1024),
            document: DocumentLimits::default(),
            max_batch: None,
            documents: Documents::inline(),
            introspection: false,
            execution_timeout: Duration::from_secs(10),
            operations_per_socket: Limit::fixed(50),
            timeouts: Timeouts::default(),
        }
    }
}

/// Timeouts of sockets and streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For `connection_init` on a socket.
    pub init: Duration,
    /// Between heartbeats on sockets and streams. A socket whose peer has not responded to one when the next is due is
    /// closed.
    pub heartbeat: Duration,
    /// Without progress of a write to the peer of a socket.
    pub write: Duration,
    /// For the peer's response to a close frame, and for draining what it still sends after an early response.
    pub close: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            init: Duration::from_secs(5),
            heartbeat: Duration::from_secs(20),
            write: Duration::from_secs(30),
            close: Duration::from_secs(2),
        }
    }
}
