//! Delivery: outbox and dispatcher, message texts, the choice of providers, processing of receipts.
//!
//! A message is written to a transactional outbox. The process that wrote it sends it at once if the limits allow, or the
//! [`Dispatcher`] of some process claims it later; it calls a provider and records the result. If a process dies in between, its claim expires: a message that was certainly not sent is then sent by
//! another process. A message that may have been sent is never repeated blindly.

mod breaker;
mod call_permit;
mod channels;
mod compose;
mod deliver;
mod dispatcher;
mod failover;
mod handover;
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
    handover::Handover,
    outbox::{Content, Outbox, OutgoingMessage},
    poller::Poller,
    provider_client::Limits,
    provider_clients::ProviderClients,
    reception::ReceiptProcessor,
    registry::{Description, ProviderPlan, Routes, describe},
    settle::ResultRecorder,
};
