//! What happens with the document of a request before and after its execution, the same on every transport.
//!
//! Each file is one step, in this order: find the document ([`persisted`]), count its tokens ([`tokens`]), parse it
//! ([`descriptions`]), check its cost ([`limits`]), validate what the library does not ([`typename`], [`merging`],
//! [`hoist`], [`variables`], [`arguments`]; all of them called by [`admission`]). After the execution, fill in [`nulls`]
//! for failed fields and restore the [`order`] of keys.

pub mod admission;
mod arguments;
mod cache;
mod descriptions;
mod hoist;
pub mod inputs;
mod limits;
mod merging;
pub mod nulls;
pub mod order;
pub mod persisted;
pub mod roots;
mod tokens;
mod typename;
mod variables;
