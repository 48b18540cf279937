//! Invalid inputs: every invalid field is reported with its path, a stable reason and a message in the request's
//! language.

use serde_json::{Value, json};

use crate::support::{Setup, TestApp};

async fn refusal(app: &TestApp, input: Value) -> Vec<(String, String)> {
    let refused = app.anonymous().send_code(input.clone()).await;
    assert_eq!(refused["__typename"], "InvalidInput", "{input}: {refused:#}");
    let fields = refused["fields"].as_array().unwrap();
    fields
        .iter()
        .map(|field| {
            assert!(!field["message"].as_str().unwrap().contains("field-"), "{field}");
            (field["path"].as_str().unwrap().to_owned(), field["reason"].as_str().unwrap().to_owned())
        })
        .collect()
}

/// FZ-02, FZ-03: numbers that cannot receive messages are rejected with the reason.
#[tokio::test]
async fn unreachable_phone_number_is_rejected_with_its_reason() {
    let app = TestApp::start().await;
    for (phone, reason) in [
        ("", "empty"),
        ("   ", "empty"),
        ("hello", "not_a_number"),
        ("010-1234-5678 ext 9", "not_a_number"),
        ("010-1234-\u{0}5678", "not_a_number"),
        ("'; DROP TABLE verification; --", "not_a_number"),
        ("010-12", "too_short"),
        ("010-1234-56789012", "too_long"),
        ("02-312-3456", "not_a_mobile_number"),
        ("+82 60 700 1234", "premium_rate"),
        ("+81 90 1234 5678", "region_not_allowed"),
        ("+1 212 555 2368", "region_not_allowed"),
    ] {
        let input = json!({ "purpose": "CONTACT", "to": { "phone": phone } });
        assert_eq!(refusal(&app, input).await, [("to.phone".to_owned(), reason.to_owned())], "{phone:?}");
    }
    assert_eq!(app.row_count("verification").await, 0);
    app.stop().await;
}

#[tokio::test]
async fn invalid_email_address_is_rejected_with_its_reason() {
    let app = TestApp::start().await;
    let long = format!("{}@example.com", "a".repeat(250));
    for (email, reason) in [
        ("", "empty"),
        ("nobody", "not_an_email_address"),
        ("a@b@example.com", "not_an_email_address"),
        ("a\r\nBcc: x@example.com", "invalid_character"),
        ("a\u{0}@example.com", "invalid_character"),
        (&long, "too_long"),
    ] {
        let input = json!({ "purpose": "CONTACT", "to": { "email": email } });
        let refused = refusal(&app, input).await;
        assert_eq!(refused[0].0, "to.email");
        assert_eq!(refused[0].1, reason, "{email:?}");
    }
    app.stop().await;
}

/// All invalid fields are reported at once, in the requested language.
#[tokio::test]
async fn all_invalid_fields_are_reported_in_the_request_language() {
    let app = TestApp::start().await;
    let wrong = json!({ "purpose": "CONTACT", "to": { "phone": "02-312-3456" }, "idempotencyKey": "short" });
    let both = refusal(&app, wrong.clone()).await;
    assert_eq!(both.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["to.phone", "idempotencyKey"]);
    let english = app.anonymous().with_language("en-GB,en;q=0.9").send_code(wrong.clone()).await;
    let korean = app.anonymous().with_language("ko-KR").send_code(wrong.clone()).await;
    let unsupported = app.anonymous().with_language("tlh").send_code(wrong).await;
    let hangul = |text: &Value| text.as_str().unwrap().chars().any(|c| ('가'..='힣').contains(&c));
    for (response, is_korean) in [(english, false), (korean, true), (unsupported, true)] {
        assert_eq!(hangul(&response["message"]), is_korean);
        assert!(response["fields"].as_array().unwrap().iter().all(|field| hangul(&field["message"]) == is_korean));
    }
    let channel = json!({ "purpose": "CONTACT", "to": { "phone": "010-2222-3333" }, "channel": "EMAIL" });
    assert_eq!(refusal(&app, channel).await, [("channel".to_owned(), "wrong_channel".to_owned())]);
    let channel = json!({ "purpose": "CONTACT", "to": { "email": "a@example.com" }, "channel": "SMS" });
    assert_eq!(refusal(&app, channel).await, [("channel".to_owned(), "wrong_channel".to_owned())]);
    app.stop().await;
}

/// The message is in the language of `locale`, else of the request; unsupported languages fall back.
#[tokio::test]
async fn message_is_in_the_recipients_language() {
    let app = TestApp::start().await;
    let hangul = |text: &Value| text.as_str().unwrap().chars().any(|c| ('가'..='힣').contains(&c));
    for (n, (locale, language, korean)) in
        [(Some("ko"), "en", true), (Some("en-US"), "ko", false), (None, "en", false), (Some("x\u{0}"), "ko", true)]
            .into_iter()
            .enumerate()
    {
        let phone = format!("+82102222{n:04}");
        let input = json!({ "purpose": "CONTACT", "to": { "phone": phone }, "locale": locale });
        app.anonymous().with_language(language).send_code(input).await;
        assert_eq!(hangul(&app.messages_to(&phone, 1).await[0]["text"]), korean, "{locale:?} {language}");
    }
    app.stop().await;
}

/// The identity, field by field.
#[tokio::test]
async fn invalid_identity_fields_are_reported_by_path() {
    let app = TestApp::start().await;
    let identity = |name: &str, born: &str, phone: &str| json!({ "identity": { "name": name, "birthDate": born, "phone": phone } });
    let cases = [
        (identity("", "1990-03-14", "010-2222-3333"), vec![("identity.name", "empty")]),
        (identity("evil.com", "1990-03-14", "010-2222-3333"), vec![("identity.name", "looks_like_link")]),
        (identity("길동\u{0}홍", "1990-03-14", "010-2222-3333"), vec![("identity.name", "invalid_character")]),
        (
            identity("홍길동", "1899-12-31", "010-1"),
            vec![("identity.birthDate", "too_early"), ("identity.phone", "too_short")],
        ),
        // 12:00 in Seoul: today is the 2nd of March.
        (identity("홍길동", "2026-03-03", "010-2222-3333"), vec![("identity.birthDate", "in_the_future")]),
    ];
    for (input, expected) in cases {
        let refused = app.anonymous().request_password_reset(input.clone()).await;
        let fields = refused["fields"].as_array().unwrap_or_else(|| panic!("{input}: {refused:#}"));
        let found: Vec<_> =
            fields.iter().map(|field| (field["path"].as_str().unwrap(), field["reason"].as_str().unwrap())).collect();
        assert_eq!(found, expected);
    }
    app.stop().await;
}

/// `message` contains the field's message for clients that show only that. Unsupported languages fall back to
/// `DEFAULT_LOCALE`.
#[tokio::test]
async fn single_invalid_field_is_the_problem_message() {
    let app = Setup::new().await.with("DEFAULT_LOCALE", "en").start().await;
    let input = |to: Value| json!({ "purpose": "CONTACT", "to": to });
    let refused = async |language: &str, input: Value| {
        let fields = "... on InvalidInput { fields { path reason message } }";
        let client = app.anonymous().with_language(language);
        client.mutate("sendVerificationCode", fields, input).await
    };
    for (language, message) in [
        ("en", "This is not an e-mail address."),
        ("ko", "올바른 이메일 주소가 아니에요."),
        ("fr, de;q=0.5", "This is not an e-mail address."),
    ] {
        let response = refused(language, input(json!({ "email": "x" }))).await;
        assert_eq!(response["message"], message, "{language}: {response}");
        assert_eq!(response["fields"][0]["message"], message, "{language}: {response}");
    }
    let mut several = input(json!({ "email": "x" }));
    several["idempotencyKey"] = json!("short");
    let response = refused("en", several).await;
    assert_eq!(response["fields"].as_array().unwrap().len(), 2, "{response}");
    assert_eq!(response["message"], "Please check what you entered.", "{response}");
    app.stop().await;
}
