#[path = "../tests/it/wire/toy.rs"]
#[allow(dead_code)]
mod toy;
use countersign::{
    clock::*,
    config::{
        Env,
        http::{Http, SETTINGS},
    },
    http::{router::*, server::Server, stop::Stop},
    texts::Locale,
};
use std::sync::Arc;
#[tokio::main]
async fn main() {
    tracing_subscriber::fmt().init();
    #[allow(clippy::disallowed_methods)]
    let env = Env::new(std::env::vars(), SETTINGS.iter().copied());
    let http = Http::from_env(&env);
    println!("{:?}", env.into_refusals());
    let traces = toy::Traces::default();
    let stop = Stop::default();
    let clock = Clock::System;
    let parts = Parts {
        executor: toy::schema(&traces),
        settings: http.clone(),
        judge: Arc::new(toy::Tokens::new(clock.now() + std::time::Duration::from_secs(86400))),
        clock,
        entropy: Entropy::System,
        negotiate: Arc::new(|_| Locale::Ko),
        ready: Arc::new(|| Box::pin(async { vec![] })),
        stop: stop.clone(),
        extra: axum::Router::new(),
    };
    let listener = tokio::net::TcpListener::bind(http.listen).await.unwrap();
    let token = tokio_util::sync::CancellationToken::new();
    let _ = token;
    let server = Server::new(listener, router(parts).unwrap(), &http, stop).unwrap();
    server.run().await;
}
