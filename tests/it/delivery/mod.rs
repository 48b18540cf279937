//! Delivery end to end: the server with fake providers.

mod checked;
mod contacts;
mod crash;
mod destinations;
mod failover;
mod failures;
pub mod fake_provider;
mod keys;
mod limits;
mod one_number;
mod receipts;
pub mod setup;
mod soak;
