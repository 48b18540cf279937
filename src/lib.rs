pub mod clock;
pub mod config;
pub mod contact;
pub mod fault;
pub mod ids;
pub mod password;
pub mod secret;
