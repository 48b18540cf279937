//! graphql

pub mod cookies;
