//! SIGTERM under load: every accepted request gets a response, and every stream ends so that its client reconnects
//! (OP-05).

use std::{
    io::ErrorKind,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

use super::{
    load::{phone, send},
    without_quotas,
};

/// A plain HTTP/1.1 client that checks every byte: it sends requests over keep-alive connections until the server asks
/// it to stop. Returns the number of responses.
async fn send_until_connection_close(
    address: String,
    first: usize,
    answered: Arc<AtomicUsize>,
) -> Result<usize, String> {
    let mut count = 0;
    let mut connection: Option<TcpStream> = None;
    loop {
        let mut stream = match connection.take() {
            Some(stream) => stream,
            None => match TcpStream::connect(&address).await {
                Ok(stream) => stream,
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => return Ok(count),
                Err(error) => return Err(format!("connecting: {error}")),
            },
        };
        let document = "mutation($phone: String!) { sendVerificationCode(input: { purpose: CONTACT, to: { phone: $phone } }) \
                        { __typename } }";
        let body = json!({ "query": document, "variables": { "phone": phone(first + count) } }).to_string();
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).await.map_err(|error| format!("sending: {error}"))?;
        let answer = read_response(&mut stream).await.map_err(|error| format!("response {count}: {error}"))?;
        if !answer.starts_with("HTTP/1.1 200") && !answer.starts_with("HTTP/1.1 503") {
            return Err(answer);
        }
        count += 1;
        answered.fetch_add(1, Ordering::SeqCst);
        if answer.to_ascii_lowercase().contains("connection: close") {
            return Ok(count);
        }
        connection = Some(stream);
    }
}

/// Reads a whole response by its Content-Length.
async fn read_response(stream: &mut TcpStream) -> Result<String, String> {
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.to_ascii_lowercase();
            let length = length.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
            let length: usize = length.and_then(|length| length.trim().parse().ok()).ok_or(head.to_owned())?;
            if body.len() >= length {
                return Ok(text);
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) => return Err("closed without a response".to_owned()),
            Ok(count) => read.extend_from_slice(&buffer[..count]),
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// The close code of a socket with a subscription.
async fn close_code(url: String, id: String) -> Option<u16> {
    let mut request = format!("{}/graphql", url.replace("http://", "ws://")).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
    let (stream, _) = connect_async(request).await.unwrap();
    let (mut writer, mut reader) = stream.split();
    let query = format!("subscription {{ verificationStatus(id: \"{id}\") {{ status }} }}");
    for message in
        [json!({ "type": "connection_init" }), json!({ "id": "1", "type": "subscribe", "payload": { "query": query } })]
    {
        futures_util::SinkExt::send(&mut writer, Message::text(message.to_string())).await.unwrap();
    }
    while let Some(Ok(message)) = reader.next().await {
        if let Message::Close(frame) = message {
            return frame.map(|frame| frame.code.into());
        }
    }
    None
}

/// Reads an event stream to its end; returns its text and whether it broke off.
async fn read_events(http: reqwest::Client, url: String, id: String) -> (String, bool) {
    let query = format!("subscription {{ verificationStatus(id: \"{id}\") {{ status }} }}");
    let request = http.post(format!("{url}/graphql")).header("accept", "text/event-stream");
    let mut answer = request.json(&json!({ "query": query })).send().await.unwrap();
    let mut events = String::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => events.push_str(&String::from_utf8_lossy(&chunk)),
            end => return (events, end.is_err()),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn op_05_no_request_is_reset_and_streams_end_so_that_clients_reconnect() {
    let config = without_quotas().await.with("SOCKETS_PER_ADDRESS", "1000");
    let child = config.serve().await;
    let id = send(&child, &phone(0)).await.id().unwrap();
    let sockets: Vec<_> = (0..20).map(|_| tokio::spawn(close_code(child.url.clone(), id.clone()))).collect();
    let events = tokio::spawn(read_events(child.http.clone(), child.url.clone(), id.clone()));
    let answered = Arc::new(AtomicUsize::new(0));
    let address = config.vars["LISTEN_ADDR"].clone();
    let senders: Vec<_> = (0..16)
        .map(|client| {
            tokio::spawn(send_until_connection_close(address.clone(), 10_000 * (client + 1), Arc::clone(&answered)))
        })
        .collect();
    // Idle connections that send a request while the server stops.
    let mut late = Vec::new();
    for _ in 0..8 {
        late.push(TcpStream::connect(&address).await.unwrap());
    }
    while answered.load(Ordering::SeqCst) < 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    child.signal("TERM");
    tokio::time::sleep(Duration::from_millis(100)).await;
    for mut stream in late {
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let answer = read_response(&mut stream).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("stopping"), "{answer}");
        assert!(answer.to_ascii_lowercase().contains("connection: close"), "{answer}");
    }
    for sender in senders {
        let count = sender.await.unwrap().unwrap_or_else(|error| panic!("a request without a response: {error}"));
        assert!(count > 0);
    }
    for socket in sockets {
        assert_eq!(socket.await.unwrap(), Some(1001), "clients reconnect after 1001");
    }
    // Clients reconnect after a truncated stream; some take a regular end for the end of the operation.
    let (events, broke_off) = events.await.unwrap();
    assert!(events.contains("PENDING") && !events.contains("event: complete") && broke_off, "{events}");
    assert!(child.wait_exit(crate::support::TEST_TIMEOUT).await.success(), "{}", config.log_text());
}
