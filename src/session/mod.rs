//! Sign-in, access and refresh tokens, rotation, devices, lockout.

pub mod gate;
