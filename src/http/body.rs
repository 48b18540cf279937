//! Reads a request's body, so much of it.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{StatusCode, header, request::Parts},
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

use crate::{
    config::http::Patience,
    http::{
        graphql::refusal::{Code, Refusal},
        pulse::Pulse,
        punctual::Late,
    },
};

/// What is still read and thrown away after an answer that came before the body's end, in bytes.
const LINGER: usize = 1024 * 1024;

/// The whole body, at most `limit` bytes.
///
/// # Errors
/// 413 without reading on, 408 when it does not come in time, 400 when it breaks off.
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
        let frame = frame.map_err(|error| broken(&error))?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + data.len() > limit {
            return Err(too_large(limit));
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

fn too_large(limit: usize) -> Refusal {
    let message = format!("The body is larger than {limit} bytes (MAX_BODY).");
    Refusal::http(StatusCode::PAYLOAD_TOO_LARGE, Code::TooComplex, message)
}

fn broken(error: &axum::Error) -> Refusal {
    if Late::is_why(error) {
        return Refusal::http(StatusCode::REQUEST_TIMEOUT, Code::BadRequest, "The body did not come in time.");
    }
    Refusal::malformed("The body broke off.")
}

/// Reads on for a moment while an answer is on its way that came before the body's end, and closes then. A connection
/// that is closed with unread data in it is reset, and a client that is still writing would see the reset instead of
/// the answer.
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
