//! Outbox and dispatcher, message texts, providers, receipts.
//!
//! A message is owed from the transaction that wrote it. The [`Dispatcher`] claims it, asks a provider, and writes what
//! became of it; a process that dies in between leaves a claim that runs out, and what was certainly not sent is sent
//! then by another. What may have been sent is never sent again blindly.

mod compose;
mod decoy;
mod dispatcher;
mod failover;
pub mod message;
mod notice;
mod outbox;
pub mod provider;
pub mod providers;
pub mod rules;
pub mod segments;
mod settle;

pub use self::{
    compose::Writer,
    dispatcher::{Dispatcher, Parts},
    failover::Routes,
    notice::Notice,
    outbox::{Content, Order, Outbox},
    provider::Channel,
    settle::Settler,
};
