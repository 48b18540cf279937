//! Settings: one struct per room, from the environment, complete or refused.

mod env;
mod secret;

pub use env::{Env, Refusal, Setting};
pub use secret::Secret;
