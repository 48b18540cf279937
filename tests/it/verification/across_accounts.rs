//! Guessing across accounts, and quotas by mailbox and by network.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Account, ApiClient, Setup, TestApp, different_code as wrong};

const PHONE: &str = "+821022223333";
const EMAIL: &str = "hong@example.com";

async fn send(client: &ApiClient, purpose: &str, email: &str) -> Value {
    client.send_code(json!({ "purpose": purpose, "to": { "email": email } })).await
}

/// ASVS 6.5.5: a code that gives access to an account is valid for ten minutes at most, even by e-mail.
#[tokio::test]
async fn account_access_codes_by_email_expire_after_ten_minutes() {
    let app = Setup::new().await.with("RESEND_COOLDOWN", "0s").start().await;
    app.insert_accounts([Account::with_phone(PHONE).and_email(EMAIL)]).await;
    let owner = app.client_for(&app.signed_up("kim", "+821099990000").await);
    let (hour, ten_minutes) = ("2026-03-02T04:00:00.000Z", "2026-03-02T03:10:00.000Z");
    for (purpose, email, expires_at) in [
        ("CONTACT", "one@example.com", hour),
        ("SIGN_UP", "two@example.com", hour),
        ("SIGN_IN", EMAIL, ten_minutes),
        ("SIGN_IN", "nobody@example.com", ten_minutes),
        ("PASSWORD_RESET", EMAIL, ten_minutes),
        ("EMAIL_CHANGE", "new@example.com", ten_minutes),
    ] {
        let sent = send(&owner, purpose, email).await;
        assert_eq!(sent["verification"]["expiresAt"], expires_at, "{purpose}: {sent:#}");
    }
    let id = send(&owner, "SIGN_IN", EMAIL).await["verification"]["id"].clone();
    let code = app.messages_to(EMAIL, 3).await[0]["code"].as_str().unwrap().to_owned();
    app.advance(Duration::from_secs(600));
    assert_eq!(owner.confirm(&id, &code).await["verification"]["status"], "EXPIRED");
    app.stop().await;
}

/// The default limit is ten guesses per contact and day.
#[tokio::test]
async fn contact_allows_ten_guesses_per_day() {
    let app = Setup::new().await.with("RESEND_COOLDOWN", "0s").start().await;
    let visitor = app.anonymous();
    let mut responses = Vec::new();
    for n in 1..4 {
        let id = visitor.send_code_to(PHONE).await["id"].clone();
        let code = app.messages_to(PHONE, n).await[0]["code"].as_str().unwrap().to_owned();
        for _ in 0..5 {
            responses.push(visitor.confirm(&id, &wrong(&code)).await["__typename"].take());
        }
    }
    assert!(responses[..10].iter().all(|response| response == "CodeMismatch"), "{responses:?}");
    assert!(responses[10..].iter().all(|response| response == "QuotaExceeded"), "{responses:?}");
    app.stop().await;
}

/// The holder of a /48 has 65,536 networks of /64, each of which counts as one client.
#[tokio::test]
async fn ipv6_site_has_a_multiple_of_the_quota_of_one_network() {
    let setup = Setup::new().await.with("CLIENT_SENDS_PER_MINUTE", "2").with("IPV6_SITE_FACTOR", "2");
    let app = setup.with("PUMPING_MIN_SENDS", "unlimited").start().await;
    let send = async |address: &str, n: u32| {
        let input = json!({ "purpose": "CONTACT", "to": { "phone": format!("010-3000-{n:04}") } });
        app.client_at(address).send_code(input).await
    };
    for n in 0..4 {
        let sent = send(&format!("2001:db8:7:{n:x}::1"), n).await;
        assert_eq!(sent["__typename"], "SendVerificationCodePayload", "{sent:#}");
    }
    let refused = send("2001:db8:7:ffff::1", 4).await;
    assert_eq!((&refused["quota"], &refused["retryAfterSeconds"]), (&json!("CLIENT_ADDRESS"), &json!(15)));
    assert_eq!(send("2001:db8:8::1", 5).await["__typename"], "SendVerificationCodePayload");
    // Two processes count a site together if they share a Redis, and separately otherwise.
    let other = app.another_process().await;
    let input = json!({ "purpose": "CONTACT", "to": { "phone": "010-3000-0006" } });
    let there = other.client_at("2001:db8:7:fffe::1").send_code(input).await;
    let shared = app.vars().contains_key("REDIS_URL");
    assert_eq!(there["__typename"] == "QuotaExceeded", shared, "{there:#}");
    other.stop().await;
    app.stop().await;
}

/// Codes by e-mail have their own limits, which do not affect phones.
#[tokio::test]
async fn codes_by_email_have_their_own_limits() {
    let setup = Setup::new().await.with("CLIENT_EMAIL_SENDS_PER_MINUTE", "2");
    let app = setup.with("SERVICE_HOURLY_EMAIL_SENDS", "3").start().await;
    let (one, other) = (app.client_at("198.51.100.1"), app.client_at("198.51.100.2"));
    for n in 0..2 {
        let sent = send(&one, "CONTACT", &format!("a{n}@example.com")).await;
        assert_eq!(sent["__typename"], "SendVerificationCodePayload", "{sent:#}");
    }
    assert_eq!(send(&one, "CONTACT", "a2@example.com").await["quota"], "CLIENT_ADDRESS");
    assert_eq!(send(&other, "CONTACT", "a3@example.com").await["__typename"], "SendVerificationCodePayload");
    let refused = send(&other, "CONTACT", "a4@example.com").await;
    assert_eq!((&refused["quota"], &refused["retryAfterSeconds"]), (&json!("SERVICE"), &json!(1200)));
    one.send_code_to(PHONE).await;
    app.stop().await;
}

/// For quotas a mailbox is one contact, whatever its tag; for accounts each tagged address is a contact of its own.
#[tokio::test]
async fn tags_and_dots_count_as_the_same_mailbox() {
    let setup = Setup::new().await.with("RESEND_COOLDOWN", "0s").with("CONTACT_DAILY_SENDS", "3");
    let app = setup.with("CLIENT_SENDS_PER_MINUTE", "unlimited").start().await;
    let visitor = app.anonymous();
    for (n, email) in ["hong@example.com", "hong+a@example.com", "Hong+b@example.com"].into_iter().enumerate() {
        let sent = send(&visitor, "CONTACT", email).await;
        assert_eq!(sent["verification"]["sendsRemaining"], 2 - n, "{sent:#}");
    }
    for email in ["hong+c@example.com", "hong@example.com"] {
        assert_eq!(send(&visitor, "CONTACT", email).await["quota"], "CONTACT_DAILY", "{email}");
    }
    for email in ["h.ong@example.com", "ho.ng@gmail.com", "hong+x@googlemail.com", "h.o.n.g@gmail.com"] {
        assert_eq!(send(&visitor, "CONTACT", email).await["__typename"], "SendVerificationCodePayload", "{email}");
    }
    assert_eq!(send(&visitor, "CONTACT", "hong@gmail.com").await["quota"], "CONTACT_DAILY");
    // Cooldown and guesses are also counted by mailbox. The message goes to the address that was entered.
    assert_eq!(app.messages_to("Hong+b@example.com", 1).await.len(), 1);
    app.stop().await;
}

/// A tagged address belongs to one account, and its resends are counted with the mailbox.
#[tokio::test]
async fn resend_to_tagged_address_counts_for_its_mailbox() {
    let app = TestApp::start().await;
    let visitor = app.anonymous();
    let id = send(&visitor, "CONTACT", "hong+a@example.com").await["verification"]["id"].clone();
    assert_eq!(send(&visitor, "CONTACT", "hong+b@example.com").await["quota"], "RESEND_COOLDOWN");
    app.advance(Duration::from_secs(60));
    assert_eq!(visitor.resend(&id).await["__typename"], "SendVerificationCodePayload");
    assert_eq!(send(&visitor, "CONTACT", "hong@example.com").await["quota"], "RESEND_COOLDOWN");
    let code = app.messages_to("hong+a@example.com", 2).await[0]["code"].as_str().unwrap().to_owned();
    assert_eq!(visitor.confirm(&id, &code).await["__typename"], "ConfirmVerificationCodePayload");
    app.stop().await;
}

/// Many wrong codes across the service raise an alarm, which rejects no request. Right codes clear it.
#[tokio::test]
async fn wrong_codes_across_accounts_raise_an_alarm() {
    let setup = Setup::new().await.with("GUESSING_MIN_GUESSES", "6").with("PUMPING_MIN_SENDS", "unlimited");
    let app = setup.with("CLIENT_GUESSES_PER_MINUTE", "unlimited").start().await;
    let alarms = async || app.column("SELECT act FROM audit WHERE act LIKE 'guessing %' ORDER BY id").await;
    let mut open = Vec::new();
    for n in 0..6 {
        let (phone, client) = (format!("+82103000{n:04}"), app.client_at(&format!("203.0.113.{n}")));
        let id = client.send_code_to(&phone).await["id"].clone();
        let code = app.code_sent_to(&phone).await;
        assert!(alarms().await.is_empty());
        assert_eq!(client.confirm(&id, &wrong(&code)).await["__typename"], "CodeMismatch");
        open.push((id, code));
    }
    assert_eq!(alarms().await, ["guessing suspected"]);
    let visitor = app.anonymous();
    for (id, code) in &open {
        assert_eq!(visitor.confirm(id, code).await["__typename"], "ConfirmVerificationCodePayload");
    }
    assert_eq!(alarms().await, ["guessing suspected", "guessing over"]);
    app.stop().await;
}

/// With `SIGN_IN_BY_EMAIL_CODE` off, the rejection depends only on the request.
#[tokio::test]
async fn sign_in_by_email_code_can_be_disabled() {
    let setup = Setup::new().await.with("RESEND_COOLDOWN", "0s");
    let on = setup.start().await;
    let off = on.another_process_with(&[("SIGN_IN_BY_EMAIL_CODE", Some("off"))]).await;
    on.insert_accounts([Account::with_phone(PHONE).and_email(EMAIL)]).await;
    let (visitor, before) = (off.anonymous(), on.row_count("verification").await);
    let mut refusals = Vec::new();
    for email in [EMAIL, "nobody@example.com"] {
        let refused = send(&visitor, "SIGN_IN", email).await;
        let field = &refused["fields"][0];
        assert_eq!((&field["path"], &field["reason"]), (&json!("to.email"), &json!("sign_in_by_email_off")));
        refusals.push(refused);
    }
    assert_eq!(refusals[0], refusals[1]);
    assert_eq!(on.row_count("verification").await, before);
    // A code for a phone is not sent by e-mail either, whether the contact is known or not.
    for phone in [PHONE, "+821066660000"] {
        let sent = visitor.send_code(json!({ "purpose": "SIGN_IN", "to": { "phone": phone } })).await;
        let resent = visitor.resend_via(&sent["verification"]["id"], "EMAIL").await;
        assert_eq!(resent["fields"][0]["reason"], "wrong_channel", "{resent:#}");
    }
    // A verification that another process admitted does not sign in here; other purposes are unaffected.
    let proof = on.proof(&on.anonymous(), "SIGN_IN", EMAIL).await;
    assert_eq!(visitor.sign_in_with_proof(&proof).await["reason"], "WRONG_PURPOSE");
    assert_eq!(on.anonymous().sign_in_with_proof(&proof).await["__typename"], "SignInPayload");
    assert_eq!(send(&visitor, "PASSWORD_RESET", EMAIL).await["__typename"], "SendVerificationCodePayload");
    off.stop().await;
    on.stop().await;
}
