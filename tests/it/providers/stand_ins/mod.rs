//! Against what others wrote. `scripts/test` starts it; a test whose stand-in is missing says that it was left out.

#[cfg(feature = "aws-sns")]
mod moto;
mod oracles;
mod prism;
mod smtp;
