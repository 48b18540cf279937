//! Codes by e-mail.

use std::time::Duration;

use serde_json::json;

use crate::support::{Setup, TestApp};

/// Its own lifetime and code format.
#[tokio::test]
async fn code_by_email_has_its_own_lifetime_and_format() {
    let setup = Setup::new().await.with("EMAIL_CODE_TTL", "30m").with("EMAIL_CODE_FORMAT", "alphanumeric");
    let app = setup.with("RESEND_COOLDOWN", "0s").start().await;
    let client = app.anonymous();
    let sent = client.send_code(json!({ "purpose": "CONTACT", "to": { "email": " Gil.Dong@EXAMPLE.com " } })).await;
    let verification = &sent["verification"];
    assert_eq!(verification["expiresAt"], "2026-03-02T03:30:00.000Z", "{sent:#}");
    assert_eq!((&verification["codeFormat"], &verification["codeLength"]), (&json!("ALPHANUMERIC"), &json!(6)));
    assert_eq!(verification["delivery"]["channel"], "EMAIL");
    let message = app.messages_to("Gil.Dong@example.com", 1).await[0].clone();
    let code = message["code"].as_str().unwrap();
    assert_eq!(code.len(), 6);
    assert!(message["text"].as_str().unwrap().contains(code) && !message["subject"].as_str().unwrap().is_empty());
    app.advance(Duration::from_secs(29 * 60));
    let typed = format!("{}-{}", &code[..3], &code[3..]).to_lowercase();
    let confirmed = client.confirm(&verification["id"], &typed).await;
    assert_eq!(confirmed["__typename"], "ConfirmVerificationCodePayload", "{confirmed:#}");
    // Codes by SMS keep theirs.
    let text = client.send_code_to("010-2222-3333").await;
    assert_eq!((&text["codeFormat"], &text["expiresAt"]), (&json!("NUMERIC"), &json!("2026-03-02T03:34:00.000Z")));
    app.stop().await;
}

/// FZ-04: one mailbox is one contact, however its domain is spelled.
#[tokio::test]
async fn spellings_of_a_domain_are_one_contact() {
    let app = TestApp::start().await;
    let send = async |address: &str| {
        app.anonymous().send_code(json!({ "purpose": "CONTACT", "to": { "email": address } })).await
    };
    assert_eq!(send("hong@xn--bcher-kva.example").await["__typename"], "SendVerificationCodePayload");
    assert_eq!(send("hong@B\u{fc}cher.example").await["quota"], "RESEND_COOLDOWN");
    assert_eq!(send("HONG@bücher.EXAMPLE").await["quota"], "RESEND_COOLDOWN");
    app.stop().await;
}
