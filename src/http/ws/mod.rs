//! GraphQL over WebSocket: `graphql-transport-ws` and the older `graphql-ws`, to the letter.
//!
//! [`mod@handshake`] decides who may open a socket, [`protocol`] is the messages of both dialects, [`session`] the one task
//! that a socket has. In its hands are [`operations`], what runs on the socket; [`outbox`], what waits to be written;
//! [`pace`], how fast a client may talk, and [`frames`], in how many frames; and [`ending`], how it is closed.

mod ending;
mod frames;
mod handshake;
mod operations;
mod outbox;
mod pace;
mod protocol;
mod session;

pub use handshake::{handshake, is_handshake};
