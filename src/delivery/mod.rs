//! Outbox and dispatcher, message texts, providers, receipts.

mod base_url;
mod gsm7;
mod http_client;
mod keyed;
mod korean_text;
mod loose;
pub mod provider;
pub mod providers;
pub mod receipts;
mod registry;
pub mod standard_webhooks;

pub use http_client::HttpClient;
pub use registry::{Description, Plan, Registration, Routes, Tools, chapters, describe, settings};
