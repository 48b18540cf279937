//! Delivery end to end: the server with fake providers.

mod checked;
mod contacts;
mod crash;
mod destinations;
mod failover;
pub mod fake_provider;
mod keys;
mod limits;
mod receipts;
pub mod setup;
mod soak;
