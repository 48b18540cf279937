//! Which origins may read responses, and which may open streams.

use reqwest::Method;
use serde_json::json;

use super::server::TestServer;

const LISTED: &str = "https://app.example.com";
const FOREIGN: [&str; 6] = [
    "null",
    "https://evil.example",
    "https://app.example.com.evil.example",
    "https://evilapp.example.com",
    "http://app.example.com",
    "https://app.example.com:444",
];

#[tokio::test]
async fn tr_07_only_exactly_listed_origins_get_cors_headers() {
    let server = TestServer::with(&[("CORS_ORIGINS", LISTED)]).await;
    let preflight = |origin| {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "content-type,authorization"),
        ];
        let server = &server;
        async move { server.send(Method::OPTIONS, "/graphql", &headers, String::new()).await }
    };
    let reply = preflight(LISTED).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("access-control-allow-origin"), LISTED);
    assert_eq!(reply.header("access-control-allow-credentials"), "true");
    assert_eq!(reply.header("access-control-allow-headers"), "content-type,authorization");
    let reply = server.get("/graphql?query=%7Bhello%7D", &[("origin", LISTED)]).await;
    assert_eq!(reply.header("access-control-allow-origin"), LISTED);
    assert!(reply.header("vary").contains("origin"));
    for origin in FOREIGN {
        assert_eq!(preflight(origin).await.header("access-control-allow-origin"), "", "{origin}");
        let reply = server.get("/graphql?query=%7Bhello%7D", &[("origin", origin)]).await;
        assert_eq!(reply.header("access-control-allow-origin"), "", "{origin}");
    }
}

#[tokio::test]
async fn tr_07_no_origin_gets_cors_headers_without_a_list() {
    let server = TestServer::with(&[]).await;
    let reply = server.get("/graphql?query=%7Bhello%7D", &[("origin", LISTED)]).await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, ""));
}

#[tokio::test]
async fn sb_06_foreign_origins_cannot_open_streams() {
    let server = TestServer::with(&[("CORS_ORIGINS", LISTED), ("PUBLIC_URL", "https://id.example.com")]).await;
    let body = || json!({"query": "subscription {count(to: 1)}"}).to_string();
    let open = async |origin: &str| {
        let mut statuses = Vec::new();
        for protocol in ["graphql-transport-ws", "graphql-ws"] {
            statuses.push(server.handshake(protocol, &[("origin", origin)]).await.err().unwrap_or(101));
        }
        for accept in ["text/event-stream", "multipart/mixed;subscriptionSpec=1.0"] {
            let headers = [("content-type", "application/json"), ("accept", accept), ("origin", origin)];
            statuses.push(server.send(Method::POST, "/graphql", &headers, body()).await.status);
        }
        statuses
    };
    for origin in FOREIGN {
        assert_eq!(open(origin).await, [403; 4], "{origin}");
    }
    for origin in [LISTED, "https://id.example.com"] {
        assert_eq!(open(origin).await, [101, 101, 200, 200], "{origin}");
    }
    assert!(server.handshake("graphql-transport-ws", &[]).await.is_ok());
}

#[tokio::test]
async fn sb_06_same_origin_can_open_streams_without_configuration() {
    let server = TestServer::with(&[]).await;
    let own = format!("http://{}", server.address);
    assert!(server.handshake("graphql-transport-ws", &[("origin", &own)]).await.is_ok());
    assert_eq!(server.handshake("graphql-transport-ws", &[("origin", "http://127.0.0.1:1")]).await.err(), Some(403));
}

#[tokio::test]
async fn tr_07_app_origins_with_custom_schemes_are_accepted() {
    let apps = ["capacitor://localhost", "chrome-extension://abcdefghijklmnop", "exp://192.168.1.7:8081"];
    let server = TestServer::with(&[("CORS_ORIGINS", &apps.join(","))]).await;
    for app in apps {
        let reply = server.get("/graphql?query=%7Bhello%7D", &[("origin", app)]).await;
        assert_eq!(reply.header("access-control-allow-origin"), app);
        assert!(server.handshake("graphql-transport-ws", &[("origin", app)]).await.is_ok(), "{app}");
    }
    for other in ["capacitor://localhost2", "ionic://localhost", "http://localhost", "CAPACITOR://localhost", "null"] {
        let reply = server.get("/graphql?query=%7Bhello%7D", &[("origin", other)]).await;
        assert_eq!(reply.header("access-control-allow-origin"), "", "{other}");
        assert_eq!(server.handshake("graphql-transport-ws", &[("origin", other)]).await.err(), Some(403), "{other}");
    }
}
