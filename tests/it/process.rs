//! The real binary as a child process.

mod admin;
mod backup;
mod certificate;
pub mod child;
mod commands;
mod folders;
mod import;
mod imported_hashes;
mod invalid_settings;
mod key_checks;
mod keys;
mod log_reader;
pub mod metrics;
mod migrations;
mod stopped;
mod survival;
mod traces;
