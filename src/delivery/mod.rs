//! Delivery: outbox and dispatcher, message texts, the choice of providers, processing of receipts.
//!
//! A message is written to a transactional outbox. The [`Dispatcher`] claims it, calls a provider and records the
//! result. If a process dies in between, its claim expires: a message that was certainly not sent is then sent by
//! another process. A message that may have been sent is never repeated blindly.

mod breaker;
mod compose;
mod deliver;
mod dispatcher;
mod failover;
mod line;
mod lines;
pub mod message;
mod notice;
pub mod notices;
mod outbox;
mod play;
mod poller;
mod reception;
mod registry;
mod retry;
mod room;
mod settle;
mod slot;
pub mod status_transitions;
mod warned;

pub use self::{
    compose::MessageWriter,
    dispatcher::{Dispatcher, DispatcherDeps},
    failover::OWN_CODE,
    line::Limits,
    lines::ProviderClients,
    notice::{ACCOUNT_DELETED, ContactChanged, Notice},
    outbox::{Content, Outbox, OutgoingMessage},
    poller::Poller,
    reception::ReceiptProcessor,
    registry::{Description, ProviderPlan, Routes, describe},
    settle::Settler,
};
