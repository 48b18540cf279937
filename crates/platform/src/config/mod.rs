//! Configuration: one struct of settings per module, read from the environment, with all errors reported together.

mod account;
mod contacts;
pub mod delivery;
pub mod dotenv;
mod env;
mod example;
pub mod http;
mod janitor;
mod keys;
mod messages;
mod networks;
mod password;
pub mod quota;
pub mod redis;
pub mod secret_file;
pub mod session;
mod store;
mod telemetry;
mod test_contacts;
mod verification;

pub use account::{Account, NotifyUnknown};
pub use contacts::Contacts;
pub use env::{Env, Setting, SettingError};
pub use http::{Environment, Http};
pub use janitor::Janitor;
pub use keys::{ConfiguredKeys, Keys, refuse_shared_secrets};
pub use messages::Messages;
pub use password::Password;
pub use session::Session;
pub use store::{DatabaseLocation, Store};
pub use telemetry::{LogFormat, Telemetry, Traces};
pub use test_contacts::{Scenario, TestContact, TestContacts};
pub use verification::Verification;

pub use crate::secret::Secret;

/// A section of settings with its title.
#[derive(Clone, Copy, Debug)]
pub struct SettingsSection {
    pub title: &'static str,
    pub settings: &'static [Setting],
}

/// All settings except those of the providers (`providers::setting_groups`), in a reading order for new operators.
pub const SECTIONS: &[SettingsSection] = &[
    SettingsSection { title: "Serving", settings: http::SETTINGS },
    SettingsSection { title: "The database", settings: store::SETTINGS },
    SettingsSection { title: "Keys", settings: keys::SETTINGS },
    SettingsSection { title: "Contacts", settings: contacts::SETTINGS },
    SettingsSection { title: "Codes and proofs", settings: verification::SETTINGS },
    SettingsSection { title: "Accounts", settings: account::SETTINGS },
    SettingsSection { title: "Signing in", settings: session::SETTINGS },
    SettingsSection { title: "Passwords", settings: password::SETTINGS },
    SettingsSection { title: "Quotas", settings: quota::SETTINGS },
    SettingsSection { title: "Redis", settings: redis::SETTINGS },
    SettingsSection { title: "Messages", settings: messages::SETTINGS },
    SettingsSection { title: "Test contacts", settings: test_contacts::SETTINGS },
    SettingsSection { title: "Delivery", settings: delivery::SETTINGS },
    SettingsSection { title: "Cleaning up", settings: janitor::SETTINGS },
    SettingsSection { title: "Logs, metrics and traces", settings: telemetry::SETTINGS },
];

pub use example::render as render_example;

/// The configuration of the program, except that of providers, which the delivery module reads.
#[derive(Clone, Debug)]
pub struct Config {
    pub http: Http,
    pub store: Store,
    pub keys: Keys,
    pub contacts: Contacts,
    pub verification: Verification,
    pub account: Account,
    pub session: Session,
    pub quota: quota::QuotaSettings,
    /// `None`: a single process, which keeps quotas and events in memory.
    pub redis: Option<redis::RedisSettings>,
    pub messages: Messages,
    pub password: Password,
    pub delivery: delivery::DeliverySettings,
    pub janitor: Janitor,
    pub telemetry: Telemetry,
}

impl Config {
    /// Reads all settings; errors are recorded in `env`.
    pub fn from_env(env: &Env) -> Self {
        let store = Store::from_env(env);
        let quota = quota::QuotaSettings::from_env(env);
        let delivery = delivery::DeliverySettings::from_env(env);
        Self {
            http: Http::from_env(env),
            keys: Keys::from_env(env, store.is_embedded()),
            store,
            contacts: Contacts::from_env(env, delivery.charges_for_phones()),
            verification: Verification::from_env(env, quota.contact.resend_cooldown),
            account: Account::from_env(env),
            session: Session::from_env(env),
            quota,
            redis: redis::RedisSettings::from_env(env),
            messages: Messages::from_env(env),
            password: Password::from_env(env),
            delivery,
            janitor: Janitor::from_env(env),
            telemetry: Telemetry::from_env(env),
        }
    }
}
