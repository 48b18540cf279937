//! `/metrics`, on its own address, which only operators should be able to reach.

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderValue, StatusCode, header},
    response::IntoResponse,
    routing::get,
};

/// Renders all metrics in the Prometheus format.
pub type Render = Arc<dyn Fn() -> String + Send + Sync>;

/// Serves `GET /metrics` with the given content type.
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
