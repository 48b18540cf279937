//! Outbox and dispatcher, message texts, providers, receipts.

pub mod message;
pub mod provider;
pub mod providers;
pub mod segments;
