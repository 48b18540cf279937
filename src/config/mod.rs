//! Settings: one struct per room, from the environment, complete or refused.

mod env;
mod example;
mod secret;
mod telemetry;

pub use env::{Env, Refusal, Setting};
pub use secret::Secret;
pub use telemetry::{LogFormat, Telemetry};

/// The settings of one room, under a heading for people.
#[derive(Clone, Copy, Debug)]
pub struct Chapter {
    pub title: &'static str,
    pub settings: &'static [Setting],
}

/// Every setting there is, in the order in which somebody new would want to read them.
pub const CHAPTERS: &[Chapter] = &[Chapter { title: "Logs and metrics", settings: telemetry::SETTINGS }];

/// Every setting there is.
pub fn settings() -> impl Iterator<Item = Setting> {
    CHAPTERS.iter().flat_map(|chapter| chapter.settings).copied()
}

/// The text of `.env.example`.
pub fn env_example() -> String {
    example::render(CHAPTERS)
}
