mod env;
mod password;
pub use crate::secret::Secret;
pub use env::{Env, Refusal, Setting};
pub use password::Password;
