//! Settings: one struct per room, from the environment, complete or refused.

mod env;
mod secret;
mod store;

pub use env::{Env, Refusal, Setting};
pub use secret::Secret;
pub use store::{Place, Store};
