//! A page that watches: `graphql-transport-ws` over a socket of its own.

use std::net::Ipv4Addr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue, protocol::WebSocketConfig},
};

use crate::{documents::WATCH, trouble::Trouble, wire::Target};

/// Ten thousand of these are open at once.
const BUFFER: usize = 2 * 1024;

/// A socket that watches one verification.
pub struct Socket(WebSocketStream<TcpStream>);

/// What it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Event,
    Complete,
}

impl Socket {
    /// Opens it, and waits until it has shown how the verification stands.
    ///
    /// # Errors
    /// What stood in the way.
    pub async fn watch(target: &Target, id: &str, from: Ipv4Addr) -> Result<Self, Trouble> {
        let refused = |_| Trouble::new("no_socket");
        let stream = TcpStream::connect(&target.authority).await.map_err(|_| Trouble::new("not_connected"))?;
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
        socket.say(&json!({"type": "connection_init"})).await?;
        let ack = socket.hear().await?;
        if ack["type"] != "connection_ack" {
            return Err(Trouble::new("no_ack"));
        }
        let payload = json!({"query": WATCH, "variables": {"id": id}});
        socket.say(&json!({"type": "subscribe", "id": "1", "payload": payload})).await?;
        match socket.next().await? {
            Told::Event => Ok(socket),
            Told::Complete => Err(Trouble::new("over_already")),
        }
    }

    /// Waits for the next event, or for the end.
    ///
    /// # Errors
    /// The socket broke, or its subscription did.
    pub async fn next(&mut self) -> Result<Told, Trouble> {
        loop {
            let message = self.hear().await?;
            match message["type"].as_str() {
                Some("next") if message["payload"]["errors"].is_null() => return Ok(Told::Event),
                Some("complete") => return Ok(Told::Complete),
                Some("ping") => self.say(&json!({"type": "pong"})).await?,
                _ => return Err(Trouble::new("stream_error")),
            }
        }
    }

    /// # Errors
    /// It broke before its end.
    pub async fn until_complete(&mut self) -> Result<(), Trouble> {
        while self.next().await? == Told::Event {}
        Ok(())
    }

    pub async fn close(mut self) {
        // The server may have gone first.
        let _ = self.0.close(None).await;
        while let Some(Ok(_)) = self.0.next().await {}
    }

    async fn say(&mut self, message: &Value) -> Result<(), Trouble> {
        self.0.send(Message::text(message.to_string())).await.map_err(|_| Trouble::new("socket_broke"))
    }

    async fn hear(&mut self) -> Result<Value, Trouble> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => {
                    return serde_json::from_str(&text).map_err(|_| Trouble::new("no_json"));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => return Err(Trouble::new("socket_broke")),
            }
        }
    }
}
