//! Countersign: verification codes by SMS, voice and e-mail over GraphQL, with live status.
//!
//! # Architecture
//!
//! The modules form layers. A module imports only from the layers below its own (`tests/it/architecture.rs` enforces this).
//!
//! | layer | modules |
//! |---|---|
//! | program | [`cli`], [`app`] |
//! | HTTP | [`http`]; at the same level [`janitor`], which deletes expired rows |
//! | GraphQL API | [`graphql`] |
//! | accounts | [`account`], which uses [`session`] |
//! | verifications | [`verification`] |
//! | message delivery | [`delivery`] |
//! | rate limits and change events | [`quota`], [`events`] |
//! | shared | [`code`] |
//! | storage | the crate [`store`], the only one that contains SQL |
//! | platform | the crate [`platform`]: settings, keys, passwords, texts, telemetry, clock, faults |
//! | domain | the crate [`domain`]: plain types and pure rules, without I/O |
//!
//! # The path of a send
//!
//! [`http`] determines the client address and the session, and executes the operation. The resolver in
//! `graphql/mutation/verification.rs` parses the input into a [`domain::contact::Contact`], or returns `InvalidInput`.
//! [`account::Accounts::send_code`] decides from the purpose and the accounts what is sent to the contact;
//! [`verification::Verifications::start`] charges the quotas and writes, in one transaction, the verification and its
//! delivery. The response is sent without waiting for a provider. The process that wrote the delivery sends it after
//! the commit if the limits allow one more; otherwise the [`delivery::Dispatcher`] of some process claims it when there
//! is capacity. Sending derives the code, calls a provider, records the result and publishes it.
//!
//! # The path of a status
//!
//! Every change of a verification increments its `sequence` in the same conditional statement. After the commit the
//! change is published as an [`events::Snapshot`], in the process and through Redis. The stream in
//! `verification/watch.rs` subscribes before it reads the row; it emits the row, then every newer snapshot, and the
//! expiry, which is computed from the clock and never written. `graphql/subscription.rs` passes each item to the
//! transport that the client chose.

pub mod account;
pub mod app;
pub mod cli;
pub mod code;
pub mod delivery;
pub mod events;
pub mod graphql;
pub mod http;
pub mod janitor;
pub mod quota;
pub mod session;
pub mod verification;
