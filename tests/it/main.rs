//! Behaviour over the real wire. One binary, so that it links once.

mod wire;
