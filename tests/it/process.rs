//! The real binary as a child: killed, stopped, refused, asked.

mod backup;
pub mod child;
mod commands;
mod metrics;
mod refused;
mod stopped;
mod survival;
