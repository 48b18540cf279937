//! The shared HTTP client of the providers: with limits on time and size, without redirects, and with precise errors
//! about what is known if there is no response.

use std::time::Duration;

use chrono::DateTime;
use reqwest::{RequestBuilder, StatusCode, redirect, retry};
use serde::de::DeserializeOwned;

use crate::{lenient, provider::Outcome};
use domain::Timestamp;
use platform::{clock::Clock, fault::Fault, telemetry::traces::Trace};

/// The maximum length of a response body; the rest is discarded. Responses of providers have a few hundred bytes.
const MAX_BODY: usize = 64 * 1024;

/// Idle connections are closed before the server closes them (five seconds is the shortest common keep-alive): a
/// request written to a connection that the server is closing has an unknown outcome.
const MAX_IDLE: Duration = Duration::from_secs(4);

/// Sends requests to providers. Cheap to clone; connections are pooled.
#[derive(Clone, Debug)]
pub struct HttpClient {
    client: reqwest::Client,
    clock: Clock,
}

/// Why there is no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportError {
    /// The connection failed: nothing was sent.
    Unreachable,
    /// The request was sent, or may have been: the provider may have processed it.
    NoResponse,
    /// The request could not be built (for example, the API key is not a valid header value).
    NotSent,
}

impl From<TransportError> for Outcome {
    fn from(transport_error: TransportError) -> Self {
        match transport_error {
            TransportError::Unreachable => Outcome::unavailable("not_reached".to_owned()),
            TransportError::NoResponse => Outcome::Unknown,
            TransportError::NotSent => Outcome::Misconfigured { code: Some("bad_request_settings".to_owned()) },
        }
    }
}

/// The response of a provider.
#[derive(Debug)]
pub struct ProviderResponse {
    pub status: StatusCode,
    pub retry_after: Option<Duration>,
    body: Vec<u8>,
}

impl HttpClient {
    /// A client whose requests take at most `timeout`, connecting included.
    ///
    /// # Errors
    /// If TLS can't be initialised.
    pub fn new(timeout: Duration, clock: Clock) -> Result<Self, Fault> {
        let client = reqwest::Client::builder()
            .timeout(timeout)
            // Shorter than the total timeout, so that a total timeout means that the connection was established.
            .connect_timeout(timeout.mul_f64(0.6))
            .pool_idle_timeout(MAX_IDLE)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .no_proxy()
            .build()
            .map_err(|error| Fault::internal(error.without_url().to_string()))?;
        Ok(Self { client, clock })
    }

    /// A POST request, for [`HttpClient::send`].
    pub fn post(&self, url: impl reqwest::IntoUrl) -> RequestBuilder {
        self.client.post(url)
    }

    /// A GET request, for [`HttpClient::send`].
    pub fn get(&self, url: impl reqwest::IntoUrl) -> RequestBuilder {
        self.client.get(url)
    }

    /// Sends a request once.
    ///
    /// # Errors
    /// Why there is no response.
    pub async fn send(&self, request: RequestBuilder) -> Result<ProviderResponse, TransportError> {
        let request = match Trace::current().traceparent() {
            Some(parent) => request.header("traceparent", parent),
            None => request,
        };
        let mut response = request.send().await.map_err(|error| transport_error(&error))?;
        let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|text| parse_retry_after(text, self.clock.now()));
        let status = response.status();
        let mut body = Vec::new();
        // If the body ends early, the status is still used, which is enough for a rejection; the body won't parse.
        while let Ok(Some(chunk)) = response.chunk().await {
            let left = MAX_BODY - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(left)]);
            if chunk.len() > left {
                break;
            }
        }
        Ok(ProviderResponse { status, retry_after, body })
    }
}

impl ProviderResponse {
    /// The body as JSON, regardless of its content type. None if it does not parse.
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The raw body. It may contain data that must not be logged.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The outcome by status code, for responses that the provider's own error table does not cover. With an unreadable
    /// success or a gateway timeout (504), the message may still have been sent.
    pub fn outcome_by_status(&self, code: Option<String>) -> Outcome {
        let code = code.or_else(|| lenient::code(self.status.as_str()));
        match self.status.as_u16() {
            200..300 | 504 => Outcome::Unknown,
            408 | 500.. => Outcome::Unavailable { code, retry_after: self.retry_after },
            429 => Outcome::Throttled { retry_after: self.retry_after },
            // Rejected for our account or for this destination.
            403 => Outcome::RejectedDestination { code },
            300..=399 | 401..=405 | 407 | 410 => Outcome::Misconfigured { code },
            _ => Outcome::RejectedContent { code },
        }
    }
}

fn transport_error(error: &reqwest::Error) -> TransportError {
    if error.is_builder() {
        TransportError::NotSent
    } else if error.is_connect() {
        TransportError::Unreachable
    } else {
        TransportError::NoResponse
    }
}

/// `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3).
fn parse_retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let instant = DateTime::parse_from_rfc2822(text).ok()?;
    Some((instant.to_utc() - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = DateTime::parse_from_rfc3339("2026-01-02T03:04:05Z").unwrap().to_utc();
        let read = |text| parse_retry_after(text, now);
        assert_eq!(read("120"), Some(Duration::from_secs(120)));
        assert_eq!(read("Fri, 02 Jan 2026 03:05:05 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(read("Fri, 02 Jan 2026 03:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(read("soon"), None);
        assert_eq!(read("-1"), None);
    }

    #[test]
    fn by_status_maps_status_codes_to_outcomes() {
        let outcome = |status: u16| {
            let status = StatusCode::from_u16(status).unwrap();
            ProviderResponse { status, retry_after: Some(Duration::from_secs(7)), body: b"<html>".to_vec() }
                .outcome_by_status(None)
        };
        let code = |status: u16| Some(status.to_string());
        assert_eq!(outcome(200), Outcome::Unknown);
        assert_eq!(outcome(302), Outcome::Misconfigured { code: code(302) });
        assert_eq!(outcome(400), Outcome::RejectedContent { code: code(400) });
        assert_eq!(outcome(403), Outcome::RejectedDestination { code: code(403) });
        assert_eq!(outcome(429), Outcome::Throttled { retry_after: Some(Duration::from_secs(7)) });
        assert_eq!(outcome(503), Outcome::Unavailable { code: code(503), retry_after: Some(Duration::from_secs(7)) });
        assert_eq!(outcome(504), Outcome::Unknown);
    }
}
