//! SMTP against a server that says what it is told to, line by line.

use std::sync::Arc;

use countersign::{
    config::Secret,
    delivery::provider::{Channel, Outcome, Outgoing, Provider},
};
use tokio::net::TcpListener;

use super::{
    smtp_double::Server,
    support::{
        TIMEOUT, accepted, content, deferred, destination, email, misconfigured, provider, recipient, refusals, sender,
        unavailable,
    },
};

fn smtp(port: u16) -> Arc<dyn Provider> {
    smtp_with(port, &[("SMTP_USERNAME", "user"), ("SMTP_PASSWORD", "pass")])
}

fn smtp_with(port: u16, more: &[(&str, &str)]) -> Arc<dyn Provider> {
    let port = port.to_string();
    let mut vars = vec![
        ("EMAIL_PROVIDER", "smtp"),
        ("SMTP_HOST", "127.0.0.1"),
        ("SMTP_PORT", &port),
        ("SMTP_TLS", "none"),
        ("SMTP_TIMEOUT", "2s"),
        ("SMTP_FROM", "예시 <no-reply@sign.example.com>"),
    ];
    vars.extend_from_slice(more);
    provider(Channel::Email, &vars)
}

#[tokio::test]
async fn a_message_is_accepted_under_its_own_id() {
    let (server, port) = Server::start().await;
    let message = email("hong@example.com");
    let id = format!("<{}@sign.example.com>", message.id.as_str());
    assert_eq!(smtp(port).send(&message).await, accepted(&id));
    let heard = server.heard();
    for line in [
        "EHLO sign.example.com",
        "AUTH PLAIN AHVzZXIAcGFzcw==",
        "MAIL FROM:<no-reply@sign.example.com>",
        "RCPT TO:<hong@example.com>",
        "To: hong@example.com",
        "Auto-Submitted: auto-generated",
        &format!("Message-ID: {id}"),
    ] {
        assert!(heard.contains(line), "{line} in\n{heard}");
    }
    assert!(heard.contains("multipart/alternative") && heard.is_ascii(), "{heard}");
}

#[tokio::test]
async fn a_connection_is_used_again_and_also_after_a_refusal() {
    let (server, port) = Server::start().await;
    let smtp = smtp(port);
    for _ in 0..2 {
        assert!(matches!(smtp.send(&email("a@example.com")).await, Outcome::Accepted { .. }));
    }
    server.says("RCPT", "550 5.1.1 nobody here");
    assert_eq!(smtp.send(&email("b@example.com")).await, recipient("550 5.1.1"));
    server.says("", "");
    assert!(matches!(smtp.send(&email("c@example.com")).await, Outcome::Accepted { .. }));
    assert_eq!(server.connections(), 1);
    // One that no longer answers is left for a new one.
    server.says("NOOP", "drop");
    assert!(matches!(smtp.send(&email("d@example.com")).await, Outcome::Accepted { .. }));
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn every_refusal_is_of_the_class_of_its_step() {
    let (server, port) = Server::start().await;
    let table = [
        ("CONNECT", "421 4.3.2 not now", unavailable("421 4.3.2")),
        ("CONNECT", "554 5.7.1 not you", misconfigured("554 5.7.1")),
        ("EHLO", "250 double", misconfigured("no_auth_mechanism")),
        ("AUTH", "535 5.7.8 wrong", misconfigured("535 5.7.8")),
        ("AUTH", "454 4.7.0 later", unavailable("454 4.7.0")),
        ("MAIL", "530 5.7.0 who are you", misconfigured("530 5.7.0")),
        ("MAIL", "550 5.7.1 not from there", sender("550 5.7.1")),
        ("MAIL", "553 5.1.8 no such domain", sender("553 5.1.8")),
        ("MAIL", "451 4.3.0 later", unavailable("451 4.3.0")),
        ("MAIL", "552 5.3.4 too big", content("552 5.3.4")),
        ("RCPT", "550 no", recipient("550")),
        ("RCPT", "551 5.1.6 moved", recipient("551 5.1.6")),
        ("RCPT", "552 5.2.2 full", recipient("552 5.2.2")),
        ("RCPT", "553 5.1.3 what", recipient("553 5.1.3")),
        ("RCPT", "550 5.1.1 nobody", recipient("550 5.1.1")),
        ("RCPT", "554 5.7.1 relay access denied", sender("554 5.7.1")),
        ("RCPT", "550 5.1.7 from whom", sender("550 5.1.7")),
        ("RCPT", "553 5.1.8 no such domain of yours", sender("553 5.1.8")),
        ("RCPT", "550 5.4.5 daily limit", sender("550 5.4.5")),
        ("RCPT", "530 5.7.0 who are you", sender("530 5.7.0")),
        // Not now, to this recipient.
        ("RCPT", "450 4.1.2 no such domain", deferred("450 4.1.2")),
        ("RCPT", "450 4.2.0 greylisted", deferred("450 4.2.0")),
        ("RCPT", "452 4.2.2 full", deferred("452 4.2.2")),
        ("DATA", "554 5.5.1 no", content("554 5.5.1")),
        ("DATA", "451 4.3.0 later", deferred("451 4.3.0")),
        ("END", "552 5.3.4 too big", content("552 5.3.4")),
        ("END", "550 5.1.1 nobody", recipient("550 5.1.1")),
        ("END", "452 4.3.1 disk", deferred("452 4.3.1")),
        // The account's limits and reputation.
        ("END", "554 5.7.1 spam", sender("554 5.7.1")),
        ("END", "550 5.4.5 daily sending quota exceeded", sender("550 5.4.5")),
        ("END", "554 Message rejected: Email address is not verified.", sender("554")),
        // The server itself, at whatever step.
        ("RCPT", "421 4.3.2 going down", unavailable("421 4.3.2")),
        ("END", "421 4.3.2 going down", unavailable("421 4.3.2")),
        // Broken off before and after the message was written.
        ("CONNECT", "drop", unavailable("not_reached")),
        ("MAIL", "drop", unavailable("not_reached")),
        ("RCPT", "drop", deferred("broken_off")),
        ("DATA", "drop", deferred("broken_off")),
        ("END", "drop", Outcome::Stalled),
    ];
    for (step, reply, expected) in table {
        server.says(step, reply);
        assert_eq!(smtp(port).send(&email("hong@example.com")).await, expected, "{step}: {reply}");
    }
}

#[tokio::test]
async fn a_server_that_is_gone_or_dumb_has_sent_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    // Connected, by the system's queue alone, and never greeted.
    assert_eq!(smtp(port).send(&email("hong@example.com")).await, unavailable("not_reached"));
    drop(listener);
    assert_eq!(smtp(port).send(&email("hong@example.com")).await, unavailable("not_reached"));
}

/// RFC 5321, section 4.5.3.2: minutes, not the seconds of an API.
#[tokio::test]
async fn a_mail_server_has_a_time_of_its_own_for_every_answer() {
    for step in ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "END"] {
        let (server, port) = Server::start().await;
        let smtp = smtp_with(port, &[("SMTP_TIMEOUT", "60s")]);
        server.waits(step, TIMEOUT + std::time::Duration::from_millis(200));
        assert!(matches!(smtp.send(&email("hong@example.com")).await, Outcome::Accepted { .. }), "{step}");
    }
}

/// What the mail server sees of a sender is ASCII, whatever an operator wrote.
#[tokio::test]
async fn a_sender_s_domain_goes_as_ascii() {
    let (server, port) = Server::start().await;
    let smtp = smtp_with(port, &[("SMTP_FROM", "한국 <no-reply@한국.kr>")]);
    let message = email("hong@example.com");
    let id = format!("<{}@xn--3e0b707e.kr>", message.id.as_str());
    assert_eq!(smtp.send(&message).await, accepted(&id));
    let heard = server.heard();
    for line in ["EHLO xn--3e0b707e.kr", "MAIL FROM:<no-reply@xn--3e0b707e.kr>"] {
        assert!(heard.contains(line), "{line} in\n{heard}");
    }
    assert!(heard.is_ascii(), "{heard}");
}

#[test]
fn a_sender_that_no_server_would_take_is_refused_with_what_to_do() {
    let refused = |from: &str| {
        let vars = [("EMAIL_PROVIDER", "smtp"), ("SMTP_HOST", "mail.example.com"), ("SMTP_FROM", from)];
        let mut found = refusals(&vars).into_iter().filter(|refusal| refusal.to_string().contains("SMTP_FROM"));
        found.next().map(|refusal| refusal.to_string())
    };
    for quoted in ["(주)회사 <a@example.com>", "Müller, Söhne <a@example.com>", "A@B <a@example.com>"] {
        assert!(refused(quoted).is_some_and(|why| why.contains("double quotes")), "{quoted}: {:?}", refused(quoted));
    }
    assert!(refused("홍 <홍@example.com>").is_some_and(|why| why.contains("ASCII")));
    assert!(refused("nobody").is_some());
    for good in [
        "\"(주)회사\" <a@example.com>",
        "\"Müller, Söhne\" <a@example.com>",
        "Example Inc. <a@example.com>",
        "a@한국.kr",
    ] {
        assert_eq!(refused(good), None, "{good}");
    }
}

#[tokio::test]
async fn without_the_offer_of_starttls_nothing_is_said() {
    let (server, port) = Server::start().await;
    let more = [("SMTP_TLS", "starttls"), ("SMTP_USERNAME", "user"), ("SMTP_PASSWORD", "pass")];
    assert_eq!(smtp_with(port, &more).send(&email("hong@example.com")).await, misconfigured("no_starttls"));
    let heard = server.heard();
    assert!(!heard.contains("AUTH") && !heard.contains("MAIL"), "{heard}");
}

/// Values can't add a header or a recipient.
#[tokio::test]
async fn dl_06_values_become_no_headers() {
    let (server, port) = Server::start().await;
    let subject = "hello\r\nBcc: victim@example.com\r\n\r\nbody\0";
    let message = Outgoing {
        subject: Some(subject.to_owned()),
        text: Secret::new("one\r\n.\r\nMAIL FROM:<x@example.com>\r\nend"),
        html: None,
        ..email("hong@example.com")
    };
    assert!(matches!(smtp(port).send(&message).await, Outcome::Accepted { .. }));
    let heard = server.heard();
    assert!(!heard.lines().any(|line| line.starts_with("Bcc:")), "{heard}");
    assert_eq!(heard.lines().filter(|line| line.starts_with("RCPT")).count(), 1, "{heard}");
    assert_eq!(heard.lines().filter(|line| *line == ".").count(), 1, "{heard}");
}

#[tokio::test]
async fn an_address_beyond_ascii_needs_a_server_that_takes_it() {
    let (server, port) = Server::start().await;
    let message = email("홍길동@example.com");
    assert_eq!(smtp_with(port, &[]).send(&message).await, destination("no_smtputf8"));
    server.says("EHLO", "250-double\r\n250-8BITMIME\r\n250 SMTPUTF8");
    assert!(matches!(smtp_with(port, &[]).send(&message).await, Outcome::Accepted { .. }));
    assert!(server.heard().contains("MAIL FROM:<no-reply@sign.example.com> SMTPUTF8"));
}
