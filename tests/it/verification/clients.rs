//! Quotas by client address, and how the client address is determined.

use std::time::Duration;

use serde_json::json;

use crate::support::{ApiClient, Setup, TestApp};

async fn app_with(name: &str, value: &str) -> TestApp {
    Setup::new()
        .await
        .with("CLIENT_SENDS_PER_MINUTE", "3")
        .with("PUMPING_MIN_SENDS", "unlimited")
        .with(name, value)
        .start()
        .await
}

/// Sends a code to a fresh number.
async fn sends(client: &ApiClient, n: u32) -> String {
    let input = json!({ "purpose": "CONTACT", "to": { "phone": format!("010-3000-{n:04}") } });
    client.send_code(input).await["__typename"].as_str().unwrap().to_owned()
}

/// BF-09: each address has its own quota, which refills continuously. BF-02: the rejection has the details.
#[tokio::test]
async fn each_address_has_its_own_quota() {
    let app = app_with("LOG", "info").await;
    let (one, other) = (app.client_at("198.51.100.1"), app.client_at("198.51.100.2"));
    for n in 0..3 {
        assert_eq!(sends(&one, n).await, "SendVerificationCodePayload");
    }
    let input = json!({ "purpose": "CONTACT", "to": { "phone": "010-3000-0009" } });
    let refused = one.send_code(input.clone()).await;
    assert_eq!(refused["__typename"], "QuotaExceeded", "{refused:#}");
    assert_eq!(refused["code"], "QUOTA_EXCEEDED");
    assert_eq!(refused["quota"], "CLIENT_ADDRESS");
    assert_eq!(refused["retryAfterSeconds"], 20);
    assert_eq!(refused["retryAt"], "2026-03-02T03:00:20.000Z");
    assert_eq!(sends(&other, 10).await, "SendVerificationCodePayload");
    app.advance(Duration::from_millis(19_999));
    assert_eq!(one.send_code(input.clone()).await["retryAfterSeconds"], 1);
    app.advance(Duration::from_millis(1));
    assert_eq!(one.send_code(input).await["__typename"], "SendVerificationCodePayload");
    // Rejected requests left no rows.
    assert_eq!(app.row_count("verification").await, 5);
    app.stop().await;
}

/// BF-09: IPv6 is counted by /64, the size of a home network, and an IPv4-mapped IPv6 address counts as the IPv4
/// address.
#[tokio::test]
async fn addresses_of_one_network_share_a_quota() {
    let app = app_with("LOG", "info").await;
    for n in 0..3 {
        let client = app.client_at(&format!("2001:db8:1:2::{n:x}"));
        assert_eq!(sends(&client, n).await, "SendVerificationCodePayload");
    }
    assert_eq!(sends(&app.client_at("2001:db8:1:2:ffff::9"), 3).await, "QuotaExceeded");
    assert_eq!(sends(&app.client_at("2001:db8:1:3::1"), 4).await, "SendVerificationCodePayload");
    for (n, address) in ["::ffff:203.0.113.5", "203.0.113.5", "203.0.113.5"].into_iter().enumerate() {
        assert_eq!(sends(&app.client_at(address), 10 + n as u32).await, "SendVerificationCodePayload");
    }
    assert_eq!(sends(&app.client_at("::ffff:203.0.113.5"), 20).await, "QuotaExceeded");
    app.stop().await;
}

/// BF-08: without a trusted proxy the header is ignored; behind one, only the entry that the proxy added counts.
#[tokio::test]
async fn spoofed_forwarded_header_is_ignored() {
    let app = app_with("TRUSTED_PROXIES", "").await;
    for n in 0..3 {
        assert_eq!(sends(&app.client_at(&format!("203.0.113.{n}")), n).await, "SendVerificationCodePayload");
    }
    assert_eq!(sends(&app.client_at("203.0.113.99"), 3).await, "QuotaExceeded");
    app.stop().await;

    let app = app_with("TRUSTED_PROXIES", "127.0.0.1").await;
    for n in 0..3 {
        let forged = format!("203.0.113.{n}, 198.51.100.7");
        assert_eq!(sends(&app.client_at(&forged), n).await, "SendVerificationCodePayload");
    }
    for (n, forged) in ["203.0.113.77, 198.51.100.7", "198.51.100.7", "unknown, 198.51.100.7"].into_iter().enumerate() {
        assert_eq!(sends(&app.client_at(forged), 10 + n as u32).await, "QuotaExceeded", "{forged}");
    }
    app.stop().await;
}

/// BF-09: guesses are counted by address, for existing and for unknown ids.
#[tokio::test]
async fn guesses_are_counted_by_address() {
    let app = Setup::new().await.with("CLIENT_GUESSES_PER_MINUTE", "4").start().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to("010-3000-7777").await["id"].clone();
    let unknown = json!("ver_00000000000000000000000000");
    for _ in 0..2 {
        assert_eq!(visitor.confirm(&unknown, "000000").await["__typename"], "VerificationNotFound");
        let guessed = visitor.confirm(&id, "000000").await;
        assert_ne!(guessed["__typename"], "QuotaExceeded");
    }
    for id in [&id, &unknown] {
        let refused = visitor.confirm(id, "000000").await;
        assert_eq!((&refused["quota"], &refused["retryAfterSeconds"]), (&json!("CLIENT_ADDRESS"), &json!(15)));
    }
    // Rejected before the code was checked: no attempt was used.
    assert_eq!(visitor.verification(&id).await["attemptsRemaining"], 3);
    app.stop().await;
}

/// BF-10, BF-11: sends of the whole service and to numbers with the same prefix are limited, each with its own quota
/// name.
#[tokio::test]
async fn service_and_destination_prefix_have_quotas() {
    for (name, quota) in [("SERVICE_HOURLY_SENDS", "SERVICE"), ("DESTINATION_HOURLY_SENDS", "DESTINATION_PREFIX")] {
        let app = Setup::new().await.with(name, "2").start().await;
        for n in 0..2 {
            assert_eq!(sends(&app.client_at(&format!("198.51.100.{n}")), n).await, "SendVerificationCodePayload");
        }
        let input = json!({ "purpose": "CONTACT", "to": { "phone": "010-3000-0005" } });
        let refused = app.client_at("198.51.100.9").send_code(input).await;
        assert_eq!((&refused["quota"], &refused["retryAfterSeconds"]), (&json!(quota), &json!(1800)), "{refused:#}");
        app.stop().await;
    }
}

/// BF-11: a prefix with many sends and no confirmations is limited to a trickle; confirmations lift the limit.
#[tokio::test]
async fn sms_pumping_is_throttled_until_codes_are_confirmed() {
    let app = Setup::new().await.with("PUMPING_MIN_SENDS", "4").with("PUMPING_MIN_CONVERSION", "0.2").start().await;
    let client = |n: u32| app.client_at(&format!("203.0.113.{n}"));
    let mut sent = Vec::new();
    for n in 0..5 {
        let phone = format!("010-3000-{n:04}");
        sent.push(client(n).send_code_to(&phone).await["id"].clone());
    }
    let input = |n: u32| json!({ "purpose": "CONTACT", "to": { "phone": format!("010-3000-{n:04}") } });
    let refused = client(10).send_code(input(10)).await;
    assert_eq!(refused["quota"], "DESTINATION_PREFIX", "{refused:#}");
    for (n, id) in sent.iter().enumerate().take(2) {
        let code = app.code_sent_to(&format!("+82103000{n:04}")).await;
        assert_eq!(client(20).confirm(id, &code).await["__typename"], "ConfirmVerificationCodePayload");
    }
    assert_eq!(client(11).send_code(input(11)).await["__typename"], "SendVerificationCodePayload");
    app.stop().await;
}

/// BF-09: every request over a limit gets a response, and the whole flood writes one audit entry.
#[tokio::test]
async fn flood_over_the_limit_writes_one_audit_entry() {
    let app = app_with("CLIENT_GUESSES_PER_MINUTE", "5").await;
    let client = app.client_at("198.51.100.1");
    for n in 0..3 {
        assert_eq!(sends(&client, n).await, "SendVerificationCodePayload");
    }
    let before = app.row_count("audit").await;
    for n in 3..43 {
        assert_eq!(sends(&client, n).await, "QuotaExceeded");
    }
    assert_eq!(app.row_count("audit").await, before + 1);
    // Requests for unknown ids cost as much as a guess.
    let unknown = json!("ver_00000000000000000000000000");
    for _ in 0..3 {
        assert_eq!(client.resend(&unknown).await["__typename"], "VerificationNotFound");
    }
    for _ in 0..2 {
        assert_eq!(client.cancel(&unknown).await["__typename"], "VerificationNotFound");
    }
    let before = app.row_count("audit").await;
    for _ in 0..20 {
        assert_eq!(client.resend(&unknown).await["__typename"], "QuotaExceeded");
        assert_eq!(client.cancel(&unknown).await["__typename"], "VerificationNotFound");
    }
    assert_eq!(app.row_count("audit").await, before + 2, "one for each operation");
    app.advance(Duration::from_secs(60));
    assert_eq!(client.resend(&unknown).await["__typename"], "VerificationNotFound");
    app.stop().await;
}

/// BF-10, BF-11: repeated requests for one contact send one message and do not use up shared quotas.
#[tokio::test]
async fn cooldown_rejections_use_up_no_shared_quota() {
    let app = Setup::new()
        .await
        .with("CLIENT_SENDS_PER_MINUTE", "unlimited")
        .with("SERVICE_HOURLY_SENDS", "4")
        .with("PUMPING_MIN_SENDS", "4")
        .start()
        .await;
    let client = app.anonymous();
    let id = client.send_code_to("010-3000-0000").await["id"].clone();
    let input = json!({ "purpose": "CONTACT", "to": { "phone": "010-3000-0000" } });
    for _ in 0..6 {
        assert_eq!(client.send_code(input.clone()).await["quota"], "RESEND_COOLDOWN");
        assert_eq!(client.resend(&id).await["quota"], "RESEND_COOLDOWN");
    }
    for n in 1..4 {
        assert_eq!(sends(&client, n).await, "SendVerificationCodePayload");
    }
    assert_eq!(sends(&client, 4).await, "QuotaExceeded");
    app.stop().await;
}

/// TR-13: the `Host` and forwarded headers of a request appear in no message, page, cookie or redirect.
#[tokio::test]
async fn forged_host_header_is_not_reflected() {
    let app = app_with("REFRESH_COOKIE", "on").await;
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let forged = |request: reqwest::RequestBuilder| {
        ["host", "x-forwarded-host", "x-host", "x-original-host"]
            .into_iter()
            .fold(request, |request, name| request.header(name, "evil.example"))
            .header("forwarded", "host=evil.example;proto=https")
            .header("referer", "https://evil.example/")
    };
    let mut text = String::new();
    for path in ["", "dev/outbox", ".well-known/jwks.json", "healthz", "nowhere", "graphql"] {
        let response = forged(http.get(format!("{}/{path}", app.url()))).send().await.unwrap();
        text += &format!("{:?}", response.headers());
        text += &response.text().await.unwrap();
    }
    let document =
        "mutation { sendVerificationCode(input: { purpose: SIGN_UP, to: { phone: \"01030000000\" } }) { __typename } }";
    let sent = forged(http.post(format!("{}/graphql", app.url()))).json(&json!({ "query": document })).send().await;
    let sent = sent.unwrap().text().await.unwrap();
    assert!(sent.contains("SendVerificationCodePayload"), "{sent}");
    text += &format!("{:?}", app.messages_to("+821030000000", 1).await);
    assert!(!text.contains("evil.example"), "{text}");
    app.stop().await;
}
