//! Server-sent events by the graphql-sse protocol in distinct connections mode: each operation has its own response,
//! with `next` events and one `complete`. (github.com/enisdenjo/graphql-sse, PROTOCOL.md)

use std::fmt;

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, header},
    response::Response,
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};

use super::{LiveOperation, StreamEvent};
use crate::response::ExecutionResult;

/// A comment, which readers ignore.
const COMMENT: &[u8] = b":\n\n";
/// The empty `data` line is needed: EventSource does not deliver events without data.
const COMPLETE: &[u8] = b"event: complete\ndata:\n\n";

pub fn response(live: LiveOperation) -> Response {
    let opening = stream::once(async { Ok(Bytes::from_static(COMMENT)) });
    let body = opening.chain(live.map(write));
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    // nginx buffers responses by default.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

fn write(event: StreamEvent) -> Result<Bytes, Interrupted> {
    Ok(match event {
        StreamEvent::Event(result) => next(&result).into(),
        StreamEvent::Complete => Bytes::from_static(COMPLETE),
        StreamEvent::Refused(result) => [next(&result).as_slice(), COMPLETE].concat().into(),
        StreamEvent::Heartbeat => Bytes::from_static(COMMENT),
        StreamEvent::Stopping(_) => return Err(Interrupted),
    })
}

/// The server stops before the operation is complete. The body ends without its last chunk, so that clients reconnect:
/// some take the end of a complete body for the end of the operation, even without `complete`.
#[derive(Clone, Copy, Debug)]
struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server is stopping")
    }
}

impl std::error::Error for Interrupted {}

fn next(result: &ExecutionResult) -> Vec<u8> {
    // JSON escapes line breaks in strings, so the text is a single line.
    format!("event: next\ndata: {}\n\n", result.to_json()).into_bytes()
}
