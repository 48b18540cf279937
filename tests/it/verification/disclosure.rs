//! Account existence is not disclosed unless the operator enables it.

use serde_json::json;

use crate::support::{Account, Setup, TestApp};

const PHONE: &str = "+821022223333";
const SUSPENDED: &str = "+821022224444";

/// ACCOUNT_DISCLOSURE=explicit: responses name the account state.
#[tokio::test]
async fn explicit_disclosure_names_the_account_state() {
    let app = Setup::new().await.with("ACCOUNT_DISCLOSURE", "explicit").start().await;
    app.insert_accounts([Account::with_phone(PHONE), Account::with_phone(SUSPENDED).suspended()]).await;
    let client = app.anonymous();
    let execute = async |purpose: &str, phone: &str| {
        client.send_code(json!({ "purpose": purpose, "to": { "phone": phone } })).await
    };
    for purpose in ["SIGN_IN", "PASSWORD_RESET"] {
        assert_eq!(execute(purpose, "010-9999-0000").await["__typename"], "IdentityNotFound");
        let suspended = execute(purpose, SUSPENDED).await;
        assert_eq!((&suspended["__typename"], &suspended["status"]), (&json!("AccountNotActive"), &json!("SUSPENDED")));
    }
    let accepted = execute("SIGN_UP", PHONE).await;
    assert_eq!((&accepted["__typename"], &accepted["code"]), (&json!("ContactTaken"), &json!("CONTACT_TAKEN")));
    // A rejection costs the contact no quota: nothing was sent.
    assert_eq!(execute("SIGN_IN", PHONE).await["__typename"], "SendVerificationCodePayload");
    // The delivery receipt is shown, as there is nothing to hide.
    let wrong_name = json!({ "identity": { "name": "임꺽정", "birthDate": "1990-03-14", "phone": PHONE } });
    assert_eq!(client.request_password_reset(wrong_name).await["__typename"], "QuotaExceeded");
    app.advance(std::time::Duration::from_secs(60));
    let wrong_name = json!({ "identity": { "name": "임꺽정", "birthDate": "1990-03-14", "phone": PHONE } });
    assert_eq!(client.request_password_reset(wrong_name).await["__typename"], "IdentityNotFound");
    app.stop().await;
}

/// EN-02: sign-up with a taken contact looks like any other, and the owner is notified; again on resend.
#[tokio::test]
async fn owner_of_a_taken_contact_is_notified_of_sign_up() {
    let app = TestApp::start().await;
    app.insert_accounts([Account::with_phone(PHONE)]).await;
    let client = app.anonymous();
    let sent = client.send_code(json!({ "purpose": "SIGN_UP", "to": { "phone": PHONE } })).await;
    assert_eq!(sent["__typename"], "SendVerificationCodePayload");
    let id = &sent["verification"]["id"];
    let notice = app.messages_to(PHONE, 1).await[0].clone();
    assert_eq!(notice["code"], json!(null));
    assert!(!notice["text"].as_str().unwrap().is_empty());
    for _ in 0..5 {
        assert_eq!(client.confirm(id, "000000").await["__typename"], "CodeMismatch");
    }
    assert_eq!(client.confirm(id, "000000").await["verification"]["status"], "LOCKED");
    app.advance(std::time::Duration::from_secs(60));
    let sent = client.send_code(json!({ "purpose": "SIGN_UP", "to": { "phone": PHONE } })).await;
    // Sent before the clock advances: a message is claimed for a minute only if a process died.
    app.messages_to(PHONE, 2).await;
    app.advance(std::time::Duration::from_secs(60));
    let resent = client.resend(&sent["verification"]["id"]).await;
    assert_eq!(resent["__typename"], "SendVerificationCodePayload");
    let notices = app.messages_to(PHONE, 3).await;
    assert!(notices.iter().all(|message| message["code"].is_null() && message["text"] == notice["text"]));
    app.stop().await;
}

/// A sign-in code for an unknown contact says that there is no account, and only to the owner of the contact: the
/// response, the page and the quotas equal those of a contact with an account.
#[tokio::test]
async fn contact_without_account_is_notified_when_configured() {
    let (phone, address) = ("+821022225555", "nobody@example.com");
    let to_phone = json!({ "purpose": "SIGN_IN", "to": { "phone": phone } });
    let to_address = json!({ "purpose": "PASSWORD_RESET", "to": { "email": address } });
    for (setting, recipients) in [("off", &[][..]), ("email", &[address]), ("all", &[phone, address])] {
        let app = Setup::new().await.with("TELL_UNKNOWN_CONTACTS", setting).start().await;
        app.insert_accounts([Account::with_phone(PHONE), Account::with_phone(SUSPENDED).suspended()]).await;
        let client = app.anonymous();
        // An account that cannot be used is still an account.
        client.send_code(json!({ "purpose": "SIGN_IN", "to": { "phone": SUSPENDED } })).await;
        let mut ids = Vec::new();
        for execute in [&to_phone, &to_address] {
            let sent = client.send_code(execute.clone()).await;
            assert_eq!(sent["__typename"], "SendVerificationCodePayload", "{setting}: {sent:#}");
            let id = sent["verification"]["id"].clone();
            crate::delivery::setup::wait_for_status(&client, &id, "SENT").await;
            assert_eq!(client.confirm(&id, "000000").await["__typename"], "CodeMismatch");
            ids.push(id);
        }
        for to in recipients {
            let message = app.messages_to(to, 1).await.remove(0);
            assert_eq!(message["code"], json!(null));
            assert!(message["text"].as_str().unwrap().contains("There is no account"), "{message}");
        }
        assert_eq!(client.send_code(to_address.clone()).await["__typename"], "QuotaExceeded");
        app.advance(std::time::Duration::from_secs(60));
        for id in &ids {
            assert_eq!(client.resend(id).await["__typename"], "SendVerificationCodePayload");
            crate::delivery::setup::wait_for_status(&client, id, "SENT").await;
        }
        for to in recipients {
            app.messages_to(to, 2).await;
        }
        // The message to the account owner comes after all others.
        client.send_code(json!({ "purpose": "SIGN_IN", "to": { "phone": PHONE } })).await;
        app.messages_to(PHONE, 1).await;
        assert_eq!(app.outbox().await.len(), 2 * recipients.len() + 1, "{setting}");
        app.stop().await;
    }
}
