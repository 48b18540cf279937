//! Whether the process lives, and whether it should be sent work.

use std::sync::Arc;

use axum::{Router, extract::State, http::StatusCode, response::Response, routing::get};
use futures_util::future::BoxFuture;
use serde_json::json;

use crate::http::{answer, graphql::negotiate::Media, stop::Stop};

/// Names what keeps the process from working (`database`, `migrations`); empty when it is ready. Must answer within a
/// second or two, also when the database does not.
pub type Readiness = Arc<dyn Fn() -> BoxFuture<'static, Vec<&'static str>> + Send + Sync>;

/// `/healthz`: the process answers at all; a supervisor restarts it otherwise. `/readyz`: it can do its work; a load
/// balancer leaves it out otherwise, and it is no reason to restart anything.
pub fn routes(ready: Readiness, stop: Stop) -> Router {
    Router::new()
        .route("/healthz", get(async || status(StatusCode::OK, &json!({"status": "alive"}))))
        .route("/readyz", get(readyz))
        .with_state((ready, stop))
}

/// While the process starts: it is alive, and does no work yet.
pub fn starting() -> Router {
    let starting = async || status(StatusCode::SERVICE_UNAVAILABLE, &json!({"status": "starting"}));
    Router::new()
        .route("/healthz", get(async || status(StatusCode::OK, &json!({"status": "alive"}))))
        .fallback(starting)
}

async fn readyz(State((ready, stop)): State<(Readiness, Stop)>) -> Response {
    if stop.is_asked() {
        return status(StatusCode::SERVICE_UNAVAILABLE, &json!({"status": "stopping"}));
    }
    match ready().await.as_slice() {
        [] => status(StatusCode::OK, &json!({"status": "ready"})),
        missing => status(StatusCode::SERVICE_UNAVAILABLE, &json!({"status": "not ready", "missing": missing})),
    }
}

fn status(status: StatusCode, body: &serde_json::Value) -> Response {
    answer::json(status, Media::Json, body.to_string())
}
