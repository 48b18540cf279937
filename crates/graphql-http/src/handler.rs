//! Handles the requests to an endpoint.

use std::sync::Arc;

use async_graphql::{Executor, parser::types::OperationType};
use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header, request::Parts},
    response::Response,
    routing::any,
};

use crate::{
    bearer::BearerToken,
    body,
    document::admission::Operation,
    endpoint::{Endpoint, EndpointState},
    http_response,
    negotiate::{Accepts, Media, ResponseForm},
    refusal::{Code, Refusal},
    request::{GraphqlRequest, RequestBody},
    run::{self, RequestIdentity},
    service::{OpenConnection, Service},
    stream::{self, LiveOperation},
    ws,
};

/// The parts of a request that are known before its operation.
struct RequestParts<S: Service> {
    head: Parts,
    client: S::Client,
    accepts: Accepts,
    /// Media type of error responses.
    media: Media,
    by_get: bool,
}

impl<E: Executor, S: Service> Endpoint<E, S> {
    /// A router that serves the endpoint under this path, with all methods.
    pub fn router(self, path: &str) -> Router {
        Router::new().route(path, any(Self::serve)).with_state(self)
    }

    async fn serve(State(endpoint): State<Self>, request: Request) -> Response {
        endpoint.handle(request).await
    }

    /// Handles a request to the endpoint: an operation, a batch, or the handshake of a WebSocket.
    pub async fn handle(&self, request: Request) -> Response {
        respond(self.shared(), request).await
    }
}

async fn respond<E: Executor, S: Service>(endpoint: &Arc<EndpointState<E, S>>, request: Request) -> Response {
    if let Err(refusal) = endpoint.service.check_request(request.headers()) {
        return http_response::refusal(Media::Json, refusal);
    }
    if ws::is_handshake(&request) {
        return ws::handshake(endpoint, request);
    }
    let accepts = Accepts::read(request.headers());
    let media = accepts.single().unwrap_or(Media::Json);
    let by_get = request.method() == Method::GET;
    if !by_get && request.method() != Method::POST {
        return http_response::method_not_allowed(media, "GET, POST", "GraphQL requests must use GET or POST.");
    }
    if !accepts.anything() {
        let message = "Not acceptable: expected application/graphql-response+json, application/json, \
                       text/event-stream, or multipart/mixed with subscriptionSpec=1.0 in Accept.";
        return http_response::refusal(media, Refusal::http(StatusCode::NOT_ACCEPTABLE, Code::BadRequest, message));
    }
    let (head, body) = request.into_parts();
    let client = endpoint.service.client(&head);
    let parts = RequestParts { head, client, accepts, media, by_get };
    execute(endpoint, parts, body).await.unwrap_or_else(|refusal| http_response::refusal(media, refusal))
}

async fn execute<E: Executor, S: Service>(
    endpoint: &Arc<EndpointState<E, S>>,
    parts: RequestParts<S>,
    body: axum::body::Body,
) -> Result<Response, Refusal> {
    let content = if parts.by_get {
        RequestBody::One(GraphqlRequest::from_query_string(parts.head.uri.query().unwrap_or_default())?)
    } else {
        let (settings, service, head) = (&endpoint.settings, &endpoint.service, &parts.head);
        if let Err(refusal) = require_json(&head.headers) {
            body::drain(head, body, settings, service);
            return Err(refusal);
        }
        RequestBody::read(body::read(head, body, settings, service).await?, settings.max_batch).await?
    };
    match content {
        RequestBody::One(params) => single_operation(endpoint, parts, params).await,
        RequestBody::Batch(batch_requests) => batch(endpoint, parts, batch_requests).await,
    }
}

async fn single_operation<E: Executor, S: Service>(
    endpoint: &Arc<EndpointState<E, S>>,
    parts: RequestParts<S>,
    params: GraphqlRequest,
) -> Result<Response, Refusal> {
    let operation = endpoint.admit(params)?;
    if parts.by_get && operation.kind == OperationType::Mutation {
        return Ok(http_response::method_not_allowed(parts.media, "POST", "Mutations must use POST."));
    }
    match parts.accepts.form(operation.kind).ok_or_else(no_stream)? {
        ResponseForm::Single(media) => Ok(single_response(endpoint, parts, operation, media).await),
        form => stream_response(endpoint, parts, operation, form),
    }
}

/// Responds with the one result of a query or mutation.
async fn single_response<E: Executor, S: Service>(
    endpoint: &Arc<EndpointState<E, S>>,
    parts: RequestParts<S>,
    operation: Operation,
    media: Media,
) -> Response {
    let RequestParts { head, mut client, .. } = parts;
    let service = &endpoint.service;
    let identity = service.authenticate(BearerToken::in_headers(&head.headers).as_ref()).into_identity();
    service.begin_response(&mut client, &head);
    let caller = RequestIdentity { client: client.clone(), identity };
    let mut response = http_response::result(media, run::once(endpoint, operation, caller).await);
    service.finish_response(&client, response.headers_mut());
    response
}

/// Responds with a stream of results.
fn stream_response<E: Executor, S: Service>(
    endpoint: &Arc<EndpointState<E, S>>,
    parts: RequestParts<S>,
    operation: Operation,
    form: ResponseForm,
) -> Result<Response, Refusal> {
    let RequestParts { head, client, .. } = parts;
    let service = &endpoint.service;
    let token = BearerToken::in_headers(&head.headers);
    let authenticated = service.authenticate(token.as_ref());
    service.check_origin(&head.headers)?;
    // A socket with an invalid token is closed as well. A single operation is executed, because it may be the one that
    // renews the token.
    if operation.kind == OperationType::Subscription && authenticated.is_refused() {
        let message = "The access token is not valid or has expired.";
        return Err(Refusal::http(StatusCode::UNAUTHORIZED, Code::Unauthenticated, message));
    }
    let permits = vec![
        service.acquire_for_client(&client)?,
        service.acquire_for_identity(&client, authenticated.identity())?,
        service.opened(OpenConnection::Stream(form.transport())),
    ];
    let token = token.filter(|_| !authenticated.is_refused());
    let caller = RequestIdentity { client, identity: authenticated.into_identity() };
    Ok(stream::response(form, LiveOperation::open(endpoint, operation, caller, token, permits)))
}

/// Executes the operations of a batch in order, so that mutations are sequential.
async fn batch<E: Executor, S: Service>(
    endpoint: &Arc<EndpointState<E, S>>,
    parts: RequestParts<S>,
    batch_requests: Vec<GraphqlRequest>,
) -> Result<Response, Refusal> {
    let media = parts.accepts.single().ok_or_else(no_stream)?;
    let RequestParts { head, mut client, .. } = parts;
    let service = &endpoint.service;
    service.begin_response(&mut client, &head);
    let token = BearerToken::in_headers(&head.headers);
    let mut results = Vec::with_capacity(batch_requests.len());
    for params in batch_requests {
        // Checked again for each operation: the previous one may have signed out.
        let identity = service.authenticate(token.as_ref()).into_identity();
        let caller = RequestIdentity { client: client.clone(), identity };
        let single = |operation: Operation| match operation.kind {
            OperationType::Subscription => Err(no_stream()),
            OperationType::Query | OperationType::Mutation => Ok(operation),
        };
        results.push(match endpoint.admit(params).and_then(single) {
            Ok(operation) => run::once(endpoint, operation, caller).await,
            Err(refusal) => refusal.into_result(),
        });
    }
    let mut response = http_response::batch(media, results);
    service.finish_response(&client, response.headers_mut());
    Ok(response)
}

/// Accepts only `application/json` in UTF-8. A page of any site can make a browser post a form or plain text without a
/// preflight (a CORS simple request), but not JSON.
fn require_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let unsupported = |message: &str| Err(Refusal::http(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::BadRequest, message));
    let mut lines = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return unsupported("POST requires Content-Type: application/json.");
    };
    let line = line.to_str().unwrap_or_default();
    let mut parts = line.split(';').map(str::trim);
    if !parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json")) {
        return unsupported("POST requires application/json; forms and uploads are not supported.");
    }
    // `utf8` is not a registered name, but common.
    let utf_8 = |value: &str| ["utf-8", "utf8"].iter().any(|name| value.eq_ignore_ascii_case(name));
    let is_other_charset = |(name, value): (&str, &str)| {
        name.trim().eq_ignore_ascii_case("charset") && !utf_8(value.trim().trim_matches('"'))
    };
    if parts.filter_map(|part| part.split_once('=')).any(is_other_charset) {
        return unsupported("Unsupported charset: JSON must be UTF-8.");
    }
    let encoded = headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if encoded {
        return unsupported("Unsupported Content-Encoding: the body must not be encoded.");
    }
    Ok(())
}

fn no_stream() -> Refusal {
    let message = "Subscriptions require a WebSocket, Accept: text/event-stream, or Accept: \
                   multipart/mixed;subscriptionSpec=1.0.";
    Refusal::http(StatusCode::NOT_ACCEPTABLE, Code::BadRequest, message)
}
