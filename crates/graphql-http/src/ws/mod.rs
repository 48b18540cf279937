//! GraphQL over WebSocket: `graphql-transport-ws` and the older `graphql-ws`, as specified.
//!
//! [`mod@handshake`] decides who may open a socket, [`protocol`] has the messages of both subprotocols, [`session`] is the
//! task of a socket. It uses [`operations`] for the running operations, [`outbox`] for the write queue, [`pace`] and
//! [`frames`] for the message and frame rates, and [`ending`] for closing.

mod ending;
mod frames;
mod handshake;
mod operations;
mod outbox;
mod pace;
mod protocol;
mod session;

pub use handshake::{handshake, is_handshake};
