//! A GraphQL client over HTTP: persistent connections with one request at a time on each.

use std::{net::Ipv4Addr, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::error::LoadError;

/// Longer than any time limit of the server.
const TIMEOUT: Duration = Duration::from_secs(15);

/// A document and its root field, which contains the result.
pub struct Document {
    pub field: &'static str,
    pub text: &'static str,
}

/// The address of a server process.
#[derive(Clone, Debug)]
pub struct Target {
    /// Host and port.
    pub authority: String,
}

impl Target {
    /// # Errors
    /// The URL is not supported.
    pub fn parse(url: &str) -> Result<Self, String> {
        let authority = url.strip_prefix("http://").ok_or("expected http://HOST:PORT")?;
        let authority = authority.trim_end_matches('/');
        if authority.contains('/') || !authority.contains(':') {
            return Err("expected http://HOST:PORT".to_owned());
        }
        Ok(Self { authority: authority.to_owned() })
    }
}

/// One client, with a connection to each process. Requests alternate between the processes.
pub struct Client {
    targets: Vec<Target>,
    connections: Vec<Option<http1::SendRequest<Full<Bytes>>>>,
    turn: usize,
}

impl Client {
    /// `turn`: the index of the process to start with.
    pub fn new(targets: &[Target], turn: usize) -> Self {
        Self { targets: targets.to_vec(), connections: targets.iter().map(|_| None).collect(), turn }
    }

    /// Executes an operation and returns the value of its root field.
    ///
    /// # Errors
    /// The request failed, or the response contains an error or a refusal.
    pub async fn ask(&mut self, document: &Document, input: Value, from: Ipv4Addr) -> Result<Value, LoadError> {
        let body = json!({"query": document.text, "variables": {"input": input}}).to_string();
        let asked = tokio::time::timeout(TIMEOUT, self.post(body, from)).await;
        let mut response: Value = asked.map_err(|_| LoadError::new("timed_out"))??;
        match LoadError::in_response(&response, document.field) {
            Some(error) => Err(error),
            None => Ok(response["data"][document.field].take()),
        }
    }

    async fn post(&mut self, body: String, from: Ipv4Addr) -> Result<Value, LoadError> {
        self.turn = (self.turn + 1) % self.targets.len();
        let turn = self.turn;
        let authority = self.targets[turn].authority.clone();
        let request = Request::post("/graphql")
            .header(header::HOST, &authority)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/graphql-response+json")
            .header(header::USER_AGENT, "load")
            .header("x-forwarded-for", from.to_string())
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| LoadError::new("not_a_request"))?;
        let mut connection = match self.connections[turn].take() {
            Some(kept) if !kept.is_closed() => kept,
            _ => connect(&authority).await?,
        };
        connection.ready().await.map_err(|_| LoadError::new("disconnected"))?;
        let response = connection.send_request(request).await.map_err(|_| LoadError::new("disconnected"))?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|_| LoadError::new("cut_off"))?.to_bytes();
        self.connections[turn] = Some(connection);
        serde_json::from_slice(&body).map_err(|_| LoadError::new(format!("status_{}", status.as_u16())))
    }
}

async fn connect(authority: &str) -> Result<http1::SendRequest<Full<Bytes>>, LoadError> {
    let stream = TcpStream::connect(authority).await.map_err(|_| LoadError::new("not_connected"))?;
    let _ = stream.set_nodelay(true);
    let (sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|_| LoadError::new("not_connected"))?;
    tokio::spawn(connection);
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_accepts_only_plain_http_origins() {
        assert_eq!(Target::parse("http://127.0.0.1:8000/").unwrap().authority, "127.0.0.1:8000");
        for wrong in ["127.0.0.1:8000", "https://a:1", "http://a:1/graphql", "http://a"] {
            assert!(Target::parse(wrong).is_err(), "{wrong}");
        }
    }
}
