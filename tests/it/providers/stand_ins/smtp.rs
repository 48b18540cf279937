//! SMTP servers by aiosmtpd, with TLS and a password.

use std::{fs, path::Path, sync::Arc};

use domain::channel::Channel;
use providers::{Outcome, Provider};

use super::super::support::{deferred, email, misconfigured, provider, recipient, sender, stand_in};

struct Servers {
    starttls: String,
    implicit: String,
    ca: String,
    mail: String,
}

fn servers() -> Option<Servers> {
    let variable = |name: &str| stand_in(&format!("COUNTERSIGN_TEST_SMTP{name}"), "SMTP by aiosmtpd");
    Some(Servers {
        starttls: variable("")?,
        implicit: variable("_IMPLICIT")?,
        ca: variable("_CA")?,
        mail: variable("_MAIL")?,
    })
}

fn smtp(port: &str, more: &[(&str, &str)]) -> Arc<dyn Provider> {
    let mut vars = vec![
        ("EMAIL_PROVIDER", "smtp"),
        ("SMTP_HOST", "localhost"),
        ("SMTP_PORT", port),
        ("SMTP_USERNAME", "user"),
        ("SMTP_PASSWORD", "secret"),
        ("SMTP_FROM", "예시 <no-reply@sign.example.com>"),
    ];
    vars.extend_from_slice(more);
    provider(Channel::Email, &vars)
}

/// The stored message to `to`.
fn mail(folder: &str, to: &str) -> String {
    let files = fs::read_dir(Path::new(folder).join("new")).unwrap().map(|file| file.unwrap().path());
    let texts = files.map(|file| fs::read_to_string(file).unwrap());
    let mut found: Vec<_> = texts.filter(|text| text.contains(&format!("X-RcptTo: {to}"))).collect();
    assert_eq!(found.len(), 1, "one message for {to}");
    found.remove(0)
}

#[tokio::test]
async fn email_is_sent_by_starttls_and_by_implicit_tls() {
    let Some(servers) = servers() else { return };
    let ca = ("SMTP_CA_FILE", servers.ca.as_str());
    for (port, tls) in [(&servers.starttls, "starttls"), (&servers.implicit, "implicit")] {
        let to = format!("{tls}@example.com");
        let smtp = smtp(port, &[ca, ("SMTP_TLS", tls)]);
        for _ in 0..2 {
            // Twice, so that the second message reuses the connection of the first.
            let outcome = smtp.send(&email(&to)).await;
            assert!(matches!(outcome, Outcome::Accepted { .. }), "{tls}: {outcome:?}");
            let text = mail(&servers.mail, &to);
            assert!(text.contains("Subject: =?utf-8?b?"), "{text}");
            assert!(text.contains("X-MailFrom: no-reply@sign.example.com"), "{text}");
            for file in fs::read_dir(Path::new(&servers.mail).join("new")).unwrap() {
                let file = file.unwrap().path();
                if fs::read_to_string(&file).unwrap().contains(&to) {
                    fs::remove_file(file).unwrap();
                }
            }
        }
    }
}

/// Postfix, a widely used mail server.
#[tokio::test]
async fn postfix_accepts_our_email_and_rejections_are_classified() {
    let Some(port) = stand_in("COUNTERSIGN_TEST_POSTFIX", "Postfix") else { return };
    let inbox = stand_in("COUNTERSIGN_TEST_POSTFIX_MAIL", "Postfix").unwrap();
    let ca = stand_in("COUNTERSIGN_TEST_SMTP_CA", "Postfix").unwrap();
    let vars = [
        ("EMAIL_PROVIDER", "smtp"),
        ("SMTP_HOST", "localhost"),
        ("SMTP_PORT", port.as_str()),
        ("SMTP_FROM", "예시 <no-reply@sign.example.com>"),
        ("SMTP_CA_FILE", ca.as_str()),
    ];
    let smtp = provider(Channel::Email, &vars);
    assert_eq!(smtp.send(&email("nobody@example.com")).await, recipient("550 5.1.1"));
    assert_eq!(smtp.send(&email("somebody@elsewhere.example")).await, sender("554 5.7.1"));
    let to = "postfix@example.com";
    let outcome = smtp.send(&email(to)).await;
    let Outcome::Accepted { provider_message_id: Some(id) } = outcome else { panic!("{outcome:?}") };
    let delivered = || {
        let files = fs::read_dir(Path::new(&inbox).join("new")).into_iter().flatten();
        files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).find(|text| text.contains(to))
    };
    let text = tokio::time::timeout(std::time::Duration::from_secs(20), async {
        loop {
            if let Some(text) = delivered() {
                return text;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    });
    let text = text.await.unwrap();
    for line in
        ["Return-Path: <no-reply@sign.example.com>", &format!("Message-ID: {id}"), "Auto-Submitted: auto-generated"]
    {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    // The message as a mail client decodes it: a line with a single dot, and Korean text.
    let encoded = text.split("text/plain").nth(1).unwrap();
    assert!(encoded.contains("Content-Transfer-Encoding: base64"), "{text}");
}

#[tokio::test]
async fn rejections_have_their_classes() {
    let Some(servers) = servers() else { return };
    let ca = ("SMTP_CA_FILE", servers.ca.as_str());
    let good = smtp(&servers.starttls, &[ca]);
    let table = [
        ("nobody@example.com", recipient("550 5.1.1")),
        ("full@example.com", deferred("452 4.2.2")),
        ("relay@example.com", sender("554 5.7.1")),
        ("spam@example.com", sender("554 5.7.1")),
    ];
    for (to, expected) in table {
        assert_eq!(good.send(&email(to)).await, expected, "{to}");
    }
    let wrong_password = smtp(&servers.starttls, &[ca, ("SMTP_PASSWORD", "wrong")]);
    assert_eq!(wrong_password.send(&email("a@example.com")).await, misconfigured("535 5.7.8"));
    let no_password = provider(
        Channel::Email,
        &[
            ("EMAIL_PROVIDER", "smtp"),
            ("SMTP_HOST", "localhost"),
            ("SMTP_PORT", &servers.starttls),
            ("SMTP_FROM", "a@sign.example.com"),
            ca,
        ],
    );
    assert_eq!(no_password.send(&email("a@example.com")).await, misconfigured("530 5.7.0"));
    // An untrusted certificate, and one for another host name.
    let tls = [smtp(&servers.starttls, &[]), smtp(&servers.implicit, &[("SMTP_TLS", "implicit")])];
    for smtp in tls {
        let outcome = smtp.send(&email("a@example.com")).await;
        assert!(!matches!(outcome, Outcome::Accepted { .. } | Outcome::Unknown), "{outcome:?}");
    }
}
