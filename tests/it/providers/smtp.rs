//! SMTP against a scripted server.

use std::sync::Arc;

use domain::channel::Channel;
use platform::config::Secret;
use providers::{Outcome, Outgoing, Provider};
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
async fn message_is_accepted_with_its_own_id() {
    let (server, port) = Server::start().await;
    let message = email("hong@example.com");
    let id = format!("<{}@sign.example.com>", message.id.as_str());
    assert_eq!(smtp(port).send(&message).await, accepted(&id));
    let transcript = server.transcript();
    for line in [
        "EHLO sign.example.com",
        "AUTH PLAIN AHVzZXIAcGFzcw==",
        "MAIL FROM:<no-reply@sign.example.com>",
        "RCPT TO:<hong@example.com>",
        "To: hong@example.com",
        "Auto-Submitted: auto-generated",
        &format!("Message-ID: {id}"),
    ] {
        assert!(transcript.contains(line), "{line} in\n{transcript}");
    }
    assert!(transcript.contains("multipart/alternative") && transcript.is_ascii(), "{transcript}");
}

#[tokio::test]
async fn connection_is_reused_even_after_a_rejection() {
    let (server, port) = Server::start().await;
    let smtp = smtp(port);
    for _ in 0..2 {
        assert!(matches!(smtp.send(&email("a@example.com")).await, Outcome::Accepted { .. }));
    }
    server.set_reply("RCPT", "550 5.1.1 nobody here");
    assert_eq!(smtp.send(&email("b@example.com")).await, recipient("550 5.1.1"));
    server.set_reply("", "");
    assert!(matches!(smtp.send(&email("c@example.com")).await, Outcome::Accepted { .. }));
    assert_eq!(server.connections(), 1);
    // A pooled connection that no longer responds is replaced.
    server.set_reply("NOOP", "drop");
    assert!(matches!(smtp.send(&email("d@example.com")).await, Outcome::Accepted { .. }));
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn every_rejection_has_the_class_of_its_step() {
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
        // Temporary, for this recipient.
        ("RCPT", "450 4.1.2 no such domain", deferred("450 4.1.2")),
        ("RCPT", "450 4.2.0 greylisted", deferred("450 4.2.0")),
        ("RCPT", "452 4.2.2 full", deferred("452 4.2.2")),
        ("DATA", "554 5.5.1 no", content("554 5.5.1")),
        ("DATA", "451 4.3.0 later", deferred("451 4.3.0")),
        ("END", "552 5.3.4 too big", content("552 5.3.4")),
        ("END", "550 5.1.1 nobody", recipient("550 5.1.1")),
        ("END", "452 4.3.1 disk", deferred("452 4.3.1")),
        // Limits and reputation of the account.
        ("END", "554 5.7.1 spam", sender("554 5.7.1")),
        ("END", "550 5.4.5 daily sending quota exceeded", sender("550 5.4.5")),
        ("END", "554 Message rejected: Email address is not verified.", sender("554")),
        // Errors of the server itself at any step.
        ("RCPT", "421 4.3.2 going down", unavailable("421 4.3.2")),
        ("END", "421 4.3.2 going down", unavailable("421 4.3.2")),
        // Closed before and after the message was written.
        ("CONNECT", "drop", unavailable("not_reached")),
        ("MAIL", "drop", unavailable("not_reached")),
        ("RCPT", "drop", deferred("broken_off")),
        ("DATA", "drop", deferred("broken_off")),
        ("END", "drop", Outcome::UnknownForMessage),
    ];
    for (step, reply, expected) in table {
        server.set_reply(step, reply);
        assert_eq!(smtp(port).send(&email("hong@example.com")).await, expected, "{step}: {reply}");
    }
}

#[tokio::test]
async fn unreachable_or_silent_server_means_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    // Connected by the kernel's backlog only, without a greeting.
    assert_eq!(smtp(port).send(&email("hong@example.com")).await, unavailable("not_reached"));
    drop(listener);
    assert_eq!(smtp(port).send(&email("hong@example.com")).await, unavailable("not_reached"));
}

/// RFC 5321, section 4.5.3.2: timeouts of minutes, unlike those of an API.
#[tokio::test]
async fn smtp_has_its_own_response_timeout() {
    for step in ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "END"] {
        let (server, port) = Server::start().await;
        let smtp = smtp_with(port, &[("SMTP_TIMEOUT", "60s")]);
        server.set_delay(step, TIMEOUT + std::time::Duration::from_millis(200));
        assert!(matches!(smtp.send(&email("hong@example.com")).await, Outcome::Accepted { .. }), "{step}");
    }
}

/// The sender's domain is sent as ASCII (IDNA).
#[tokio::test]
async fn sender_domain_is_sent_as_ascii() {
    let (server, port) = Server::start().await;
    let smtp = smtp_with(port, &[("SMTP_FROM", "한국 <no-reply@한국.kr>")]);
    let message = email("hong@example.com");
    let id = format!("<{}@xn--3e0b707e.kr>", message.id.as_str());
    assert_eq!(smtp.send(&message).await, accepted(&id));
    let transcript = server.transcript();
    for line in ["EHLO xn--3e0b707e.kr", "MAIL FROM:<no-reply@xn--3e0b707e.kr>"] {
        assert!(transcript.contains(line), "{line} in\n{transcript}");
    }
    assert!(transcript.is_ascii(), "{transcript}");
}

#[test]
fn invalid_sender_is_rejected_with_a_hint() {
    let refused = |from: &str| {
        let vars = [("EMAIL_PROVIDER", "smtp"), ("SMTP_HOST", "mail.example.com"), ("SMTP_FROM", from)];
        let mut found = refusals(&vars).into_iter().filter(|refusal| refusal.to_string().contains("SMTP_FROM"));
        found.next().map(|refusal| refusal.to_string())
    };
    for quoted in ["(주)회사 <a@example.com>", "Müller, Söhne <a@example.com>", "A@B <a@example.com>"] {
        assert!(
            refused(quoted).is_some_and(|reason| reason.contains("double quotes")),
            "{quoted}: {:?}",
            refused(quoted)
        );
    }
    assert!(refused("홍 <홍@example.com>").is_some_and(|reason| reason.contains("ASCII")));
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
async fn nothing_is_sent_without_starttls() {
    let (server, port) = Server::start().await;
    let more = [("SMTP_TLS", "starttls"), ("SMTP_USERNAME", "user"), ("SMTP_PASSWORD", "pass")];
    assert_eq!(smtp_with(port, &more).send(&email("hong@example.com")).await, misconfigured("no_starttls"));
    let transcript = server.transcript();
    assert!(!transcript.contains("AUTH") && !transcript.contains("MAIL"), "{transcript}");
}

/// Values cannot inject a header or a recipient.
#[tokio::test]
async fn dl_06_values_cannot_inject_headers() {
    let (server, port) = Server::start().await;
    let subject = "hello\r\nBcc: victim@example.com\r\n\r\nbody\0";
    let message = Outgoing {
        subject: Some(subject.to_owned()),
        text: Secret::new("one\r\n.\r\nMAIL FROM:<x@example.com>\r\nend"),
        html: None,
        ..email("hong@example.com")
    };
    assert!(matches!(smtp(port).send(&message).await, Outcome::Accepted { .. }));
    let transcript = server.transcript();
    assert!(!transcript.lines().any(|line| line.starts_with("Bcc:")), "{transcript}");
    assert_eq!(transcript.lines().filter(|line| line.starts_with("RCPT")).count(), 1, "{transcript}");
    assert_eq!(transcript.lines().filter(|line| *line == ".").count(), 1, "{transcript}");
}

#[tokio::test]
async fn non_ascii_address_requires_smtputf8() {
    let (server, port) = Server::start().await;
    let message = email("홍길동@example.com");
    assert_eq!(smtp_with(port, &[]).send(&message).await, destination("no_smtputf8"));
    server.set_reply("EHLO", "250-double\r\n250-8BITMIME\r\n250 SMTPUTF8");
    assert!(matches!(smtp_with(port, &[]).send(&message).await, Outcome::Accepted { .. }));
    assert!(server.transcript().contains("MAIL FROM:<no-reply@sign.example.com> SMTPUTF8"));
}
