//! Purposes are separate: a code or a proof of one is not valid for another (CL-05).

use serde_json::json;

use crate::support::{Account, TestApp};

const PHONE: &str = "+821022223333";

#[tokio::test]
async fn proof_of_one_purpose_is_rejected_for_another() {
    let app = TestApp::start().await;
    app.insert_accounts([Account::with_phone(PHONE)]).await;
    let client = app.anonymous();
    for (n, (purpose, phone)) in
        [("CONTACT", PHONE), ("SIGN_UP", "+821022224444"), ("SIGN_IN", PHONE)].into_iter().enumerate()
    {
        let id = client.send_code(json!({ "purpose": purpose, "to": { "phone": phone } })).await["verification"]["id"]
            .clone();
        let count = if n == 2 { 2 } else { 1 };
        let code = app.messages_to(phone, count).await[0]["code"].as_str().unwrap().to_owned();
        let confirmed = client.confirm(&id, &code).await;
        assert_eq!(confirmed["proof"]["purpose"], purpose, "{confirmed:#}");
        let refused = client.reset_password(&confirmed["proof"]["token"], "Quiet-Harbour-71!").await;
        assert_eq!((&refused["__typename"], &refused["reason"]), (&json!("ProofRejected"), &json!("WRONG_PURPOSE")));
        app.advance(std::time::Duration::from_secs(60));
    }
    app.stop().await;
}

/// A contact change requires a session.
#[tokio::test]
async fn contact_change_requires_a_session() {
    let app = TestApp::start().await;
    for (purpose, to) in
        [("PHONE_CHANGE", json!({ "phone": PHONE })), ("EMAIL_CHANGE", json!({ "email": "a@example.com" }))]
    {
        let document =
            "mutation($input: SendVerificationCodeInput!) { sendVerificationCode(input: $input) { __typename } }";
        let response = app.anonymous().execute(document, json!({ "input": { "purpose": purpose, "to": to } })).await;
        assert_eq!(response["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{response:#}");
    }
    assert_eq!(app.row_count("verification").await, 0);
    app.stop().await;
}

/// A change of phone requires a phone contact, and a change of e-mail an e-mail contact.
#[tokio::test]
async fn phone_change_requires_a_phone_contact() {
    let app = TestApp::start().await;
    for (purpose, to, path, reason) in [
        ("PHONE_CHANGE", json!({ "email": "a@example.com" }), "to.email", "phone_wanted"),
        ("EMAIL_CHANGE", json!({ "phone": PHONE }), "to.phone", "email_wanted"),
    ] {
        let refused = app.anonymous().send_code(json!({ "purpose": purpose, "to": to })).await;
        assert_eq!((&refused["fields"][0]["path"], &refused["fields"][0]["reason"]), (&json!(path), &json!(reason)));
    }
    app.stop().await;
}
