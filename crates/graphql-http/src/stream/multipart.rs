//! Apollo's protocol for subscriptions over HTTP: parts of a `multipart/mixed` response, each with a result under
//! `payload`. (apollographql.com/docs, "HTTP callback and multipart protocol for GraphQL subscriptions")
//!
//! A reader considers a part complete when it reads the next boundary, so the boundary is sent together with the part,
//! without its line break. It is followed by the head of the next part, or by the `--` that ends the response.

use std::convert::Infallible;

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, header},
    response::Response,
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};

use super::{LiveOperation, StreamEvent};

const CONTENT_TYPE: &str = "multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0";
const OPENING: &[u8] = b"\r\n--graphql";
const END: &str = "--\r\n";

pub fn response(live: LiveOperation) -> Response {
    let opening = stream::once(async { Bytes::from_static(OPENING) });
    let body = opening.chain(live.map(write)).map(Ok::<_, Infallible>);
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

fn write(event: StreamEvent) -> Bytes {
    let text = match event {
        // Errors before execution end the stream; in this protocol they are sent next to a null payload.
        StreamEvent::Event(result) if result.executed() => part(&format!("{{\"payload\":{}}}", result.to_json())),
        StreamEvent::Event(result) => part(&with_null_payload(&result.to_json())),
        StreamEvent::Heartbeat => part("{}"),
        StreamEvent::Complete => END.to_owned(),
        StreamEvent::Refused(result) | StreamEvent::Stopping(result) => {
            part(&with_null_payload(&result.to_json())) + END
        }
    };
    text.into()
}

fn part(json: &str) -> String {
    format!("\r\ncontent-type: application/json\r\n\r\n{json}\r\n--graphql")
}

/// Adds `"payload":null` to `{"errors":[…]}`.
fn with_null_payload(errors: &str) -> String {
    errors.replacen('{', "{\"payload\":null,", 1)
}
