//! `load` is a load generator: it sends requests to Countersign as the pages do, and reports their cost.
//!
//! It is both client and message provider: it requests codes, receives the messages at the gateway that the provider
//! `webhook` posts to, reads the codes, and confirms them. Every user has their own phone number and client address
//! ([`users`]), so all quotas are evaluated and none is exceeded. An operation counts until its message is settled
//! ([`settling`]). The resource usage of the servers is read from `/proc` ([`process`]). It runs on one thread, so that
//! it can be pinned to one core. `benches/run` starts everything and prints tables.

mod chart;
mod client;
mod compare;
mod costs;
mod database;
mod departures;
mod documents;
mod error;
mod hashes;
mod pacer;
mod process;
mod report;
mod run;
mod scenario;
mod settling;
mod sink;
mod socket;
mod stats;
mod streams;
mod users;

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;

/// Load generator for Countersign: measures the cost of operations.
#[derive(Parser)]
#[command(version)]
enum Command {
    Run(run::Run),
    Streams(streams::Streams),
    Hashes(hashes::Hashes),
    Compare(compare::Compare),
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
        Command::Compare(compare) => compare.go(),
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
