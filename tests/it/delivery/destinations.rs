//! A failure of one recipient or one country does not delay other messages.

use serde_json::json;

use super::{
    fake_provider::{Action, FakeProvider},
    setup::{
        ProviderSettings, accept_all, accepted, number, phone, twilio_accepted, twilio_error, wait_for_status,
        with_providers,
    },
};
use crate::{
    providers::{double::Reply, smtp_double::Server},
    support::Setup,
};

const SID: &str = "SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
/// More failures than open a provider's circuit breaker.
const RECIPIENTS: usize = 8;

#[tokio::test]
async fn disabled_country_does_not_affect_other_numbers() {
    for (status, error) in [(400, 21408), (403, 21408), (400, 21608), (403, 99_999)] {
        let good = phone(RECIPIENTS);
        let twilio = FakeProvider::start(move |seen| match number(seen) == good {
            true => Action::Respond(twilio_accepted(SID)),
            false => Action::Respond(twilio_error(status, error)),
        })
        .await;
        let app = with_providers("twilio").await.twilio(&twilio).start().await;
        let client = app.anonymous();
        for other_client in 0..RECIPIENTS {
            let id = client.send_code_to(&phone(other_client)).await["id"].clone();
            wait_for_status(&client, &id, "FAILED").await;
        }
        // The clock is stopped: an open circuit breaker would not close.
        let id = client.send_code_to(&phone(RECIPIENTS)).await["id"].clone();
        wait_for_status(&client, &id, "SENT").await;
        assert_eq!(twilio.request_count(), RECIPIENTS + 1, "{status} {error}");
        app.stop().await;
    }
}

#[tokio::test]
async fn unsupported_destination_fails_over_to_the_next_provider() {
    let twilio = FakeProvider::start(|_| Action::Respond(twilio_error(400, 21408))).await;
    let gateway = FakeProvider::start(accept_all).await;
    let app = with_providers("twilio,webhook").await.twilio(&twilio).gateway(&gateway).start().await;
    let client = app.anonymous();
    for other_client in 0..RECIPIENTS {
        let id = client.send_code_to(&phone(other_client)).await["id"].clone();
        wait_for_status(&client, &id, "SENT").await;
    }
    assert_eq!((twilio.request_count(), gateway.request_count()), (RECIPIENTS, RECIPIENTS));
    app.stop().await;
}

/// A provider's limit for one number is not a limit for all messages.
#[tokio::test]
async fn limit_on_one_number_does_not_affect_others() {
    for error in [60_202, 60_203, 60_212] {
        let limited = phone(0);
        let verify = FakeProvider::start(move |seen| match number(seen) == limited {
            true => Action::Respond(twilio_error(429, error).with("retry-after", "600")),
            false => Action::Respond(Reply::json(
                201,
                &json!({ "sid": format!("VE{}", "a".repeat(32)), "status": "pending" }),
            )),
        })
        .await;
        let app = with_providers("twilio-verify").await.twilio_verify(&verify).start().await;
        let client = app.anonymous();
        let id = client.send_code_to(&phone(0)).await["id"].clone();
        wait_for_status(&client, &id, "FAILED").await;
        let id = client.send_code_to(&phone(1)).await["id"].clone();
        wait_for_status(&client, &id, "SENT").await;
        app.stop().await;
    }
}

/// A limit on text messages does not affect e-mail by the same provider.
#[tokio::test]
async fn sms_throttling_does_not_affect_email() {
    let gateway = FakeProvider::start(|seen| match seen.json()["data"]["channel"] == "sms" {
        true => Action::Respond(Reply::text(429, "slow").with("retry-after", "600")),
        false => Action::Respond(accepted("x")),
    })
    .await;
    let app = with_providers("webhook").await.with("EMAIL_PROVIDER", "webhook").gateway(&gateway).start().await;
    let client = app.anonymous();
    client.send_code_to(&phone(0)).await;
    gateway.wait_for_requests(1).await;
    let sent = client.send_code(json!({ "purpose": "CONTACT", "to": { "email": "minji@example.com" } })).await;
    wait_for_status(&client, &sent["verification"]["id"], "SENT").await;
    app.stop().await;
}

/// E-mail by a fake server, without quotas.
async fn setup_with_smtp(port: u16) -> Setup {
    with_providers("development")
        .await
        .with("EMAIL_PROVIDER", "smtp")
        .with("SMTP_HOST", "127.0.0.1")
        .with("SMTP_PORT", &port.to_string())
        .with("SMTP_TLS", "none")
        .with("SMTP_FROM", "Example <no-reply@sign.example.com>")
        .with("CLIENT_EMAIL_SENDS_PER_MINUTE", "unlimited")
}

/// Greylisting, unknown domains, full mailboxes, and servers that close the connection on a recipient: RFC 5321
/// responses at RCPT or after DATA from a server that works.
#[tokio::test]
async fn bad_recipients_do_not_delay_other_email() {
    for reply in ["450 4.1.2 Domain not found", "452 4.2.2 full", "530 5.7.0 no", "550 5.4.5 daily limit", "drop"] {
        let (server, port) = Server::start().await;
        server.add_reply("RCPT TO:<bad", reply);
        let app = setup_with_smtp(port).await.start().await;
        let client = app.anonymous();
        let send = async |to: &str| {
            let sent = client.send_code(json!({ "purpose": "CONTACT", "to": { "email": to } })).await;
            sent["verification"]["id"].clone()
        };
        for other_client in 0..RECIPIENTS {
            send(&format!("bad{other_client}@example.com")).await;
        }
        let id = send("good@example.com").await;
        // The clock is stopped: an open circuit breaker would not close.
        wait_for_status(&client, &id, "SENT").await;
        assert_eq!(server.accepted_recipients(), ["good@example.com"], "{reply}");
        app.stop().await;
    }
}
