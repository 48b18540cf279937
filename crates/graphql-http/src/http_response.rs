//! HTTP responses of results and refusals.

use async_graphql::BatchResponse;
use async_graphql_axum::GraphQLResponse;
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    negotiate::Media,
    refusal::{Code, Refusal},
    response::ExecutionResult,
};

/// The response for a result. Successful ones are written by async-graphql-axum; it writes others in another form (see
/// the table in the README).
pub(crate) fn result(media: Media, response: async_graphql::Response) -> Response {
    if response.is_ok() {
        return library_response(media, GraphQLResponse::from(response));
    }
    let head = response.http_headers.clone();
    let result = ExecutionResult::new(response);
    let mut response = json(result.status(media, None), media, result.to_json());
    response.headers_mut().extend(head);
    response
}

/// The response for the results of a batch.
pub(crate) fn batch(media: Media, results: Vec<async_graphql::Response>) -> Response {
    if results.iter().all(async_graphql::Response::is_ok) {
        return library_response(media, GraphQLResponse::from(BatchResponse::Batch(results)));
    }
    let heads: Vec<_> = results.iter().map(|result| result.http_headers.clone()).collect();
    let answers: Vec<_> = results.into_iter().map(|result| ExecutionResult::new(result).to_json()).collect();
    let mut response = json(StatusCode::OK, media, format!("[{}]", answers.join(",")));
    heads.into_iter().for_each(|head| response.headers_mut().extend(head));
    response
}

fn library_response(media: Media, response: GraphQLResponse) -> Response {
    let mut response = response.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
    response
}

/// The response for a refusal.
pub fn refusal(media: Media, refusal: Refusal) -> Response {
    let status = refusal.status;
    let result = ExecutionResult::new(refusal.into_result());
    json(result.status(media, status), media, result.to_json())
}

/// The refusal of a method, with the allowed ones (RFC 9110, section 15.5.6).
pub fn method_not_allowed(media: Media, allow: &'static str, message: &str) -> Response {
    let mut response = refusal(media, Refusal::http(StatusCode::METHOD_NOT_ALLOWED, Code::BadRequest, message));
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    response
}

/// A response with a JSON body.
pub fn json(status: StatusCode, media: Media, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
    if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
