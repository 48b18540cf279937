//! Outbox and dispatcher, message texts, providers, receipts.

pub mod provider;
pub mod providers;
