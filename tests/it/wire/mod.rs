//! The wire, with a toy schema behind it.

mod bounds;
mod client;
mod http;
mod legacy;
mod limits;
mod order;
mod origins;
mod persisted;
mod places;
mod reference;
mod scanner;
mod server;
mod socket;
mod sockets;
mod stopping;
mod streams;
mod tls;
mod toy;
mod transport;
mod validation;
