use std::time::Duration;

use axum::{
    body::Body,
    http::{Request, Response, header::CONTENT_TYPE},
};
use chrono::DateTime;
use futures_util::StreamExt;
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::*;
use domain::{
    channel::Channel,
    contact::{Contact, ContactKind},
    ids::DeliveryId,
    locale::Locale,
};
use platform::{
    clock::{Clock, Entropy},
    config::Secret,
};
use providers::{Outgoing, Provider, Receipts, development::Development};

struct Fixture {
    provider: Development,
    router: Router,
    outbox: DevOutbox,
    _folder: tempfile::TempDir,
}

fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let outbox = DevOutbox::open(folder.path()).unwrap();
    let (clock, _) = Clock::manual(DateTime::UNIX_EPOCH);
    let provider = Development::new(Some(outbox.clone()), clock, Receipts::None);
    Fixture { provider, router: routes(outbox.clone()), outbox, _folder: folder }
}

impl Fixture {
    async fn send(&self, seed: u64, to: &str) {
        let message = Outgoing {
            id: DeliveryId::new(&Entropy::seeded(seed)),
            channel: Channel::Sms,
            to: Contact::from_stored(ContactKind::Phone, to).unwrap(),
            text: Secret::new("[예시] 인증번호 048213"),
            subject: None,
            html: None,
            code: Some(Secret::new("048213")),
            locale: Locale::Ko,
            ttl: Duration::from_secs(300),
        };
        self.provider.send(&message).await;
    }

    async fn get(&self, uri: &str, accept: &str) -> Response<Body> {
        let request = Request::get(uri).header(ACCEPT, accept).body(Body::empty()).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn json(&self, uri: &str) -> serde_json::Value {
        let response = self.get(uri, "application/json").await;
        assert_eq!(response.status(), StatusCode::OK);
        serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
    }
}

#[tokio::test]
async fn json_list_is_newest_first_and_can_be_filtered() {
    let fixture = fixture();
    for (seed, to) in [(1, "+821011112222"), (2, "+821033334444"), (3, "+821011112222")] {
        fixture.send(seed, to).await;
    }
    let all = fixture.json("/dev/outbox").await;
    let fields: Vec<_> = all[0].as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = vec!["id", "createdAt", "channel", "to", "subject", "text", "code"];
    expected.sort_unstable();
    let mut sorted = fields.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    assert_eq!(all[0]["id"], DeliveryId::new(&Entropy::seeded(3)).as_str());
    assert_eq!((all[0]["code"].as_str(), all[0]["channel"].as_str()), (Some("048213"), Some("SMS")));
    assert_eq!(all.as_array().unwrap().len(), 3);
    assert_eq!(fixture.json("/dev/outbox?to=%2B821033334444").await.as_array().unwrap().len(), 1);
    // A plus that was not escaped arrives as a space.
    assert_eq!(fixture.json("/dev/outbox?to=+821011112222&limit=1").await[0]["id"], all[0]["id"]);
    assert_eq!(fixture.get("/dev/outbox?limit=many", "application/json").await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn page_policy_allows_only_its_own_script_and_style() {
    let response = fixture().get("/dev/outbox", "text/html,application/xhtml+xml,*/*;q=0.8").await;
    let header = |name: &str| response.headers().get(name).unwrap().to_str().unwrap().to_owned();
    assert!(header(CONTENT_TYPE.as_str()).starts_with("text/html"));
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("vary"), "accept");
    assert_eq!(header("x-content-type-options"), "nosniff");
    let policy = header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(policy.matches("'sha256-").count(), 2);
    assert!(!policy.contains("unsafe"), "{policy}");
    let page = String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap();
    assert!(!page.contains("/*style*/") && !page.contains("/*script*/"));
    // The policy allows neither style attributes nor event handler attributes.
    assert!(!page.contains(" style=\"") && !page.contains(" onclick="));
}

#[test]
fn json_is_served_if_preferred_to_html() {
    let wants = |accept: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().unwrap());
        wants_json(&headers)
    };
    for accept in ["application/json", "application/json, text/plain, */*", "text/html;q=0.5, APPLICATION/JSON;q=0.9"] {
        assert!(wants(accept), "{accept}");
    }
    for accept in ["*/*", "text/html", "text/html, application/json", "application/json;q=0", "image/png"] {
        assert!(!wants(accept), "{accept}");
    }
}

#[tokio::test]
async fn events_are_sent_at_once_and_for_every_message() {
    let fixture = fixture();
    let response = fixture.get("/dev/outbox/events", "text/event-stream").await;
    assert_eq!(response.headers()[CONTENT_TYPE], "text/event-stream");
    let mut events = response.into_body().into_data_stream();
    let mut next = async || String::from_utf8(events.next().await.unwrap().unwrap().to_vec()).unwrap();
    assert!(next().await.contains("event: changed"));
    fixture.send(1, "+821011112222").await;
    let event = next().await;
    assert!(event.contains("event: changed") && !event.contains("048213"), "{event}");
    fixture.outbox.close();
    assert!(events.next().await.is_none());
}
