//! A minimal client for graphql-transport-ws.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

use super::TEST_TIMEOUT;

/// A socket after the handshake.
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// One subscription on a socket of its own.
pub struct Subscription(Socket);

impl Socket {
    pub async fn open(url: &str, address: &str, token: Option<&str>) -> Self {
        let mut request = format!("{}/graphql", url.replace("http://", "ws://")).into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        headers.insert("x-forwarded-for", address.parse().unwrap());
        let (stream, _) = connect_async(request).await.unwrap();
        let mut socket = Self(stream);
        let payload = token.map_or(json!({}), |token| json!({ "Authorization": format!("Bearer {token}") }));
        socket.send(&json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.receive().await.unwrap()["type"], "connection_ack");
        socket
    }

    pub async fn send(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// Whether the server answers a ping.
    pub async fn is_open(&mut self) -> bool {
        let ping = Message::text(json!({ "type": "ping" }).to_string());
        if self.0.send(ping).await.is_err() {
            return false;
        }
        loop {
            let message = tokio::time::timeout(TEST_TIMEOUT, self.0.next()).await.unwrap_or_else(|_| panic!("silence"));
            match message {
                Some(Ok(Message::Text(text))) if text.contains("\"pong\"") => return true,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return false,
                Some(Ok(_)) => {}
            }
        }
    }

    /// The next protocol message; `None` if the socket was closed.
    pub async fn receive(&mut self) -> Option<Value> {
        loop {
            let message =
                tokio::time::timeout(TEST_TIMEOUT, self.0.next()).await.unwrap_or_else(|_| panic!("silence"))?;
            match message.unwrap() {
                Message::Text(text) => {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    match message["type"].as_str() {
                        Some("ping") => self.send(&json!({ "type": "pong" })).await,
                        _ => return Some(message),
                    }
                }
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    /// Reads until the server closes the socket and returns the close code; 1006 if there is none.
    pub async fn close_code(&mut self) -> u16 {
        let reading = async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
                    Some(Ok(Message::Close(None)) | Err(_)) | None => return 1006,
                    Some(Ok(_)) => {}
                }
            }
        };
        tokio::time::timeout(TEST_TIMEOUT, reading)
            .await
            .unwrap_or_else(|_| panic!("the server did not close the socket"))
    }

    pub async fn subscribe(mut self, query: &str, variables: Value) -> Subscription {
        let payload = json!({ "query": query, "variables": variables });
        self.send(&json!({ "id": "1", "type": "subscribe", "payload": payload })).await;
        Subscription(self)
    }
}

impl Subscription {
    /// The close code of the socket.
    pub async fn close_code(&mut self) -> u16 {
        self.0.close_code().await
    }

    /// The next state; `None` if the stream is complete.
    pub async fn next(&mut self) -> Option<Value> {
        let mut message = self.0.receive().await?;
        match message["type"].as_str() {
            Some("next") => Some(message["payload"]["data"]["verificationStatus"].take()),
            Some("complete") => None,
            _ => panic!("{message:#}"),
        }
    }

    /// The errors that ended the operation.
    pub async fn errors(&mut self) -> Value {
        let mut message = self.0.receive().await.unwrap();
        // Validation errors come as `error`; errors of the resolver come as `next` followed by `complete`.
        match message["type"].as_str() {
            Some("error") => message["payload"].take(),
            Some("next") => message["payload"]["errors"].take(),
            _ => panic!("{message:#}"),
        }
    }

    /// Reads states until one satisfies the predicate and returns it.
    pub async fn until(&mut self, predicate: impl Fn(&Value) -> bool) -> Value {
        loop {
            let state = self.next().await.unwrap_or_else(|| panic!("the stream ended"));
            if predicate(&state) {
                return state;
            }
        }
    }

    /// Reads states until the stream completes and returns the last one.
    pub async fn last(&mut self) -> Value {
        let mut last = Value::Null;
        while let Some(state) = self.next().await {
            last = state;
        }
        last
    }
}
