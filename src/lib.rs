//! Countersign: verification codes by SMS, voice and e-mail over GraphQL, with live status.
//!
//! # The house
//!
//! Each module is a room; a room imports only from the floors below its own (`tests/it/architecture.rs` keeps it so).
//!
//! | floor | rooms |
//! |---|---|
//! | the program | [`cli`], [`app`] |
//! | the wire | [`http`]; beside it [`janitor`], who erases what is over |
//! | the face | [`graphql`] |
//! | people | [`account`], above [`session`] |
//! | the heart | [`verification`] |
//! | messages | [`delivery`] |
//! | how often, and who changed | [`quota`], [`events`] |
//! | the truth | [`store`], the only room that knows SQL |
//! | values | [`contact`], [`password`], [`code`], [`keys`], [`texts`], [`telemetry`], [`config`], [`clock`], [`fault`], [`patience`] and the words they share |
//!
//! # A send, on its way in
//!
//! [`http`] finds the client's address and who is signed in, and runs the document. The resolver in
//! `graphql/mutation/verification.rs` turns strings into a [`contact::Contact`], or answers `InvalidInput`.
//! [`account::Accounts::send_code`] decides who is asked for; [`verification::Verifications::start`] charges the quotas
//! and writes, in one transaction, the verification and the message it owes. The page has its answer, having waited for
//! no provider. The [`delivery::Dispatcher`], nudged after the commit (or sweeping the table after a crash), claims the
//! message, derives its code, has a provider carry it, writes what became of it, and publishes that.
//!
//! # A status, on its way out
//!
//! Every change of a verification raises its `sequence` in the conditional statement that makes the change. What was
//! committed is published as an [`events::Snapshot`], in the process and through Redis. The stream in
//! `verification/watch.rs` began to listen before it read the row; it shows the row, then every newer snapshot, and by
//! itself the expiry that nobody writes. `graphql/subscription.rs` hands each to the transport that the client chose.

pub mod account;
pub mod app;
pub mod cli;
pub mod clock;
pub mod code;
pub mod config;
pub mod delivery;
pub mod events;
pub mod fault;
pub mod graphql;
pub mod http;
pub mod janitor;
pub mod keys;
pub mod password;
pub mod patience;
pub mod quota;
pub mod redis_link;
pub mod secret;
pub mod session;
pub mod store;
pub mod telemetry;
pub mod texts;
pub mod verification;
pub mod vitals;
