//! Naver Cloud SENS.

use std::sync::Arc;

use chrono::DateTime;
use domain::{channel::Channel, status::DeliveryFailure};
use platform::clock::Clock;
use providers::{Outcome, Outgoing, PollResult, Provider, ReceiptStatus};
use serde_json::{Value, json};

use super::{
    double::{Double, Reply},
    support::{
        accepted, code_message, content, destination, misconfigured, phone, provider_at, text_message, throttled,
        unavailable, unavailable_for,
    },
};

const MESSAGES: &str = "/sms/v2/services/ncp:sms:kr:123456789012:example/messages";

fn sens(url: &str, at_millis: i64) -> Arc<dyn Provider> {
    let (clock, _) = Clock::manual(DateTime::from_timestamp_millis(at_millis).unwrap());
    let vars = [
        ("SMS_PROVIDER", "naver-cloud"),
        ("NAVER_CLOUD_ACCESS_KEY", "ACCESSKEYEXAMPLE0001"),
        ("NAVER_CLOUD_SECRET_KEY", "SecretKeyExample0123456789abcdefABCDEF"),
        ("NAVER_CLOUD_SMS_SERVICE_ID", "ncp:sms:kr:123456789012:example"),
        ("NAVER_CLOUD_SMS_FROM_NUMBER", "02-1234-5678"),
        ("NAVER_CLOUD_SENS_BASE_URL", url),
    ];
    provider_at(clock, Channel::Sms, &vars)
}

fn taken() -> Reply {
    let requested = "2026-01-02T12:04:05.678";
    Reply::json(
        202,
        &json!({ "requestId": "VORSSA-req-1", "requestTime": requested, "statusCode": "202", "statusName": "success" }),
    )
}

#[tokio::test]
async fn send_is_signed_like_the_official_sdk() {
    let double = Double::start().await;
    double.then(taken());
    assert_eq!(sens(&double.url(), 1_700_000_000_000).send(&code_message()).await, accepted("VORSSA-req-1"));
    let seen = double.take_one();
    assert_eq!((seen.method.as_str(), seen.line.as_str()), ("POST", MESSAGES));
    assert_eq!(seen.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(seen.header("x-ncp-apigw-timestamp"), "1700000000000");
    assert_eq!(seen.header("x-ncp-iam-access-key"), "ACCESSKEYEXAMPLE0001");
    assert_eq!(seen.header("x-ncp-apigw-signature-v2"), "qfCWQEL7qo5xjqvsyGYVr90mFgamykW+qYOwMU5CzRw=");
    let expected = json!({
        "type": "SMS", "contentType": "COMM", "countryCode": "82", "from": "0212345678",
        "content": "[예시] 인증번호 [123456]를 입력해 주세요.", "messages": [{ "to": "01012345678" }],
    });
    assert_eq!(seen.json(), expected);
}

#[tokio::test]
async fn foreign_number_is_split_into_country_code_and_national_number() {
    let double = Double::start().await;
    double.then(taken());
    let message = Outgoing { to: phone("+447911123456"), ..code_message() };
    assert_eq!(sens(&double.url(), 0).send(&message).await, accepted("VORSSA-req-1"));
    let body = double.take_one().json();
    assert_eq!((&body["countryCode"], &body["messages"][0]["to"]), (&json!("44"), &json!("7911123456")));
}

/// Lengths and characters as CPython's cp949 codec counts them. Texts that SENS would truncate or reject later are not
/// sent.
#[tokio::test]
async fn message_type_depends_on_its_length_in_bytes() {
    let double = Double::start().await;
    let sens = sens(&double.url(), 0);
    let fits = |text: &str| (text.to_owned(), Some("SMS"));
    let long = |text: String| (text, Some("LMS"));
    let unfit = |text: &str| (text.to_owned(), None);
    let table = [
        fits("[예시] 인증번호 123456"),
        fits("[예시서비스] 인증번호 [123456]를 입력해 주세요. 타인에게 알려주지 마세요."),
        fits("[예시] 인증번호 123456\n\n@verify.example.com #123456"),
        fits(&"가".repeat(45)),
        long("가".repeat(45) + "a"),
        fits(&"a".repeat(90)),
        long("a".repeat(91)),
        unfit("됬습니다"),
        unfit("뷁"),
        fits("①㈜♥€"),
        fits("“인증”"),
        unfit("가—나"),
        unfit("가–나"),
        unfit("😀"),
        unfit("한\u{1112}"),
        fits("a\r\nb"),
        unfit("₩1,000"),
        fits("￦1,000"),
        // Decomposed text of a user is composed first.
        fits("\u{1112}\u{1161}\u{11ab}"),
    ];
    for (text, kind) in table {
        double.then(taken());
        let outcome = sens.send(&text_message(&text)).await;
        match kind {
            Some(kind) => {
                assert_eq!(outcome, accepted("VORSSA-req-1"), "{text}");
                assert_eq!(double.take_one().json()["type"], kind, "{text}");
            }
            None => {
                assert_eq!(outcome, Outcome::Unsupported { code: "character_not_in_ks_x_1001" }, "{text}");
                assert!(double.take().is_empty());
            }
        }
    }
    assert_eq!(sens.send(&text_message(&"가".repeat(1001))).await, Outcome::Unsupported { code: "text_too_long" });
}

#[tokio::test]
async fn every_error_code_has_its_class() {
    let double = Double::start().await;
    let sens = sens(&double.url(), 0);
    let gateway = |status, code: Value| {
        let body = json!({ "error": { "errorCode": code, "message": "Permission Denied", "details": "x" } });
        Reply::json(status, &body).with("retry-after", "2")
    };
    let table = [
        (gateway(400, json!("100")), content("100")),
        (gateway(401, json!("200")), misconfigured("200")),
        (gateway(401, json!(210)), misconfigured("210")),
        (gateway(404, json!("300")), misconfigured("300")),
        (gateway(413, json!("430")), content("430")),
        (gateway(429, json!("400")), throttled(Some(2))),
        (gateway(429, json!(410)), throttled(Some(2))),
        (gateway(429, json!("420")), throttled(Some(2))),
        (gateway(503, json!("500")), unavailable_for("500", 2)),
        (gateway(504, json!("510")), Outcome::Unknown),
        (gateway(500, json!("900")), unavailable_for("900", 2)),
        // Errors of SENS itself have another format.
        (
            Reply::json(400, &json!({ "status": 400, "errors": [{ "field": "from" }], "errorMessage": "no" })),
            content("400"),
        ),
        (Reply::json(404, &json!({ "status": 404, "errorMessage": "no such number" })), destination("404")),
        (Reply::text(404, "<html>"), misconfigured("404")),
        (Reply::json(500, &json!({ "status": 500, "errorMessage": "no" })), unavailable("500")),
        // Accepted means 202 both as HTTP status and as `statusCode`.
        (Reply::json(202, &json!({ "requestId": "r", "statusCode": "500", "statusName": "fail" })), Outcome::Unknown),
        (
            Reply::json(200, &json!({ "requestId": "r", "statusCode": "202", "statusName": "success" })),
            Outcome::Unknown,
        ),
    ];
    for (reply, expected) in table {
        double.then(reply.clone());
        assert_eq!(sens.send(&code_message()).await, expected, "{reply:?}");
    }
}

#[tokio::test]
async fn result_is_polled_in_two_signed_requests() {
    let double = Double::start().await;
    let listed = json!({ "statusCode": "202", "messages": [{ "requestId": "VORSSA-req-1", "messageId": "0-ESA-202601-123-0" }] });
    let delivered = json!({ "statusCode": "200", "messages": [{ "messageId": "0-ESA-202601-123-0", "status": "COMPLETED", "statusCode": "0", "statusName": "success" }] });
    double.then(Reply::json(200, &listed)).then(Reply::json(200, &delivered));
    let polled = sens(&double.url(), 1_700_000_000_000).poll("VORSSA-req-1").await;
    assert_eq!(polled, PollResult::Status { status: ReceiptStatus::Delivered, code: None });
    let [list, one] = &double.take()[..] else { panic!("two requests are expected") };
    assert_eq!(list.line, format!("{MESSAGES}?requestId=VORSSA-req-1"));
    assert_eq!(list.header("x-ncp-apigw-signature-v2"), "pUCbOhHXsXSWZo1qUl8BHYBBTINZRrXB+UzNuYeHogs=");
    assert_eq!(one.line, format!("{MESSAGES}/0-ESA-202601-123-0"));

    double.then(Reply::json(200, &listed)).then(Reply::json(200, &delivered));
    sens(&double.url(), 1_767_225_600_123).poll("VORSSA-req-1").await;
    assert_eq!(double.take()[1].header("x-ncp-apigw-signature-v2"), "eqdHN/umpI8oRGIKFRNPRYKhYvZ2Czbuijcybh3m/YQ=");
}

#[tokio::test]
async fn polled_result_has_the_delivery_status() {
    let double = Double::start().await;
    let sens = sens(&double.url(), 0);
    let known = |status, code: Option<&str>| PollResult::Status { status, code: code.map(str::to_owned) };
    let row = |status: &str, code: &str, name: &str| json!({ "messages": [{ "messageId": "m", "status": status, "statusCode": code, "statusName": name }] });
    let table = [
        (row("READY", "", ""), PollResult::Pending),
        (row("PROCESSING", "", ""), known(ReceiptStatus::Sent, None)),
        (row("COMPLETED", "0", "success"), known(ReceiptStatus::Delivered, None)),
        (row("COMPLETED", "3008", "fail"), known(ReceiptStatus::Undelivered(DeliveryFailure::Recipient), Some("3008"))),
        (json!({ "messages": [] }), PollResult::Pending),
    ];
    for (delivered, expected) in table {
        double.then(Reply::json(200, &row("", "", ""))).then(Reply::json(200, &delivered));
        assert_eq!(sens.poll("r").await, expected, "{delivered}");
    }
    double.then(Reply::json(200, &json!({ "messages": [] })));
    assert_eq!(sens.poll("r").await, PollResult::Pending);
    double.then(Reply::text(429, "{}").with("retry-after", "9"));
    assert_eq!(sens.poll("r").await, PollResult::Throttled { retry_after: Some(std::time::Duration::from_secs(9)) });
}
