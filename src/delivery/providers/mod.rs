//! One file each: who carries messages.

pub mod development;
