//! The real binary as a child: killed, stopped, refused, asked.

mod admin;
pub mod child;
mod commands;
mod import;
mod refused;
mod stopped;
mod survival;
