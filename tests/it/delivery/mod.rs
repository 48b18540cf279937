//! Delivery end to end: the program with providers' doubles behind it.

pub mod carrier;
mod checked;
mod contacts;
mod crash;
mod destinations;
mod failover;
mod failures;
mod keys;
mod limits;
mod one_number;
mod receipts;
pub mod setup;
mod soak;
