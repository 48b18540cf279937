//! What concerns one recipient or one country holds up no other message.

use serde_json::json;

use super::{
    carrier::{Act, Carrier},
    setup::{Carried, by, number, phone, shows, taken, takes, twilio_error, twilio_took},
};
use crate::{
    providers::{double::Reply, smtp_double::Server},
    support::Setup,
};

const SID: &str = "SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
/// More than the failures that make a provider rest.
const STRANGERS: usize = 8;

#[tokio::test]
async fn a_country_that_is_not_enabled_stops_no_other_number() {
    for (status, error) in [(400, 21408), (403, 21408), (400, 21608), (403, 99_999)] {
        let good = phone(STRANGERS);
        let twilio = Carrier::start(move |seen| match number(seen) == good {
            true => Act::Say(twilio_took(SID)),
            false => Act::Say(twilio_error(status, error)),
        })
        .await;
        let app = by("twilio").await.twilio(&twilio).start().await;
        let visitor = app.anonymous();
        for stranger in 0..STRANGERS {
            let id = visitor.send_code_to(&phone(stranger)).await["id"].clone();
            shows(&visitor, &id, "FAILED").await;
        }
        // The clock stands still: what rests would not be back.
        let id = visitor.send_code_to(&phone(STRANGERS)).await["id"].clone();
        shows(&visitor, &id, "SENT").await;
        assert_eq!(twilio.asked(), STRANGERS + 1, "{status} {error}");
        app.stop().await;
    }
}

#[tokio::test]
async fn what_one_provider_does_not_carry_there_goes_by_the_next() {
    let twilio = Carrier::start(|_| Act::Say(twilio_error(400, 21408))).await;
    let gateway = Carrier::start(takes).await;
    let app = by("twilio,webhook").await.twilio(&twilio).gateway(&gateway).start().await;
    let visitor = app.anonymous();
    for stranger in 0..STRANGERS {
        let id = visitor.send_code_to(&phone(stranger)).await["id"].clone();
        shows(&visitor, &id, "SENT").await;
    }
    assert_eq!((twilio.asked(), gateway.asked()), (STRANGERS, STRANGERS));
    app.stop().await;
}

/// A provider's limit on one number is not its limit on us.
#[tokio::test]
async fn a_limit_on_one_number_silences_no_other() {
    for error in [60_202, 60_203, 60_212] {
        let limited = phone(0);
        let verify = Carrier::start(move |seen| match number(seen) == limited {
            true => Act::Say(twilio_error(429, error).with("retry-after", "600")),
            false => {
                Act::Say(Reply::json(201, &json!({ "sid": format!("VE{}", "a".repeat(32)), "status": "pending" })))
            }
        })
        .await;
        let app = by("twilio-verify").await.twilio_verify(&verify).start().await;
        let visitor = app.anonymous();
        let id = visitor.send_code_to(&phone(0)).await["id"].clone();
        shows(&visitor, &id, "FAILED").await;
        let id = visitor.send_code_to(&phone(1)).await["id"].clone();
        shows(&visitor, &id, "SENT").await;
        app.stop().await;
    }
}

/// An account's limit on text messages is none on the e-mail that goes by the same provider.
#[tokio::test]
async fn a_throttle_of_text_messages_stops_no_e_mail() {
    let gateway = Carrier::start(|seen| match seen.json()["data"]["channel"] == "sms" {
        true => Act::Say(Reply::text(429, "slow").with("retry-after", "600")),
        false => Act::Say(taken("x")),
    })
    .await;
    let app = by("webhook").await.with("EMAIL_PROVIDER", "webhook").gateway(&gateway).start().await;
    let visitor = app.anonymous();
    visitor.send_code_to(&phone(0)).await;
    gateway.seen_at_least(1).await;
    let sent = visitor.send_code(json!({ "purpose": "CONTACT", "to": { "email": "minji@example.com" } })).await;
    shows(&visitor, &sent["verification"]["id"], "SENT").await;
    app.stop().await;
}

/// Mail by a double, and nothing that limits how much.
async fn by_mail(port: u16) -> Setup {
    by("development")
        .await
        .with("EMAIL_PROVIDER", "smtp")
        .with("SMTP_HOST", "127.0.0.1")
        .with("SMTP_PORT", &port.to_string())
        .with("SMTP_TLS", "none")
        .with("SMTP_FROM", "Example <no-reply@sign.example.com>")
        .with("CLIENT_EMAIL_SENDS_PER_MINUTE", "unlimited")
}

/// Greylisting, domains that are not found, mailboxes that are full, and servers that hang up on a recipient: RFC 5321
/// has them answered at RCPT or after DATA, by a server that is in order.
#[tokio::test]
async fn bad_recipients_stop_no_good_mail() {
    for reply in ["450 4.1.2 Domain not found", "452 4.2.2 full", "530 5.7.0 no", "550 5.4.5 daily limit", "drop"] {
        let (server, port) = Server::start().await;
        server.says_also("RCPT TO:<bad", reply);
        let app = by_mail(port).await.start().await;
        let visitor = app.anonymous();
        let send = async |to: &str| {
            let sent = visitor.send_code(json!({ "purpose": "CONTACT", "to": { "email": to } })).await;
            sent["verification"]["id"].clone()
        };
        for stranger in 0..STRANGERS {
            send(&format!("bad{stranger}@example.com")).await;
        }
        let id = send("good@example.com").await;
        // The clock stands still: what rests would not be back.
        shows(&visitor, &id, "SENT").await;
        assert_eq!(server.took(), ["good@example.com"], "{reply}");
        app.stop().await;
    }
}
