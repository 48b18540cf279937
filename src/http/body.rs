//! Reads request bodies up to a size limit.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{StatusCode, header, request::Parts},
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

use crate::http::{
    graphql::refusal::{Code, Refusal},
    pulse::Pulse,
    punctual::Late,
};
use platform::config::http::Patience;

/// Bytes of the body that are still read and discarded after an early response.
const LINGER: usize = 1024 * 1024;

/// Reads the whole body, at most `limit` bytes.
///
/// # Errors
/// 413 without reading on, 408 if the body is not complete in time, 400 if it ends unexpectedly.
pub async fn read(head: &Parts, mut body: Body, limit: usize, patience: &Patience) -> Result<Bytes, Refusal> {
    let length =
        head.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let read = if length.is_some_and(|length| length > limit) {
        Err(too_large(limit))
    } else {
        collect(&mut body, limit).await
    };
    if read.is_err() {
        linger(head, body, patience);
    }
    read
}

async fn collect(body: &mut Body, limit: usize) -> Result<Bytes, Refusal> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| read_error(&error))?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + data.len() > limit {
            return Err(too_large(limit));
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

fn too_large(limit: usize) -> Refusal {
    let message = format!("The request body is larger than {limit} bytes (MAX_BODY).");
    Refusal::http(StatusCode::PAYLOAD_TOO_LARGE, Code::TooComplex, message)
}

fn read_error(error: &axum::Error) -> Refusal {
    if Late::is_why(error) {
        let message = "The request body was not received in time.";
        return Refusal::http(StatusCode::REQUEST_TIMEOUT, Code::BadRequest, message);
    }
    Refusal::malformed("The request body ended unexpectedly.")
}

/// Reads on for a moment after a response that was sent before the end of the body, then closes the connection. If a
/// connection is closed with unread data, the kernel resets it, and a client that is still writing gets the reset
/// instead of the response.
pub fn linger(head: &Parts, mut body: Body, patience: &Patience) {
    if let Some(pulse) = head.extensions.get::<Arc<Pulse>>() {
        pulse.hang_up(patience.farewell);
    }
    let drain = async move {
        let mut left = LINGER;
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                break;
            }
        }
    };
    tokio::spawn(tokio::time::timeout(patience.farewell, drain));
}
