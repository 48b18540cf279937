//! Settings: one struct per room, from the environment, complete or refused.

pub mod delivery;
mod env;
mod example;
mod keys;
mod secret;
mod store;
mod telemetry;
mod test_contacts;
mod verification;

pub use env::{Env, Refusal, Setting};
pub use keys::Keys;
pub use secret::Secret;
pub use store::{Place, Store};
pub use telemetry::{LogFormat, Telemetry};
pub use test_contacts::{Scenario, TestContact, TestContacts};
pub use verification::Verification;

/// The settings of one room, under a heading for people.
#[derive(Clone, Copy, Debug)]
pub struct Chapter {
    pub title: &'static str,
    pub settings: &'static [Setting],
}

/// Every setting but the providers' own (`delivery::chapters`), in the order in which somebody new would want to read
/// them.
pub const CHAPTERS: &[Chapter] = &[
    Chapter { title: "The database", settings: store::SETTINGS },
    Chapter { title: "Keys", settings: keys::SETTINGS },
    Chapter { title: "Codes and proofs", settings: verification::SETTINGS },
    Chapter { title: "Test contacts", settings: test_contacts::SETTINGS },
    Chapter { title: "Delivery", settings: delivery::SETTINGS },
    Chapter { title: "Logs and metrics", settings: telemetry::SETTINGS },
];

/// Every setting but the providers' own (`delivery::settings`).
pub fn settings() -> impl Iterator<Item = Setting> {
    CHAPTERS.iter().flat_map(|chapter| chapter.settings).copied()
}

/// The text of `.env.example`; `providers` are the chapters of the providers, which stand with their code.
pub fn env_example(providers: impl IntoIterator<Item = Chapter>) -> String {
    let chapters: Vec<_> = CHAPTERS.iter().copied().chain(providers).collect();
    example::render(&chapters)
}
