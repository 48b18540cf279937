//! Reads a request's body, so much of it and so long.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header},
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

use crate::{
    config::http::Patience,
    http::graphql::refusal::{Code, Refusal},
};

/// What is still read and thrown away after an answer that came before the body's end, times the limit.
const LINGER: usize = 16;

/// The whole body, at most `limit` bytes.
///
/// # Errors
/// 413 without reading on, 408 when it does not come in time, 400 when it breaks off.
pub async fn read(body: Body, headers: &HeaderMap, limit: usize, patience: &Patience) -> Result<Bytes, Refusal> {
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|declared| declared > limit) {
        linger(body, limit, patience.farewell);
        return Err(too_large(limit));
    }
    match tokio::time::timeout(patience.body, collect(body, limit, patience.farewell)).await {
        Ok(read) => read,
        Err(_) => {
            let message = "The body did not come in time.";
            Err(Refusal::http(StatusCode::REQUEST_TIMEOUT, Code::BadRequest, message))
        }
    }
}

async fn collect(mut body: Body, limit: usize, farewell: Duration) -> Result<Bytes, Refusal> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::malformed("The body broke off."))?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + data.len() > limit {
            linger(body, limit, farewell);
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

/// Reads on for a moment while the answer is on its way. A connection that is closed with unread data in it is reset,
/// and a client that is still writing would see the reset instead of the answer.
fn linger(mut body: Body, limit: usize, farewell: Duration) {
    let drain = async move {
        let mut left = limit.saturating_mul(LINGER);
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                break;
            }
        }
    };
    tokio::spawn(tokio::time::timeout(farewell, drain));
}
