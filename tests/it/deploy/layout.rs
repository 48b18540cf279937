//! The layout of `deploy/compose/`, tested through its proxy.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

use super::compose::{Layout, Visitor, can_start, confirm, outbox, watch};
use crate::{
    process::metrics::{count, scrape},
    support::TEST_TIMEOUT,
};

const SENDERS: usize = 4;
/// The sends of each.
const EACH: usize = 25;

/// A code is sent through the proxy, watched through it at both processes, and confirmed at one and then the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codes_are_watched_through_the_proxy_and_confirmed_at_either_process() {
    if !can_start() {
        return;
    }
    let layout = Layout::start(&[]).await;
    let url = &layout.proxy.url;
    let visitor = layout.proxy.visitor("127.0.0.11");
    for (process, phone) in ["+821022223333", "+821022224444"].into_iter().enumerate() {
        let sent = visitor.send(phone).await;
        let id = sent["verification"]["id"].as_str().unwrap_or_else(|| panic!("{sent:#}"));
        // The proxy gives a stream to the process that has fewer, so each has one of each kind.
        let mut sockets = Vec::new();
        let mut streams = Vec::new();
        for _ in 0..2 {
            let mut socket = watch(url, id).await;
            socket.until(|state| state["status"] == "PENDING").await;
            sockets.push(socket);
        }
        for _ in 0..2 {
            let mut events = visitor.events(id).await;
            assert_eq!(events.answer.headers()["content-type"], "text/event-stream; charset=utf-8");
            events.until("PENDING").await;
            streams.push(events);
        }
        // Only in the first round: when the proxy notices that earlier streams have ended is not defined.
        if process == 0 {
            each_process_has_a_stream_of_each_kind(&layout).await;
        }
        // One outbox, whichever process is asked, and whichever sent the message.
        let code = layout.code(url, phone).await;
        for child in [0, 1].map(|at| layout.child(at)) {
            assert_eq!(layout.code(&child.url, phone).await, code);
        }
        let confirmed = confirm(layout.child(process), id, &code).await;
        assert_eq!(confirmed["__typename"], "ConfirmVerificationCodePayload", "{confirmed:#}");
        for mut socket in sockets {
            assert_eq!(socket.last().await["status"], "VERIFIED");
        }
        for mut events in streams {
            events.until("VERIFIED").await;
            events.until("event: complete").await;
        }
    }
    // The metrics have their own port, which the proxy does not expose.
    for path in ["/metrics", "/metrics/", "//metrics"] {
        let answer = reqwest::get(format!("{url}{path}")).await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
    }
}

async fn each_process_has_a_stream_of_each_kind(layout: &Layout) {
    for config in &layout.plans[..2] {
        let open = |transport| format!("countersign_streams_open{{transport=\"{transport}\"}}");
        let text = scrape(config).await;
        assert_eq!([count(&text, &open("websocket")), count(&text, &open("sse"))], [Some(1), Some(1)], "{text}");
    }
}

/// Quotas and sessions use the client's address, not the proxy's and not a forged one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_address_behind_the_proxy_is_the_clients() {
    if !can_start() {
        return;
    }
    let layout = Layout::start(&[("CLIENT_SENDS_PER_MINUTE", "1")]).await;
    let (one, other) = (layout.proxy.visitor("127.0.0.11"), layout.proxy.visitor("127.0.0.12"));
    let begun = Instant::now();
    assert_eq!(one.send("+821022223333").await["__typename"], "SendVerificationCodePayload");
    let again = one.send("+821022224444").await;
    let in_time = begun.elapsed() < Duration::from_secs(60);
    assert!(!in_time || again["quota"] == "CLIENT_ADDRESS", "{again:#}");
    assert_eq!(other.send("+821022225555").await["__typename"], "SendVerificationCodePayload");

    layout.plans[0].create_user("gildong", "+821022226666");
    let sign_in = "mutation { it: signIn(input: { identifier: \"gildong\", password: \"Quiet-Harbour-71!\" }) \
                   { ... on SignInPayload { tokens { accessToken } } } }";
    for (visitor, address) in [(&one, "127.0.0.11"), (&other, "127.0.0.12")] {
        let tokens = visitor.execute(sign_in, json!({})).await;
        let token = tokens["tokens"]["accessToken"].as_str().unwrap_or_else(|| panic!("{tokens:#}"));
        let query = json!({ "query": "{ me { sessions { nodes { current ipAddress } } } }" });
        let answer: Value = visitor.request(&query).bearer_auth(token).send().await.unwrap().json().await.unwrap();
        let sessions = answer["data"]["me"]["sessions"]["nodes"].as_array().unwrap_or_else(|| panic!("{answer:#}"));
        let current = sessions.iter().find(|session| session["current"] == true).unwrap();
        assert_eq!(current["ipAddress"], address, "{answer:#}");
    }
}

/// One of two processes receives SIGTERM under load: each send is acknowledged, or repeated if its response was lost;
/// each message is sent once, and a watching client continues at the other process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_of_one_process_loses_nothing_behind_the_proxy() {
    if !can_start() {
        return;
    }
    let unlimited = ["CLIENT_SENDS_PER_MINUTE", "DESTINATION_HOURLY_SENDS", "PUMPING_MIN_SENDS"];
    let mut layout = Layout::start(&unlimited.map(|name| (name, "unlimited"))).await;
    let watched = layout.proxy.visitor("127.0.0.20").send("+821022223333").await;
    let id = watched["verification"]["id"].as_str().unwrap().to_owned();
    let code = layout.code(&layout.proxy.url, "+821022223333").await;
    let (opened, mut openings) = unbounded_channel();
    let pages: Vec<_> = (0..4)
        .map(|_| tokio::spawn(watch_until_verified(layout.proxy.url.clone(), id.clone(), opened.clone())))
        .collect();
    for _ in 0..pages.len() {
        openings.recv().await.unwrap();
    }
    let (answered, mut answers) = unbounded_channel();
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let visitor = layout.proxy.visitor(&format!("127.0.0.{}", 21 + sender));
            tokio::spawn(send_all(visitor, phones(sender), answered.clone()))
        })
        .collect();
    for _ in 0..SENDERS * EACH / 4 {
        answers.recv().await.unwrap();
    }
    let stopped = layout.children[0].take().unwrap();
    stopped.signal("TERM");
    for sender in senders {
        sender.await.unwrap();
    }
    assert!(stopped.wait_exit(TEST_TIMEOUT).await.success(), "{}", layout.plans[0].log_text());
    let confirmed = confirm(layout.child(1), &id, &code).await;
    assert_eq!(confirmed["__typename"], "ConfirmVerificationCodePayload", "{confirmed:#}");
    for page in pages {
        tokio::time::timeout(TEST_TIMEOUT, page).await.unwrap().unwrap();
    }
    each_was_sent_once(&layout.proxy.url, &(0..SENDERS).flat_map(phones).collect::<Vec<_>>()).await;
}

fn phones(sender: usize) -> Vec<String> {
    (0..EACH).map(|number| format!("+8210{}{number:06}", 31 + sender)).collect()
}

async fn each_was_sent_once(url: &str, phones: &[String]) {
    let deadline = Instant::now() + TEST_TIMEOUT;
    loop {
        let messages = outbox(url).await;
        let times = |phone: &String| messages.iter().filter(|message| message["to"] == **phone).count();
        let twice: Vec<_> = phones.iter().filter(|phone| times(phone) > 1).collect();
        assert!(twice.is_empty(), "twice: {twice:?}");
        let missing: Vec<_> = phones.iter().filter(|phone| times(phone) == 0).collect();
        if missing.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "{missing:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn send_all(visitor: Visitor, phones: Vec<String>, answered: UnboundedSender<()>) {
    for phone in phones {
        send_with_retry(&visitor, &phone).await;
        answered.send(()).unwrap();
    }
}

/// Sends with an idempotency key, and repeats it while there is no answer, as the README tells clients to.
async fn send_with_retry(visitor: &Visitor, phone: &str) {
    let document = "mutation($phone: String!, $key: String!) { it: sendVerificationCode(input: { purpose: CONTACT, \
                    to: { phone: $phone }, idempotencyKey: $key }) { __typename } }";
    let key = format!("layout-test-key-{}", &phone[1..]);
    let deadline = Instant::now() + TEST_TIMEOUT;
    loop {
        if let Some(answer) = visitor.try_ask(document, json!({ "phone": phone, "key": key })).await {
            assert_eq!(answer["it"]["__typename"], "SendVerificationCodePayload", "{answer:#}");
            return;
        }
        assert!(Instant::now() < deadline, "{phone} is never answered");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Watches over WebSocket, and again where the socket was closed before the end, as clients do.
async fn watch_until_verified(url: String, id: String, opened: UnboundedSender<()>) {
    let deadline = Instant::now() + TEST_TIMEOUT;
    while watch_once(&url, &id, &opened).await.is_none() {
        assert!(Instant::now() < deadline, "no socket shows the end");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// None: the socket was refused or closed before the verification was over.
async fn watch_once(url: &str, id: &str, opened: &UnboundedSender<()>) -> Option<()> {
    let mut request = format!("{}/graphql", url.replace("http://", "ws://")).into_client_request().ok()?;
    request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().ok()?);
    let (mut socket, _) = connect_async(request).await.ok()?;
    let query = format!("subscription {{ verificationStatus(id: \"{id}\") {{ status }} }}");
    let subscribe = json!({ "id": "1", "type": "subscribe", "payload": { "query": query } });
    for message in [json!({ "type": "connection_init" }), subscribe] {
        socket.send(Message::text(message.to_string())).await.ok()?;
    }
    loop {
        match socket.next().await?.ok()? {
            Message::Text(text) if text.contains("VERIFIED") => return Some(()),
            Message::Text(text) if text.contains("PENDING") => drop(opened.send(())),
            Message::Close(_) => return None,
            _ => {}
        }
    }
}
