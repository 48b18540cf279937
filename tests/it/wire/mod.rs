//! The wire, with a toy schema behind it.

mod http;
mod server;
mod toy;
