//! The `argon2` crate alone, as a reference for sign-ins.

use std::{
    thread,
    time::{Duration, Instant},
};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use clap::Args;
use serde_json::json;

use crate::process::Usage;

/// Measures the `argon2` crate alone, with the parameters of the server.
#[derive(Args)]
pub struct Hashes {
    #[arg(long, default_value_t = 1)]
    threads: usize,
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Allocate memory for each hash, as the crate does by default, instead of reusing it.
    #[arg(long)]
    fresh: bool,
    #[command(flatten)]
    output: crate::report::Output,
}

/// The default parameters of the server.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;

impl Hashes {
    /// # Errors
    /// The crate refuses, or a file can't be written.
    pub fn go(self) -> Result<(), String> {
        let span = Duration::from_secs_f64(self.seconds);
        let own = [std::process::id()];
        let before = Usage::of(&own)?;
        let hashing: Vec<_> = (0..self.threads).map(|_| thread::spawn(move || hash(span, self.fresh))).collect();
        let mut rate = 0.0;
        for thread in hashing {
            rate += thread.join().map_err(|_| "a thread ended early")??;
        }
        // Unlike the rate, CPU time depends little on other load on these cores.
        let cpu = Usage::of(&own)?.cpu_seconds - before.cpu_seconds;
        let report = vec![
            ("sustained_per_second", json!(rate)),
            ("scenario", json!("Hashes")),
            ("operations_per_second", json!(rate)),
            ("threads", json!(self.threads)),
            ("memory", json!(if self.fresh { "fresh" } else { "kept" })),
            ("cpu_ms_per_operation", json!(1000.0 * cpu / (rate * self.seconds))),
            ("latency_ms", json!({"hash": {"p50": 1000.0 * self.threads as f64 / rate}})),
            ("errors", json!({})),
        ];
        self.output.write(report, |_| String::new())
    }
}

/// Hashes a second.
fn hash(span: Duration, fresh: bool) -> Result<f64, String> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, Some(32)).map_err(|error| error.to_string())?;
    let mut memory = vec![Block::new(); params.block_count()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let (password, salt, mut output) = (b"Load-Generator-123!", [7; 16], [0; 32]);
    let (begun, mut count) = (Instant::now(), 0.0);
    while begun.elapsed() < span {
        let hashed = match fresh {
            true => argon2.hash_password_into(password, &salt, &mut output),
            false => argon2.hash_password_into_with_memory(password, &salt, &mut output, &mut memory),
        };
        hashed.map_err(|error| error.to_string())?;
        count += 1.0;
    }
    Ok(count / begun.elapsed().as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_with_fresh_and_reused_memory() {
        assert!(hash(Duration::from_millis(1), true).unwrap() > 0.0);
        assert!(hash(Duration::from_millis(1), false).unwrap() > 0.0);
    }
}
