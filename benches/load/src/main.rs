//! `load` drives Countersign over the wire as its pages do, and says what that costs.
//!
//! It is client and provider at once: it asks for codes, takes the messages at the gateway that the provider `webhook`
//! posts to, reads the codes out of them, and confirms. Everybody has a number and an address of their own
//! ([`people`]), so that the quotas count and refuse nobody. What the server takes is read from `/proc` ([`process`]).
//! It runs on one thread, so that it can be kept to one core. `benches/run` starts everything and prints a table.

mod documents;
mod hashes;
mod pace;
mod people;
mod picture;
mod process;
mod report;
mod run;
mod scenario;
mod sink;
mod socket;
mod streams;
mod tally;
mod trouble;
mod wire;

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;

/// Drives Countersign over the wire, and says what an operation costs it.
#[derive(Parser)]
#[command(version)]
enum Command {
    Run(run::Run),
    Streams(streams::Streams),
    Hashes(hashes::Hashes),
    /// Prints reports as a Markdown table.
    Table {
        files: Vec<PathBuf>,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Run(run) => run.go().await,
        Command::Streams(streams) => streams.go().await,
        Command::Hashes(hashes) => hashes.go(),
        Command::Table { files } => report::table(&files).map(|table| print!("{table}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("load: {why}");
            ExitCode::FAILURE
        }
    }
}
