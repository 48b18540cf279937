//! Delivery end to end: the program with providers' doubles behind it.

pub mod carrier;
mod checked;
mod contacts;
mod crash;
mod destinations;
mod failover;
mod keys;
mod limits;
mod receipts;
pub mod setup;
mod soak;
