//! `baseline`: a bare `axum` and `sqlx` server with the statements of a send and of a confirmation, and nothing else.
//!
//! It accepts the JSON that `load` sends and returns responses of the same shape, with the tables of Countersign's
//! migrations. It runs the same statements in the same transactions, including the outbox and its dispatcher
//! ([`deliver`]), and posts the same message to the same gateway. It has no GraphQL, no quotas except those in SQL, no
//! signatures, no metrics, no logs and no validation. The difference to Countersign is the cost of these.

mod api;
mod deliver;
mod sql;

use std::{process::ExitCode, sync::Arc};

use axum::{Router, routing::post};
use clap::Parser;
use sqlx::postgres::PgPoolOptions;
use tokio::net::TcpListener;

/// A bare axum and sqlx server with Countersign's statements, as a reference for benchmarks.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[arg(long, default_value = "127.0.0.1:8100")]
    listen: String,
    /// URL of a database that `countersign migrate` has migrated.
    #[arg(long)]
    database: String,
    /// URL of the message gateway.
    #[arg(long)]
    gateway: String,
    #[arg(long, default_value_t = 10)]
    max_connections: u32,
}

#[tokio::main]
async fn main() -> ExitCode {
    match serve(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("baseline: {why}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let pool = PgPoolOptions::new().max_connections(arguments.max_connections).connect(&arguments.database).await?;
    let wake = deliver::start(pool.clone(), arguments.gateway)?;
    let api = Arc::new(api::Api { pool, wake });
    let router = Router::new().route("/graphql", post(api::answer)).with_state(api);
    axum::serve(TcpListener::bind(arguments.listen).await?, router).await?;
    Ok(())
}
