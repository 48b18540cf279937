//! The message gateway that the `webhook` provider posts to. It accepts every message, and passes each code to the
//! client that waits for it.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpListener, sync::oneshot};

use crate::departures::Departures;

/// Longer than the delay of an overloaded dispatcher.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The minimum number of consecutive digits of a code.
const SHORTEST_CODE: usize = 4;

/// The received messages. Cheap to clone.
#[derive(Clone, Default)]
pub struct Sink(Arc<Inner>);

#[derive(Default)]
struct Inner {
    taken: AtomicU64,
    slots: Mutex<HashMap<String, Slot>>,
    departures: Mutex<Departures>,
}

enum Slot {
    /// Received before it was requested.
    Received(String, Instant),
    Waiting(oneshot::Sender<(String, Instant)>),
}

impl Sink {
    /// Starts the gateway on `address`.
    ///
    /// # Errors
    /// The address can't be bound.
    pub async fn listen(address: &str) -> Result<Self, String> {
        let listener = TcpListener::bind(address).await.map_err(|error| format!("{address}: {error}"))?;
        let sink = Self::default();
        let shared = sink.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                let sink = shared.clone();
                let service = service_fn(move |request| {
                    let sink = sink.clone();
                    async move { Ok::<_, Infallible>(sink.take(request).await) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Ok(sink)
    }

    /// Records that the answer to a send to this phone number was read now, so that its message is expected.
    pub fn expect(&self, phone: &str) {
        self.departures().answered(phone, Instant::now());
    }

    /// Begins a new record of departures; used between phases.
    pub fn begin(&self) {
        *self.departures() = Departures::default();
    }

    /// The record of the current phase.
    pub fn departures(&self) -> MutexGuard<'_, Departures> {
        self.0.departures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the code that is sent to this phone number; returns it with the time of its arrival.
    pub async fn code(&self, phone: &str) -> Option<(String, Instant)> {
        let arriving = {
            let mut slots = self.slots();
            if let Some(Slot::Received(code, at)) = slots.remove(phone) {
                return Some((code, at));
            }
            let (sender, arriving) = oneshot::channel();
            slots.insert(phone.to_owned(), Slot::Waiting(sender));
            arriving
        };
        tokio::time::timeout(TIMEOUT, arriving).await.ok()?.ok()
    }

    /// Removes codes that were received and not requested.
    pub fn clear(&self) {
        self.slots().retain(|_, slot| matches!(slot, Slot::Waiting(_)));
    }

    async fn take(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let at = Instant::now();
        let number = self.0.taken.fetch_add(1, Ordering::Relaxed);
        if let Ok(body) = request.into_body().collect().await
            && let Ok(message) = serde_json::from_slice::<Value>(&body.to_bytes())
            && let (Some(to), Some(text)) = (message["data"]["to"].as_str(), message["data"]["text"].as_str())
            && let Some(code) = code_in(text)
        {
            self.deliver(to, code, at);
            self.departures().arrived(to, at, Instant::now());
        }
        Response::new(Full::new(Bytes::from(format!(r#"{{"provider_message_id":"{number}"}}"#))))
    }

    fn deliver(&self, to: &str, code: &str, at: Instant) {
        let mut slots = self.slots();
        match slots.remove(to) {
            // Fails if the receiver has timed out.
            Some(Slot::Waiting(sender)) => drop(sender.send((code.to_owned(), at))),
            _ => drop(slots.insert(to.to_owned(), Slot::Received(code.to_owned(), at))),
        }
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<String, Slot>> {
        self.0.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first sequence of digits that is long enough.
fn code_in(text: &str) -> Option<&str> {
    text.split(|sign: char| !sign.is_ascii_digit()).find(|digits| digits.len() >= SHORTEST_CODE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_code_in_text() {
        assert_eq!(code_in("[Countersign] 인증번호 048213\n타인에게 알려주지 마세요."), Some("048213"));
        assert_eq!(code_in("valid for 5 minutes"), None);
    }

    #[tokio::test]
    async fn code_can_be_requested_before_or_after_it_arrives() {
        let sink = Sink::default();
        sink.deliver("+1", "1111", Instant::now());
        assert_eq!(sink.code("+1").await.unwrap().0, "1111");
        let waiting = sink.code("+2");
        tokio::pin!(waiting);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        sink.deliver("+2", "2222", Instant::now());
        assert_eq!(waiting.await.unwrap().0, "2222");
    }
}
