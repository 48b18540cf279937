//! HTTP clients for the wire tests: one for well-formed requests, and raw bytes for malformed ones.

use std::{net::SocketAddr, time::Duration};

use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use super::server::TestServer;

/// The longest wait for any condition. It only guards against hanging.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(60);

pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The code of the first error.
    pub fn code(&self) -> String {
        self.json()["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl TestServer {
    /// Posts JSON as a web page does.
    pub async fn post(&self, body: Value) -> Reply {
        self.send(Method::POST, "/graphql", &[("content-type", "application/json")], body.to_string()).await
    }

    /// The same with `Accept: application/graphql-response+json`.
    pub async fn post_strict(&self, body: Value) -> Reply {
        let headers = [("content-type", "application/json"), ("accept", "application/graphql-response+json")];
        self.send(Method::POST, "/graphql", &headers, body.to_string()).await
    }

    pub async fn query(&self, text: impl AsRef<str>) -> Reply {
        self.post(json!({"query": text.as_ref()})).await
    }

    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.send(Method::GET, path, headers, String::new()).await
    }

    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: String) -> Reply {
        // Proxy settings of the machine must not affect the tests.
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = headers
            .iter()
            .fold(client.request(method, self.url(path)), |request, (name, value)| request.header(*name, *value));
        let response = request.body(body).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Reply { status, headers, text: response.text().await.unwrap() }
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Connects from another client address: on Linux all of 127.0.0.0/8 is local.
    pub async fn connect_from(&self, address: &str) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(address.parse().unwrap(), 0)).unwrap();
        socket.connect(self.address).await.unwrap()
    }

    /// Writes these bytes and reads until the server closes the connection.
    pub async fn raw(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        // The server may respond and close before everything is written.
        let _ = stream.write_all(bytes.as_ref()).await;
        read_all(&mut stream).await
    }

    /// Waits until `condition` holds; panics after the timeout.
    pub async fn eventually(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let poll = async {
            while !condition(self) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let came = tokio::time::timeout(TEST_TIMEOUT, poll).await;
        assert!(came.is_ok(), "never: {what}");
    }
}

/// Reads until the end or the reset of the stream.
pub async fn read_all(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(TEST_TIMEOUT, stream.read_to_end(&mut bytes)).await;
    assert!(read.is_ok(), "the server did not close; it sent {:?}", String::from_utf8_lossy(&bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads until `mark` has been received.
pub async fn read_until(stream: &mut TcpStream, mark: &str) -> String {
    let mut bytes = Vec::new();
    let reading = async {
        while !String::from_utf8_lossy(&bytes).contains(mark) {
            if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                break;
            }
        }
    };
    let read = tokio::time::timeout(TEST_TIMEOUT, reading).await;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert!(read.is_ok() && text.contains(mark), "no {mark:?} in {text:?}");
    text
}
