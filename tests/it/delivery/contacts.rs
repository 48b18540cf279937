//! Contacts as users paste them, over the wire.

use serde_json::{Value, json};

use super::setup::wait_for_status;
use crate::support::{Setup, TestApp};

async fn send_to(app: &TestApp, to: Value) -> Value {
    app.anonymous().send_code(json!({ "purpose": "CONTACT", "to": to })).await
}

#[tokio::test]
async fn copy_and_paste_artifacts_are_stripped_from_contacts() {
    let app = Setup::new().await.with("CLIENT_SENDS_PER_MINUTE", "unlimited").start().await;
    let pasted = [
        (json!({ "phone": "010-1234-5670\n" }), "+821012345670"),
        (json!({ "phone": "\u{FEFF}010-1234-5671" }), "+821012345671"),
        (json!({ "phone": "\u{2060}[010]\u{2003}1234-5672\u{200B}" }), "+821012345672"),
        (json!({ "phone": "“010-1234-5673”" }), "+821012345673"),
        (json!({ "email": "hong＠example.com" }), "hong@example.com"),
        (json!({ "email": "\u{FEFF}gil@example.com\u{2060}\r\n" }), "gil@example.com"),
    ];
    for (typed, to) in pasted {
        let sent = send_to(&app, typed.clone()).await;
        assert_eq!(sent["__typename"], "SendVerificationCodePayload", "{typed}: {sent:#}");
        wait_for_status(&app.anonymous(), &sent["verification"]["id"], "SENT").await;
        app.messages_to(to, 1).await;
    }
    app.stop().await;
}

/// A number formatted by a spreadsheet, and a number with an exit code that is not valid in every country.
#[tokio::test]
async fn ambiguous_phone_number_is_rejected() {
    let app = Setup::new().await.with("ALLOWED_REGIONS", "all").start().await;
    for (phone, reason) in [
        ("+4917648077010.0", "not_a_number"),
        ("+35850126249.0", "not_a_number"),
        ("1012345678．0", "not_a_number"),
        ("1012345678. 0\u{200E}", "not_a_number"),
        ("0082 10 1234 5678", "needs_plus"),
        ("0081 90 1234 5678", "needs_plus"),
    ] {
        let refused = send_to(&app, json!({ "phone": phone })).await;
        assert_eq!(refused["__typename"], "InvalidInput", "{phone}: {refused:#}");
        assert_eq!(refused["fields"][0]["reason"], reason, "{phone}");
        assert!(!refused["fields"][0]["message"].as_str().unwrap().contains("field-"), "{refused:#}");
    }
    assert_eq!(app.row_count("verification").await, 0);
    app.stop().await;
}

#[tokio::test]
async fn new_number_range_is_accepted_when_configured() {
    let new = ["+4915410365743", "+595988100848", "+972558025784"];
    for (setting, accepted) in [("valid", false), ("possible", true)] {
        let app = Setup::new().await.with("ALLOWED_REGIONS", "all").with("PHONE_NUMBERS", setting);
        let app = app.with("CLIENT_SENDS_PER_MINUTE", "unlimited").start().await;
        for phone in new {
            let response = send_to(&app, json!({ "phone": phone })).await;
            let expected = if accepted { "SendVerificationCodePayload" } else { "InvalidInput" };
            assert_eq!(response["__typename"], expected, "{setting}: {response:#}");
        }
        let landline = send_to(&app, json!({ "phone": "02-312-3456" })).await;
        assert_eq!(landline["fields"][0]["reason"], "not_a_mobile_number");
        app.stop().await;
    }
}
