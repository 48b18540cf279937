//! Reads request bodies up to a size limit.

use axum::{
    body::Body,
    http::{StatusCode, header, request::Parts},
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

use crate::{
    limit::Limit,
    refusal::{Code, Refusal},
    service::Access,
    settings::Settings,
};

/// Bytes of the body that are still read and discarded after an early response.
const MAX_DRAINED: usize = 1024 * 1024;

/// Reads the whole body, at most as many bytes as the settings allow.
///
/// # Errors
/// 413 without reading further, 400 if the body ends unexpectedly, or the refusal of the service for the error.
pub async fn read(head: &Parts, mut body: Body, settings: &Settings, service: &impl Access) -> Result<Bytes, Refusal> {
    let limit = settings.max_body;
    let length =
        head.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let read = if length.is_some_and(|length| length > limit.max) {
        Err(too_large(limit))
    } else {
        collect(&mut body, limit, service).await
    };
    if read.is_err() {
        drain(head, body, settings, service);
    }
    read
}

async fn collect(body: &mut Body, limit: Limit, service: &impl Access) -> Result<Bytes, Refusal> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let ended = |error| {
            let general = || Refusal::malformed("The request body ended unexpectedly.");
            service.body_error(&error).unwrap_or_else(general)
        };
        let Ok(data) = frame.map_err(ended)?.into_data() else { continue };
        if whole.len() + data.len() > limit.max {
            return Err(too_large(limit));
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

fn too_large(limit: Limit) -> Refusal {
    let message = format!("The request body is larger than {} bytes{}.", limit.max, limit.hint());
    Refusal::http(StatusCode::PAYLOAD_TOO_LARGE, Code::TooComplex, message)
}

/// Continues to read for a short time after a response that was sent before the end of the body, then the service closes the
/// connection. If a connection is closed with unread data, the kernel resets it, and a client that is still writing
/// gets the reset instead of the response.
pub fn drain(head: &Parts, mut body: Body, settings: &Settings, service: &impl Access) {
    service.close_connection(head);
    let drain = async move {
        let mut left = MAX_DRAINED;
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                break;
            }
        }
    };
    tokio::spawn(tokio::time::timeout(settings.timeouts.close, drain));
}
