//! Outbox and dispatcher, message texts, providers, receipts.
//!
//! A message is owed from the transaction that wrote it. The [`Dispatcher`] claims it, asks a provider, and writes what
//! became of it; a process that dies in between leaves a claim that runs out, and what was certainly not sent is sent
//! then by another. What may have been sent is never sent again blindly.

mod alimtalk;
mod base_url;
mod breaker;
mod compose;
mod deliver;
mod dispatcher;
mod failover;
mod http_client;
mod keyed;
mod korean_text;
mod line;
mod lines;
mod loose;
pub mod message;
mod notice;
pub mod notices;
mod outbox;
mod play;
mod poller;
pub mod provider;
pub mod providers;
pub mod receipts;
mod reception;
mod registry;
mod retry;
mod room;
pub mod rules;
pub mod segments;
mod settle;
mod slot;
pub mod standard_webhooks;
mod warned;

pub use self::{
    compose::Writer,
    dispatcher::{Dispatcher, Parts},
    failover::OURS,
    http_client::HttpClient,
    line::Limits,
    lines::Lines,
    notice::{ACCOUNT_DELETED, ContactChanged, Notice},
    outbox::{Content, Order, Outbox},
    poller::Poller,
    provider::Channel,
    reception::Reception,
    registry::{Description, Plan, Registration, Routes, Tools, chapters, describe, settings},
    settle::Settler,
};
