//! A subscription over its own WebSocket, with the protocol `graphql-transport-ws`.

use std::net::Ipv4Addr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue, protocol::WebSocketConfig},
};

use crate::{client::Target, documents::WATCH, error::LoadError};

/// Small, because ten thousand of these are open at once.
const BUFFER: usize = 2 * 1024;

/// A WebSocket that watches one verification.
pub struct Socket(WebSocketStream<TcpStream>);

/// A message of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamMessage {
    Event,
    Complete,
}

impl Socket {
    /// Opens the WebSocket and waits for the first event, the current status.
    ///
    /// # Errors
    /// The connection, the handshake or the subscription failed.
    pub async fn watch(target: &Target, id: &str, from: Ipv4Addr) -> Result<Self, LoadError> {
        let refused = |_| LoadError::new("no_socket");
        let stream = TcpStream::connect(&target.authority).await.map_err(|_| LoadError::new("not_connected"))?;
        let _ = stream.set_nodelay(true);
        let mut request = format!("ws://{}/graphql", target.authority).into_client_request().map_err(refused)?;
        let headers = request.headers_mut();
        headers.insert("sec-websocket-protocol", HeaderValue::from_static("graphql-transport-ws"));
        if let Ok(from) = HeaderValue::from_str(&from.to_string()) {
            headers.insert("x-forwarded-for", from);
        }
        let config = WebSocketConfig::default().read_buffer_size(BUFFER).write_buffer_size(0);
        let (socket, _) = client_async_with_config(request, stream, Some(config)).await.map_err(refused)?;
        let mut socket = Self(socket);
        socket.send_json(&json!({"type": "connection_init"})).await?;
        let ack = socket.recv_json().await?;
        if ack["type"] != "connection_ack" {
            return Err(LoadError::new("no_ack"));
        }
        let payload = json!({"query": WATCH, "variables": {"id": id}});
        socket.send_json(&json!({"type": "subscribe", "id": "1", "payload": payload})).await?;
        match socket.next().await? {
            StreamMessage::Event => Ok(socket),
            StreamMessage::Complete => Err(LoadError::new("over_already")),
        }
    }

    /// Waits for the next event, or for the end of the stream.
    ///
    /// # Errors
    /// The connection broke, or the subscription returned an error.
    pub async fn next(&mut self) -> Result<StreamMessage, LoadError> {
        loop {
            let message = self.recv_json().await?;
            match message["type"].as_str() {
                Some("next") if message["payload"]["errors"].is_null() => return Ok(StreamMessage::Event),
                Some("complete") => return Ok(StreamMessage::Complete),
                Some("ping") => self.send_json(&json!({"type": "pong"})).await?,
                _ => return Err(LoadError::new("stream_error")),
            }
        }
    }

    /// # Errors
    /// The stream broke off before its end.
    pub async fn until_complete(&mut self) -> Result<(), LoadError> {
        while self.next().await? == StreamMessage::Event {}
        Ok(())
    }

    pub async fn close(mut self) {
        // The server may have closed the connection already.
        let _ = self.0.close(None).await;
        while let Some(Ok(_)) = self.0.next().await {}
    }

    async fn send_json(&mut self, message: &Value) -> Result<(), LoadError> {
        self.0.send(Message::text(message.to_string())).await.map_err(|_| LoadError::new("socket_broke"))
    }

    async fn recv_json(&mut self) -> Result<Value, LoadError> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => {
                    return serde_json::from_str(&text).map_err(|_| LoadError::new("no_json"));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => return Err(LoadError::new("socket_broke")),
            }
        }
    }
}
