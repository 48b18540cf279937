//! The real binary as a child: killed, stopped, refused, asked.

pub mod child;
mod commands;
mod refused;
mod stopped;
mod survival;
