//! The program: see `countersign::cli`.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A request allocates a few hundred times, mostly what is small and freed soon. docs/performance.md has what this
/// saves beside the system's allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    countersign::cli::run()
}
