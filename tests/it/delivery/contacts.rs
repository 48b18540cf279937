//! Contacts as people paste them, over the wire.

use serde_json::{Value, json};

use super::setup::shows;
use crate::support::{Setup, TestApp};

async fn asked(app: &TestApp, to: Value) -> Value {
    app.anonymous().send_code(json!({ "purpose": "CONTACT", "to": to })).await
}

#[tokio::test]
async fn what_copying_leaves_around_a_contact_is_no_part_of_it() {
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
        let sent = asked(&app, typed.clone()).await;
        assert_eq!(sent["__typename"], "SendVerificationCodePayload", "{typed}: {sent:#}");
        shows(&app.anonymous(), &sent["verification"]["id"], "SENT").await;
        app.messages_to(to, 1).await;
    }
    app.stop().await;
}

/// A spreadsheet's number, and a number dialled through a way out of the country that is not one for all.
#[tokio::test]
async fn a_number_that_would_become_another_person_s_is_refused() {
    let app = Setup::new().await.with("ALLOWED_REGIONS", "all").start().await;
    for (phone, reason) in [
        ("+4917648077010.0", "not_a_number"),
        ("+35850126249.0", "not_a_number"),
        ("1012345678．0", "not_a_number"),
        ("1012345678. 0\u{200E}", "not_a_number"),
        ("0082 10 1234 5678", "needs_plus"),
        ("0081 90 1234 5678", "needs_plus"),
    ] {
        let refused = asked(&app, json!({ "phone": phone })).await;
        assert_eq!(refused["__typename"], "InvalidInput", "{phone}: {refused:#}");
        assert_eq!(refused["fields"][0]["reason"], reason, "{phone}");
        assert!(!refused["fields"][0]["message"].as_str().unwrap().contains("field-"), "{refused:#}");
    }
    assert_eq!(app.row_count("verification").await, 0);
    app.stop().await;
}

#[tokio::test]
async fn a_range_that_is_new_is_taken_where_an_operator_says_so() {
    let new = ["+4915410365743", "+595988100848", "+972558025784"];
    for (setting, taken) in [("valid", false), ("possible", true)] {
        let app = Setup::new().await.with("ALLOWED_REGIONS", "all").with("PHONE_NUMBERS", setting);
        let app = app.with("CLIENT_SENDS_PER_MINUTE", "unlimited").start().await;
        for phone in new {
            let answer = asked(&app, json!({ "phone": phone })).await;
            let expected = if taken { "SendVerificationCodePayload" } else { "InvalidInput" };
            assert_eq!(answer["__typename"], expected, "{setting}: {answer:#}");
        }
        let landline = asked(&app, json!({ "phone": "02-312-3456" })).await;
        assert_eq!(landline["fields"][0]["reason"], "not_a_mobile_number");
        app.stop().await;
    }
}
