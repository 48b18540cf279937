//! Plain types and pure rules: no database, no async, no I/O, no clock. Functions that need the current time or random
//! bytes take them as arguments.

pub mod account;
pub mod caller;
pub mod channel;
pub mod contact;
pub mod contact_change;
pub mod delivery;
pub mod ids;
pub mod locale;
pub mod notice;
pub mod proof;
pub mod purpose;
pub mod quota;
pub mod session;
pub mod status;
pub mod stored_text;
pub mod verification;

/// A point in time in UTC.
///
/// Every timestamp in this program has millisecond precision, so that it is unchanged by storing it (PostgreSQL stores
/// microseconds, SQLite text, the API milliseconds).
pub type Timestamp = chrono::DateTime<chrono::Utc>;
