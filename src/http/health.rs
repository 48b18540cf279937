//! Liveness and readiness probes.

use std::sync::Arc;

use axum::{Router, extract::State, http::StatusCode, response::Response, routing::get};
use futures_util::future::BoxFuture;
use serde_json::json;

use graphql_http::{Media, Shutdown, http_response};

/// Returns what keeps the process from working (`database`, `migrations`); empty if it is ready. Must return within a
/// second or two, even if the database does not respond.
pub type Readiness = Arc<dyn Fn() -> BoxFuture<'static, Vec<&'static str>> + Send + Sync>;

/// `/healthz` (liveness): a supervisor restarts the process if it does not respond. `/readyz` (readiness): a load
/// balancer sends no requests while it fails; that is no reason for a restart.
pub fn routes(ready: Readiness, stop: Shutdown) -> Router {
    Router::new()
        .route("/healthz", get(async || status(StatusCode::OK, &json!({"status": "alive"}))))
        .route("/readyz", get(readyz))
        .with_state((ready, stop))
}

/// Routes during startup: the process is alive, but not ready.
pub fn starting() -> Router {
    let starting = async || status(StatusCode::SERVICE_UNAVAILABLE, &json!({"status": "starting"}));
    Router::new()
        .route("/healthz", get(async || status(StatusCode::OK, &json!({"status": "alive"}))))
        .fallback(starting)
}

async fn readyz(State((ready, stop)): State<(Readiness, Shutdown)>) -> Response {
    if stop.is_requested() {
        return status(StatusCode::SERVICE_UNAVAILABLE, &json!({"status": "stopping"}));
    }
    match ready().await.as_slice() {
        [] => status(StatusCode::OK, &json!({"status": "ready"})),
        missing => status(StatusCode::SERVICE_UNAVAILABLE, &json!({"status": "not ready", "missing": missing})),
    }
}

fn status(status: StatusCode, body: &serde_json::Value) -> Response {
    http_response::json(status, Media::Json, body.to_string())
}
