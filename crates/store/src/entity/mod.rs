//! The entities. `migration` defines the tables; a test selects each entity from a migrated database.

pub mod account;
pub mod audit;
pub mod contact_change;
pub mod contact_usage;
pub mod delivery;
pub mod delivery_attempt;
pub mod device;
pub mod lease;
pub mod lockout;
pub mod notice_usage;
pub mod password_census;
pub mod process_keys;
pub mod proof;
pub mod provider_verification;
pub mod refresh_token;
pub mod revocation;
pub mod session;
pub mod verification;
