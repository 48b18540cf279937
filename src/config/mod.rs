//! Settings: one struct per room, from the environment, complete or refused.

mod env;
mod messages;
mod secret;

pub use env::{Env, Refusal, Setting};
pub use messages::Messages;
pub use secret::Secret;
