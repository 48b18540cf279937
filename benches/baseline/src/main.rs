//! `baseline`: the statements of a send and of a confirm by bare `axum` and `sqlx`, and nothing else.
//!
//! It takes the JSON that `load` sends and answers in its shape, on the tables of Countersign's own migrations. It runs
//! the same statements in the same transactions, the outbox and its dispatcher included ([`deliver`]), and posts the
//! same message to the same gateway. It has no GraphQL, no quotas but those in SQL, no signatures, no metrics, no log,
//! and believes whatever it is sent: what those cost is what Countersign costs beside it.

mod api;
mod deliver;
mod sql;

use std::{process::ExitCode, sync::Arc};

use axum::{Router, routing::post};
use clap::Parser;
use sqlx::postgres::PgPoolOptions;
use tokio::net::TcpListener;

/// Countersign's statements by bare axum and sqlx, to be measured beside it.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[arg(long, default_value = "127.0.0.1:8100")]
    listen: String,
    /// A database that `countersign migrate` has prepared.
    #[arg(long)]
    database: String,
    /// Where messages are posted to.
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
    let nudge = deliver::start(pool.clone(), arguments.gateway)?;
    let api = Arc::new(api::Api { pool, nudge });
    let router = Router::new().route("/graphql", post(api::answer)).with_state(api);
    axum::serve(TcpListener::bind(arguments.listen).await?, router).await?;
    Ok(())
}
