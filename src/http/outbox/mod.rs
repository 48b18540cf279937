//! The outbox of the development provider: `GET /dev/outbox` as an HTML page and as JSON for tests, and `GET
//! /dev/outbox/events`, which notifies the page of new messages. Mounted only while a `development` provider is
//! configured.

mod access_guard;
mod page;
#[cfg(test)]
mod tests;

use std::{convert::Infallible, sync::Arc};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::{
        HeaderMap, StatusCode,
        header::{ACCEPT, CACHE_CONTROL, HeaderName, HeaderValue, VARY},
    },
    middleware,
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
    routing::get,
};
use futures_util::{Stream, stream};

use self::{access_guard::Guard, page::Page};
use platform::config::http::Http;
use providers::development::{DevOutbox, Filter};

/// The outbox's routes, behind the access guard.
pub fn guarded(outbox: DevOutbox, settings: &Http) -> Router {
    routes(outbox).layer(middleware::from_fn_with_state(Arc::new(Guard::new(settings)), access_guard::guard))
}

/// The outbox's routes. They need no store and no authentication.
fn routes(outbox: DevOutbox) -> Router {
    let state = Shared { outbox, page: Arc::new(Page::new()) };
    Router::new().route("/dev/outbox", get(show)).route("/dev/outbox/events", get(events)).with_state(state)
}

#[derive(Clone)]
struct Shared {
    outbox: DevOutbox,
    page: Arc<Page>,
}

/// Codes must not be cached, and caches must distinguish the two representations of the URL.
const HEADERS: [(HeaderName, HeaderValue); 2] =
    [(CACHE_CONTROL, HeaderValue::from_static("no-store")), (VARY, HeaderValue::from_static("accept"))];

async fn show(State(shared): State<Shared>, Query(filter): Query<Filter>, headers: HeaderMap) -> Response {
    let response = if wants_json(&headers) {
        match shared.outbox.list(filter).await {
            Ok(messages) => Json(messages).into_response(),
            Err(error) => {
                tracing::warn!(%error, "reading the development outbox failed");
                StatusCode::SERVICE_UNAVAILABLE.into_response()
            }
        }
    } else {
        shared.page.response()
    };
    (HEADERS, response).into_response()
}

/// Sends an event at once and after every change; the page then fetches the list. So a page that was suspended or lost
/// its connection misses nothing.
async fn events(State(Shared { outbox, .. }): State<Shared>) -> Response {
    let changes = stream::unfold((outbox, None), |(outbox, seen)| async move {
        let length = outbox.changed(seen).await?;
        Some((Ok::<_, Infallible>(Event::default().event("changed").data(length.to_string())), (outbox, Some(length))))
    });
    (HEADERS, sse(changes)).into_response()
}

fn sse(changes: impl Stream<Item = Result<Event, Infallible>> + Send + 'static) -> impl IntoResponse {
    Sse::new(changes).keep_alive(KeepAlive::default())
}

/// Whether the client prefers JSON to HTML (RFC 9110, section 12.5.1). Wildcards count for neither, so clients without
/// a preference get the page.
fn wants_json(headers: &HeaderMap) -> bool {
    let weight = |media_type: &str| {
        let ranges = headers.get_all(ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
        let ranges = ranges.flat_map(|value| value.split(',')).filter_map(|item| {
            let mut parts = item.split(';').map(str::trim);
            let named = parts.next()?.eq_ignore_ascii_case(media_type);
            let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse().ok());
            if named { weight } else { None }
        });
        ranges.fold(0.0_f32, f32::max)
    };
    weight("application/json") > weight("text/html")
}
