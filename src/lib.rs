//! Countersign.

pub mod account;
pub mod caller;
pub mod channel;
pub mod clock;
pub mod code;
pub mod config;
pub mod contact;
pub mod delivery;
pub mod events;
pub mod fault;
pub mod graphql;
pub mod http;
pub mod ids;
pub mod keys;
pub mod password;
pub mod purpose;
pub mod quota;
pub mod redis_link;
pub mod secret;
pub mod session;
pub mod status;
pub mod store;
pub mod telemetry;
pub mod texts;
pub mod verification;
