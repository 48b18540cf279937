//! Delivery: outbox and dispatcher, message texts, the choice of providers, processing of receipts.
//!
//! A message is written to a transactional outbox. The [`Dispatcher`] claims it, calls a provider and records the
//! result. If a process dies in between, its claim expires: a message that was certainly not sent is then sent by
//! another process. A message that may have been sent is never repeated blindly.

mod breaker;
mod call_permit;
mod compose;
mod deliver;
mod dispatcher;
mod failover;
pub mod message;
pub mod notices;
mod outbox;
mod poller;
mod provider_client;
mod provider_clients;
mod reception;
mod registry;
mod rejection_log;
mod retry;
mod settle;
mod simulate;
mod slot;
pub mod status_transitions;

pub use self::{
    compose::MessageWriter,
    dispatcher::{Dispatcher, DispatcherDeps},
    failover::OWN_CODE,
    outbox::{Content, Outbox, OutgoingMessage},
    poller::Poller,
    provider_client::Limits,
    provider_clients::ProviderClients,
    reception::ReceiptProcessor,
    registry::{Description, ProviderPlan, Routes, describe},
    settle::Settler,
};
