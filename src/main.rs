//! The binary: see `countersign::cli`.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A request allocates a few hundred times, mostly small and short-lived objects. docs/performance.md has the measured
/// difference from the system allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    countersign::cli::run()
}
