//! A client's side of GraphQL over HTTP: connections that are kept alive, and one request at a time on each.

use std::{net::Ipv4Addr, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::trouble::Trouble;

/// Longer than the server lets anything take.
const PATIENCE: Duration = Duration::from_secs(15);

/// A document and the root field whose answer counts.
pub struct Document {
    pub field: &'static str,
    pub text: &'static str,
}

/// Where a process listens.
#[derive(Clone, Debug)]
pub struct Target {
    /// Host and port.
    pub authority: String,
}

impl Target {
    /// # Errors
    /// What is wrong with the URL.
    pub fn parse(url: &str) -> Result<Self, String> {
        let authority = url.strip_prefix("http://").ok_or("http://HOST:PORT is driven, and nothing else")?;
        let authority = authority.trim_end_matches('/');
        if authority.contains('/') || !authority.contains(':') {
            return Err("http://HOST:PORT is driven, and nothing else".to_owned());
        }
        Ok(Self { authority: authority.to_owned() })
    }
}

/// One client: a connection to each process, asked in turn, so that an operation of several requests meets several.
pub struct Wire {
    targets: Vec<Target>,
    connections: Vec<Option<http1::SendRequest<Full<Bytes>>>>,
    turn: usize,
}

impl Wire {
    /// Begins with the process of `turn`.
    pub fn new(targets: &[Target], turn: usize) -> Self {
        Self { targets: targets.to_vec(), connections: targets.iter().map(|_| None).collect(), turn }
    }

    /// Runs an operation; the answer is that of its root field.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn ask(&mut self, document: &Document, input: Value, from: Ipv4Addr) -> Result<Value, Trouble> {
        let body = json!({"query": document.text, "variables": {"input": input}}).to_string();
        let asked = tokio::time::timeout(PATIENCE, self.post(body, from)).await;
        let mut response: Value = asked.map_err(|_| Trouble::new("timed_out"))??;
        match Trouble::in_response(&response, document.field) {
            Some(trouble) => Err(trouble),
            None => Ok(response["data"][document.field].take()),
        }
    }

    async fn post(&mut self, body: String, from: Ipv4Addr) -> Result<Value, Trouble> {
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
            .map_err(|_| Trouble::new("not_a_request"))?;
        let mut connection = match self.connections[turn].take() {
            Some(kept) if !kept.is_closed() => kept,
            _ => connect(&authority).await?,
        };
        connection.ready().await.map_err(|_| Trouble::new("disconnected"))?;
        let response = connection.send_request(request).await.map_err(|_| Trouble::new("disconnected"))?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|_| Trouble::new("cut_off"))?.to_bytes();
        self.connections[turn] = Some(connection);
        serde_json::from_slice(&body).map_err(|_| Trouble::new(format!("status_{}", status.as_u16())))
    }
}

async fn connect(authority: &str) -> Result<http1::SendRequest<Full<Bytes>>, Trouble> {
    let stream = TcpStream::connect(authority).await.map_err(|_| Trouble::new("not_connected"))?;
    let _ = stream.set_nodelay(true);
    let (sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|_| Trouble::new("not_connected"))?;
    tokio::spawn(connection);
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_addresses_are_driven() {
        assert_eq!(Target::parse("http://127.0.0.1:8000/").unwrap().authority, "127.0.0.1:8000");
        for wrong in ["127.0.0.1:8000", "https://a:1", "http://a:1/graphql", "http://a"] {
            assert!(Target::parse(wrong).is_err(), "{wrong}");
        }
    }
}
