//! The development outbox shows every code: who may read it, and that no page of a stranger's is among them.

use reqwest::{Method, header};
use serde_json::json;

use crate::support::{Setup, TestApp};

const PATHS: [&str; 2] = ["/dev/outbox", "/dev/outbox/events"];

/// The status and the text of an answer (of a stream: none).
async fn get(app: &TestApp, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let request = app.http().get(format!("{}{path}", app.url())).header("accept", "application/json");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let answer = request.send().await.unwrap();
    let stream = answer.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
    (answer.status().as_u16(), if stream { String::new() } else { answer.text().await.unwrap() })
}

/// DNS rebinding: a stranger's name server points a name of theirs at this machine, and a page from there asks.
#[tokio::test]
async fn the_outbox_answers_under_no_foreign_host() {
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
            let (status, said) = get(&app, path, &[("host", foreign)]).await;
            assert!(status == 421 && said.contains("PUBLIC_URL"), "{path} {foreign}: {status} {said}");
            assert!(!said.contains("+82"), "{said}");
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn the_outbox_answers_this_machine_alone() {
    let app = TestApp::start().await;
    for path in PATHS {
        // As a trusted proxy says it.
        for remote in ["198.51.100.7", "192.168.0.5", "2001:db8::1"] {
            let (status, said) = get(&app, path, &[("x-forwarded-for", remote)]).await;
            assert!(status == 403 && said.contains("OUTBOX_ACCESS=all"), "{path} {remote}: {status} {said}");
        }
        assert_eq!(get(&app, path, &[("x-forwarded-for", "127.0.0.1")]).await.0, 200);
        assert_eq!(get(&app, path, &[]).await.0, 200);
    }
    app.stop().await;
}

/// In a container the browser is another machine. A stranger's name is still none of ours.
#[tokio::test]
async fn the_outbox_is_opened_to_other_machines_by_its_setting() {
    let app = Setup::new().await.with("OUTBOX_ACCESS", "all").with("PUBLIC_URL", "http://localhost:8080").start().await;
    for path in PATHS {
        for host in ["localhost:8080", "192.168.0.5:8080"] {
            assert_eq!(get(&app, path, &[("x-forwarded-for", "172.29.1.1"), ("host", host)]).await.0, 200, "{host}");
        }
        assert_eq!(get(&app, path, &[("host", "evil.example")]).await.0, 421);
    }
    app.stop().await;
}

/// What else such a page could do: ask the API as a page of its own origin. It reads no code there, opens no stream, and
/// sends nothing.
#[tokio::test]
async fn a_rebound_page_can_not_use_a_service_in_development() {
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
        let answer = send(rebound.0, rebound.1, accept, query).await.unwrap();
        assert_eq!(answer.status(), 421, "{query}");
        assert!(answer.text().await.unwrap().contains("PUBLIC_URL"));
    }
    assert_eq!(app.rows("verification").await, 0, "nothing was sent");
    for (host, origin) in [("localhost:8000", "http://localhost:8000"), ("192.168.0.5", "http://192.168.0.5")] {
        assert_eq!(send(host, origin, "application/json", "{ me { id } }").await.unwrap().status(), 200, "{host}");
    }
    // Another origin reads no answer (CORS), and brings no cookie.
    let other = send("localhost:8000", "http://evil.example", "application/json", "{ me { id } }").await.unwrap();
    assert!(other.headers().get("access-control-allow-origin").is_none());
    app.stop().await;

    let app = Setup::new().await.with("PUBLIC_URL", "http://app.test:8000").start().await;
    let request = app.http().post(format!("{}/graphql", app.url())).header("host", "app.test:8000");
    let request = request.header("origin", "http://app.test:8000").json(&json!({ "query": "{ me { id } }" }));
    assert_eq!(request.send().await.unwrap().status(), 200);
    app.stop().await;
}
