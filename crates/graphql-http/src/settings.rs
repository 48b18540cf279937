//! Settings of an endpoint. The defaults are safe for a public service.

use std::{fmt, time::Duration};

use crate::document::persisted::Documents;

/// The largest accepted number of something, and the name of the setting that changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The largest accepted number.
    pub most: usize,
    /// The name that the service's operator knows the limit by. It is shown in refusals.
    pub setting: Option<&'static str>,
}

impl Limit {
    /// A limit that the operator can change by this setting.
    pub const fn named(most: usize, setting: &'static str) -> Self {
        Self { most, setting: Some(setting) }
    }

    /// A limit without a name.
    pub const fn fixed(most: usize) -> Self {
        Self { most, setting: None }
    }

    /// The name of the setting for the end of a sentence; empty without one.
    pub(crate) fn hint(self) -> impl fmt::Display {
        Hint(self.setting)
    }
}

impl From<usize> for Limit {
    fn from(most: usize) -> Self {
        Self::fixed(most)
    }
}

/// ` (SETTING)`, or nothing.
pub(crate) struct Hint(pub Option<&'static str>);

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |name| write!(f, " ({name})"))
    }
}

/// Settings of an endpoint.
#[derive(Debug)]
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

/// Limits of one document. They are checked before the schema validates it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentLimits {
    /// Bytes of the document.
    pub bytes: Limit,
    /// Lexical tokens.
    pub tokens: Limit,
    /// Operations in the document.
    pub operations: Limit,
    /// Nested fields; 1 for a root field.
    pub depth: Limit,
    /// Fields, with fragments expanded.
    pub complexity: Limit,
    /// Aliases, with fragments expanded.
    pub aliases: Limit,
    /// Root fields of a mutation, except `__typename`.
    pub root_mutations: Limit,
    /// Directives in one place.
    pub directives: Limit,
}

impl Default for DocumentLimits {
    fn default() -> Self {
        Self {
            bytes: Limit::fixed(16 * 1024),
            tokens: Limit::fixed(2_000),
            operations: Limit::fixed(20),
            depth: Limit::fixed(10),
            complexity: Limit::fixed(200),
            aliases: Limit::fixed(10),
            root_mutations: Limit::fixed(10),
            directives: Limit::fixed(5),
        }
    }
}

/// Timeouts of sockets and streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For `connection_init` on a socket.
    pub init: Duration,
    /// Between heartbeats on sockets and streams. A socket whose peer has not answered one when the next is due is
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
