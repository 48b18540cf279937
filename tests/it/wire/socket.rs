//! A WebSocket client that sends only what a test tells it to, except for pongs.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest, http::HeaderValue},
};

use super::{client::TEST_TIMEOUT, server::TestServer};

#[derive(Debug)]
pub struct Socket(pub WebSocketStream<MaybeTlsStream<TcpStream>>);

impl TestServer {
    /// Opens a socket; the HTTP status if the handshake is rejected.
    pub async fn handshake(&self, protocols: &str, headers: &[(&'static str, &str)]) -> Result<Socket, u16> {
        let mut request = format!("ws://{}/graphql", self.address).into_client_request().unwrap();
        if !protocols.is_empty() {
            request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_str(protocols).unwrap());
        }
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
        }
        let opened = connect_async(request).await;
        if let Err(Error::Http(response)) = opened {
            return Err(response.status().as_u16());
        }
        Ok(Socket(opened.unwrap().0))
    }

    pub async fn socket(&self) -> Socket {
        self.handshake("graphql-transport-ws", &[]).await.unwrap()
    }

    /// A socket after `connection_ack`.
    pub async fn ready(&self, payload: Value) -> Socket {
        let mut socket = self.socket().await;
        socket.send_json(json!({"type": "connection_init", "payload": payload})).await;
        assert_eq!(socket.receive().await, json!({"type": "connection_ack"}));
        socket
    }
}

impl Socket {
    pub async fn send_json(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    pub async fn subscribe(&mut self, id: &str, query: &str) {
        self.send_json(json!({"id": id, "type": "subscribe", "payload": {"query": query}})).await;
    }

    /// The next message from the server that is not a ping.
    pub async fn receive(&mut self) -> Value {
        self.next().await.unwrap()
    }

    /// Reads until the server's close frame and returns its code; 1006 if there is none.
    pub async fn closed(&mut self) -> u16 {
        loop {
            if let Err((code, _)) = self.next().await {
                return code;
            }
        }
    }

    /// The next message, or the code and reason of the close.
    pub async fn next(&mut self) -> Result<Value, (u16, String)> {
        let reading = async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                    Some(Ok(Message::Close(Some(frame)))) => return Err((frame.code.into(), frame.reason.to_string())),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    other => return Err((1006, format!("{other:?}"))),
                }
            }
        };
        tokio::time::timeout(TEST_TIMEOUT, reading).await.unwrap()
    }
}
