//! Delivery: outbox and dispatcher, message texts, providers, receipts.
//!
//! A message is written to a transactional outbox. The [`Dispatcher`] claims it, calls a provider and records the
//! result. If a process dies in between, its claim expires: a message that was certainly not sent is then sent by
//! another process. A message that may have been sent is never repeated blindly.

mod alimtalk;
mod base_url;
mod breaker;
mod compose;
mod deliver;
mod dispatcher;
mod failover;
mod hmac_tag;
mod http_client;
mod korean_text;
mod line;
mod lines;
mod loose;
pub mod message;
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
pub mod segments;
mod settle;
mod slot;
pub mod standard_webhooks;
pub mod status_transitions;
mod warned;

pub use self::{
    compose::MessageWriter,
    dispatcher::{Dispatcher, DispatcherDeps},
    failover::OWN_CODE,
    http_client::HttpClient,
    line::Limits,
    lines::ProviderClients,
    outbox::{Content, Outbox, OutgoingMessage},
    poller::Poller,
    provider::Channel,
    reception::ReceiptProcessor,
    registry::{Description, ProviderPlan, Registration, Routes, Tools, describe, setting_groups, settings},
    settle::Settler,
};
