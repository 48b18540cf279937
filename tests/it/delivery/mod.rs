//! Delivery end to end: the program with providers' doubles behind it.

mod carrier;
mod checked;
mod crash;
mod failover;
mod limits;
mod receipts;
mod setup;
mod soak;
