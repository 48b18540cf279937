//! `/metrics`, on an address of its own: what is told there is for operators, and nobody else should reach it.

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderValue, StatusCode, header},
    response::IntoResponse,
    routing::get,
};

/// Everything that was counted, as Prometheus reads it.
pub type Render = Arc<dyn Fn() -> String + Send + Sync>;

/// `GET /metrics` as `content_type`, and nothing else.
pub fn routes(render: Render, content_type: &'static str) -> Router {
    let metrics = async move || {
        let head = [
            (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        (head, render())
    };
    let nothing = async || (StatusCode::NOT_FOUND, "Metrics are at /metrics.\n").into_response();
    Router::new().route("/metrics", get(metrics)).fallback(nothing)
}
