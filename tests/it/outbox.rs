//! The development outbox shows every code: which hosts and client addresses may read it, and why a foreign page
//! cannot.

use reqwest::{Method, header};
use serde_json::json;

use crate::support::{Setup, TestApp};

const PATHS: [&str; 2] = ["/dev/outbox", "/dev/outbox/events"];

/// The status and the body of a response (no body for a stream).
async fn get(app: &TestApp, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let request = app.http().get(format!("{}{path}", app.url())).header("accept", "application/json");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let response = request.send().await.unwrap();
    let stream = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
    (response.status().as_u16(), if stream { String::new() } else { response.text().await.unwrap() })
}

/// DNS rebinding: an attacker's name server resolves the attacker's host name to this machine, and a page from
/// there sends requests.
#[tokio::test]
async fn outbox_rejects_foreign_hosts() {
    let app = Setup::new().await.with("PUBLIC_URL", "https://id.example.com").start().await;
    app.anonymous().send_code_to("010-2222-3333").await;
    app.messages_to("+821022223333", 1).await;
    for path in PATHS {
        for ours in ["localhost:8000", "LOCALHOST", "app.localhost", "127.0.0.1", "[::1]:8000", "id.example.com"] {
            assert_eq!(get(&app, path, &[("host", ours)]).await.0, 200, "{path} {ours}");
        }
        for foreign in [
            "evil.example",
            "evil.example:8000",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "id.example.com.evil.example",
            "192.168.0.5:8000",
            "0.0.0.0:8000",
        ] {
            let (status, body) = get(&app, path, &[("host", foreign)]).await;
            assert!(status == 421 && body.contains("PUBLIC_URL"), "{path} {foreign}: {status} {body}");
            assert!(!body.contains("+82"), "{body}");
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn outbox_accepts_only_local_clients() {
    let app = TestApp::start().await;
    for path in PATHS {
        // The address that a trusted proxy reports.
        for remote in ["198.51.100.7", "192.168.0.5", "2001:db8::1"] {
            let (status, body) = get(&app, path, &[("x-forwarded-for", remote)]).await;
            assert!(status == 403 && body.contains("OUTBOX_ACCESS=all"), "{path} {remote}: {status} {body}");
        }
        assert_eq!(get(&app, path, &[("x-forwarded-for", "127.0.0.1")]).await.0, 200);
        assert_eq!(get(&app, path, &[]).await.0, 200);
    }
    app.stop().await;
}

/// In a container the browser runs on another machine. A foreign host name is still rejected.
#[tokio::test]
async fn outbox_accepts_remote_clients_when_configured() {
    let app = Setup::new().await.with("OUTBOX_ACCESS", "all").with("PUBLIC_URL", "http://localhost:8080").start().await;
    for path in PATHS {
        for host in ["localhost:8080", "192.168.0.5:8080"] {
            assert_eq!(get(&app, path, &[("x-forwarded-for", "172.29.1.1"), ("host", host)]).await.0, 200, "{host}");
        }
        assert_eq!(get(&app, path, &[("host", "evil.example")]).await.0, 421);
    }
    app.stop().await;
}

/// A rebound page can also call the API as its own origin. It gets no code, opens no stream and sends nothing.
#[tokio::test]
async fn dns_rebinding_page_cannot_use_a_development_server() {
    let app = TestApp::start().await;
    let graphql = format!("{}/graphql", app.url());
    let send = |host: &'static str, origin: &'static str, accept: &'static str, query: &'static str| {
        let request = app.http().request(Method::POST, &graphql).header("host", host).header("origin", origin);
        request.header("accept", accept).json(&json!({ "query": query })).send()
    };
    let mutation = "mutation { sendVerificationCode(input: { purpose: CONTACT, to: { phone: \"010-2222-3333\" } }) { __typename } }";
    let rebound = ("evil.example:8000", "http://evil.example:8000");
    for (accept, query) in [
        ("application/json", mutation),
        ("application/json", "{ me { id } }"),
        ("text/event-stream", "subscription { verificationStatus(id: \"ver_x\") { status } }"),
    ] {
        let response = send(rebound.0, rebound.1, accept, query).await.unwrap();
        assert_eq!(response.status(), 421, "{query}");
        assert!(response.text().await.unwrap().contains("PUBLIC_URL"));
    }
    assert_eq!(app.row_count("verification").await, 0, "nothing was sent");
    for (host, origin) in [("localhost:8000", "http://localhost:8000"), ("192.168.0.5", "http://192.168.0.5")] {
        assert_eq!(send(host, origin, "application/json", "{ me { id } }").await.unwrap().status(), 200, "{host}");
    }
    // Another origin cannot read the response (CORS) and sends no cookie.
    let other = send("localhost:8000", "http://evil.example", "application/json", "{ me { id } }").await.unwrap();
    assert!(other.headers().get("access-control-allow-origin").is_none());
    app.stop().await;

    let app = Setup::new().await.with("PUBLIC_URL", "http://app.test:8000").start().await;
    let request = app.http().post(format!("{}/graphql", app.url())).header("host", "app.test:8000");
    let request = request.header("origin", "http://app.test:8000").json(&json!({ "query": "{ me { id } }" }));
    assert_eq!(request.send().await.unwrap().status(), 200);
    app.stop().await;
}
