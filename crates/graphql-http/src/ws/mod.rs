//! GraphQL over WebSocket: `graphql-transport-ws` and the older `graphql-ws`, as specified.
//!
//! [`mod@handshake`] decides who may open a socket, [`protocol`] has the messages of both subprotocols, [`session`] is the
//! task of a socket. It uses [`operations`] for the running operations, [`write_queue`] for the write queue, [`mod@rate_limit`] and
//! [`frames`] for the message and frame rates, and [`closing`] for closing.

mod closing;
mod frames;
mod handshake;
mod operations;
mod protocol;
mod rate_limit;
mod session;
mod write_queue;

pub use handshake::{handshake, is_handshake};
