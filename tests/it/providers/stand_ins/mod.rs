//! Tests against stand-ins written by others. `scripts/test` starts them; a test whose stand-in is missing reports that
//! it was left out.

#[cfg(feature = "aws-sns")]
mod moto;
mod oracles;
mod prism;
mod smtp;
