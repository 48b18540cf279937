//! The HTTP layer, with a toy schema.

mod client;
mod connection_limits;
mod http;
mod legacy;
mod limits;
mod order;
mod origins;
mod persisted;
mod reference;
mod scanner;
mod server;
mod socket;
mod sockets;
mod stopping;
mod stream_limits;
mod streams;
mod tls;
mod toy;
mod transport;
mod validation;
