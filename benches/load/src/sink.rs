//! A provider's end: the gateway that the `webhook` provider posts to. It takes every message, and hands each code to
//! whoever waits for it, as a telephone would.

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

/// Longer than a dispatcher that is behind needs.
const PATIENCE: Duration = Duration::from_secs(20);
/// The least digits in a row that are a code.
const SHORTEST_CODE: usize = 4;

/// What arrived. Cheap to clone.
#[derive(Clone, Default)]
pub struct Sink(Arc<Inner>);

#[derive(Default)]
struct Inner {
    taken: AtomicU64,
    letters: Mutex<HashMap<String, Letter>>,
}

enum Letter {
    /// It came before anybody asked.
    Arrived(String, Instant),
    Awaited(oneshot::Sender<(String, Instant)>),
}

impl Sink {
    /// Takes messages on `address` from now on.
    ///
    /// # Errors
    /// Why it can't.
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

    /// Messages so far.
    pub fn taken(&self) -> u64 {
        self.0.taken.load(Ordering::Relaxed)
    }

    /// The code that this number is sent, and when it came.
    pub async fn code(&self, phone: &str) -> Option<(String, Instant)> {
        let arriving = {
            let mut letters = self.letters();
            if let Some(Letter::Arrived(code, at)) = letters.remove(phone) {
                return Some((code, at));
            }
            let (sender, arriving) = oneshot::channel();
            letters.insert(phone.to_owned(), Letter::Awaited(sender));
            arriving
        };
        tokio::time::timeout(PATIENCE, arriving).await.ok()?.ok()
    }

    /// Forgets what came and nobody asked for.
    pub fn clear(&self) {
        self.letters().retain(|_, letter| matches!(letter, Letter::Awaited(_)));
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
        }
        Response::new(Full::new(Bytes::from(format!(r#"{{"provider_message_id":"{number}"}}"#))))
    }

    fn deliver(&self, to: &str, code: &str, at: Instant) {
        let mut letters = self.letters();
        match letters.remove(to) {
            // Fails where whoever waited has given up.
            Some(Letter::Awaited(sender)) => drop(sender.send((code.to_owned(), at))),
            _ => drop(letters.insert(to.to_owned(), Letter::Arrived(code.to_owned(), at))),
        }
    }

    fn letters(&self) -> MutexGuard<'_, HashMap<String, Letter>> {
        self.0.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first run of digits that is long enough.
fn code_in(text: &str) -> Option<&str> {
    text.split(|sign: char| !sign.is_ascii_digit()).find(|digits| digits.len() >= SHORTEST_CODE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_a_person_would() {
        assert_eq!(code_in("[Countersign] 인증번호 048213\n타인에게 알려주지 마세요."), Some("048213"));
        assert_eq!(code_in("valid for 5 minutes"), None);
    }

    #[tokio::test]
    async fn a_code_reaches_whoever_asks_before_or_after_it() {
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
