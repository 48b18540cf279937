//! What every layer of Countersign may use: settings, secrets, faults, the clock, server keys, password hashing, texts,
//! the Redis client and telemetry. Depends on the domain alone.

pub mod clock;
pub mod config;
pub mod fault;
pub mod keys;
pub mod password;
pub mod patience;
pub mod redis_link;
pub mod secret;
pub mod telemetry;
pub mod texts;
pub mod vitals;
