//! http
pub mod receipts;
