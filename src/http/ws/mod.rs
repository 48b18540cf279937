//! GraphQL over WebSocket: `graphql-transport-ws` and the older `graphql-ws`, to the letter.
//!
//! [`handshake`] decides who may open a socket, [`protocol`] is the messages of both dialects, [`operations`] what runs
//! on a socket, [`outbox`] what waits to be written, and [`session`] the one task that a socket has.

mod handshake;
mod operations;
mod outbox;
mod pace;
mod protocol;
mod session;

pub use handshake::{handshake, is_handshake};
