//! The wire, with a toy schema behind it.

mod bounds;
mod client;
mod http;
mod legacy;
mod limits;
mod server;
mod socket;
mod sockets;
mod toy;
