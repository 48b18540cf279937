//! Server-sent events as the graphql-sse protocol has them, in distinct connections mode: each operation has its own
//! response, with `next` events and one `complete`. (github.com/enisdenjo/graphql-sse, PROTOCOL.md)

use std::fmt;

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, header},
    response::Response,
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};

use crate::http::{
    graphql::response::Answer,
    stream::{Beat, Live},
};

/// A comment: readers skip it.
const COMMENT: &[u8] = b":\n\n";
/// With an empty `data` line, or EventSource would not deliver it.
const COMPLETE: &[u8] = b"event: complete\ndata:\n\n";

pub fn response(live: Live) -> Response {
    let opening = stream::once(async { Ok(Bytes::from_static(COMMENT)) });
    let body = opening.chain(live.map(write));
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    // nginx collects answers in a buffer unless told otherwise.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

fn write(beat: Beat) -> Result<Bytes, BrokenOff> {
    Ok(match beat {
        Beat::Event(answer) => next(&answer).into(),
        Beat::Complete => Bytes::from_static(COMPLETE),
        Beat::Refused(answer) => [next(&answer).as_slice(), COMPLETE].concat().into(),
        Beat::Heartbeat => Bytes::from_static(COMMENT),
        Beat::Stopping(_) => return Err(BrokenOff),
    })
}

/// The server stops before the operation is over. The body breaks off without its last chunk, so that clients connect
/// again: some take the end of a whole body for the end of the operation, whether or not `complete` was said.
#[derive(Clone, Copy, Debug)]
struct BrokenOff;

impl fmt::Display for BrokenOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server stops")
    }
}

impl std::error::Error for BrokenOff {}

fn next(answer: &Answer) -> Vec<u8> {
    // JSON has no line breaks outside strings, and strings escape theirs: one line it is.
    format!("event: next\ndata: {}\n\n", answer.to_json()).into_bytes()
}
