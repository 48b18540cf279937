//! Behaviour over the real wire. One binary, so that it links once.
#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

mod wire;
