//! Plain types and pure rules: no database, no async, no I/O, no clock. What needs the present time or random bytes
//! takes them as an argument.

pub mod caller;
pub mod channel;
pub mod contact;
pub mod ids;
pub mod locale;
pub mod purpose;
pub mod status;

/// An instant in UTC.
///
/// Every timestamp in this program has millisecond precision, so that it is the same before and after it was stored
/// (PostgreSQL stores microseconds, SQLite text, the API milliseconds).
pub type Timestamp = chrono::DateTime<chrono::Utc>;
