//! The routes and their middleware.

use std::sync::Arc;

use async_graphql::Executor;
use axum::{
    Router,
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware,
    response::Response,
};
use tower_http::{
    compression::{
        CompressionLayer,
        predicate::{Predicate, SizeAbove},
    },
    cors::{AllowHeaders, AllowOrigin, CorsLayer},
};

use graphql_http::{Code, Endpoint, Media, Refusal, Scalars, Schema, SchemaTypes, Shutdown, http_response};

use crate::http::{
    Negotiate,
    auth::Authenticator,
    client::ClientResolver,
    graphql::{self, Api},
    health::{self, Readiness},
    load_shedding::{Overload, RecentWait},
    middleware::{MiddlewareState, request_middleware},
    pages,
};
use platform::{
    clock::{Clock, Entropy},
    config::http::Http,
};

/// Dependencies and configuration of the HTTP layer.
pub struct RouterConfig<E> {
    /// The schema.
    pub executor: E,
    /// The schema in SDL, for the types of its fields.
    pub sdl: String,
    /// Validation of the schema's custom scalars.
    pub scalars: Scalars,
    pub settings: Http,
    pub authenticator: Arc<dyn Authenticator>,
    pub clock: Clock,
    pub entropy: Entropy,
    /// Chooses a language by `Accept-Language`.
    pub negotiate: Negotiate,
    pub ready: Readiness,
    /// Recent waiting time for the database.
    pub recent_wait: RecentWait,
    pub shutdown: Shutdown,
    /// Additional routes, served with the same middleware.
    pub extra: Router,
}

/// Builds the router.
///
/// # Errors
/// A message for the operator if the manifest of trusted documents or the built pages can't be read.
pub fn router<E: Executor>(config: RouterConfig<E>) -> Result<Router, String> {
    let RouterConfig {
        executor,
        sdl,
        scalars,
        settings,
        authenticator,
        clock,
        entropy,
        negotiate,
        ready,
        recent_wait: waited,
        shutdown: stop,
        extra,
    } = config;
    let clients = ClientResolver::new(&settings, entropy.clone(), negotiate);
    let middleware_state = Arc::new(MiddlewareState::new(&settings, clients.clone()));
    let pages = pages::routes(&settings, &entropy)?;
    let cors = cors(&settings);
    let types = SchemaTypes::read(&sdl)?;
    let overload = Overload::new(settings.max_in_flight, settings.shed_after, waited);
    let api = Api::new(&settings, &types, authenticator, clients, clock, overload);
    let schema = Schema { executor, sdl, scalars };
    let endpoint = Endpoint::new(schema, graphql::settings(&settings)?, api, stop.clone())?;
    let mut router = endpoint
        .router("/graphql")
        .merge(health::routes(ready, stop))
        .merge(pages)
        .merge(extra)
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(CompressionLayer::new().compress_when(SizeAbove::new(1024).and(is_text)));
    if let Some(cors) = cors {
        router = router.layer(cors);
    }
    Ok(router.layer(middleware::from_fn_with_state(middleware_state, request_middleware)))
}

/// Event streams are not compressed: an event would stay in the compressor until the next one.
fn is_text(_: StatusCode, _: axum::http::Version, headers: &axum::http::HeaderMap, _: &axum::http::Extensions) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kinds = [
        "application/json",
        "application/graphql-response+json",
        "text/html",
        "text/css",
        "text/javascript",
        "image/svg",
    ];
    kinds.iter().any(|known| kind.starts_with(known))
}

/// CORS for the exact origins of `CORS_ORIGINS`. Without origins there is no layer, so browsers block cross-origin
/// requests.
fn cors(settings: &Http) -> Option<CorsLayer> {
    let origins: Vec<_> =
        settings.cors_origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect();
    if origins.is_empty() {
        return None;
    }
    let exposed =
        [HeaderName::from_static("x-request-id"), header::RETRY_AFTER, HeaderName::from_static("server-timing")];
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(exposed)
        .max_age(std::time::Duration::from_secs(7200));
    Some(layer)
}

async fn not_found() -> Response {
    http_response::refusal(Media::Json, Refusal::http(StatusCode::NOT_FOUND, Code::NotFound, "Not found."))
}

async fn method_not_allowed() -> Response {
    let message = "Method not allowed.";
    http_response::refusal(Media::Json, Refusal::http(StatusCode::METHOD_NOT_ALLOWED, Code::BadRequest, message))
}
