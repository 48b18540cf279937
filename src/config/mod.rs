//! Settings: one struct per room, from the environment, complete or refused.

mod env;
pub mod http;
mod secret;

pub use env::{Env, Refusal, Setting};
pub use secret::Secret;
