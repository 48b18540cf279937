//! AlimTalk by Naver Cloud SENS, with SMS as its fallback.

use std::sync::Arc;

use chrono::DateTime;
use domain::channel::Channel;
use platform::clock::Clock;
use providers::{Outcome, Outgoing, PollResult, Provider, ReceiptStatus};
use serde_json::{Value, json};

use super::{
    double::{Double, Reply},
    support::{
        accepted, code_message, content, destination, misconfigured, phone, provider_at, refusals, text_message,
        throttled, unavailable_for,
    },
};

const MESSAGES: &str = "/alimtalk/v2/services/ncp:kkobizmsg:kr:123456789012:example/messages";
const TEXT: &str = "[예시] 인증번호는\\n#{코드} 입니다.";

const ALIMTALK: [(&str, &str); 4] = [
    ("NAVER_CLOUD_ALIMTALK_SERVICE_ID", "ncp:kkobizmsg:kr:123456789012:example"),
    ("NAVER_CLOUD_ALIMTALK_CHANNEL_ID", "@example"),
    ("NAVER_CLOUD_ALIMTALK_TEMPLATE_CODE", "code01"),
    ("NAVER_CLOUD_ALIMTALK_TEMPLATE_TEXT", TEXT),
];

pub fn vars(url: &str) -> Vec<(&str, &str)> {
    let mut vars = vec![
        ("SMS_PROVIDER", "naver-cloud"),
        ("NAVER_CLOUD_ACCESS_KEY", "ACCESSKEYEXAMPLE0001"),
        ("NAVER_CLOUD_SECRET_KEY", "SecretKeyExample0123456789abcdefABCDEF"),
        ("NAVER_CLOUD_SMS_SERVICE_ID", "ncp:sms:kr:123456789012:example"),
        ("NAVER_CLOUD_SMS_FROM_NUMBER", "02-1234-5678"),
        ("NAVER_CLOUD_SENS_BASE_URL", url),
    ];
    vars.extend(ALIMTALK);
    vars
}

fn sens(url: &str) -> Arc<dyn Provider> {
    let (clock, _) = Clock::manual(DateTime::from_timestamp_millis(1_700_000_000_000).unwrap());
    provider_at(clock, Channel::Sms, &vars(url))
}

fn answered(request_status: &str) -> Reply {
    let message = json!({
        "messageId": "aa724ca6-0000", "countryCode": "82", "to": "01012345678", "content": "…",
        "requestStatusCode": request_status, "requestStatusName": "…", "requestStatusDesc": "…", "useSmsFailover": true,
    });
    Reply::json(
        202,
        &json!({
            "requestId": "RGLA-1", "requestTime": "2026-01-02T12:04:05.678", "statusCode": "202",
            "statusName": "success", "messages": [message],
        }),
    )
}

#[tokio::test]
async fn code_for_korea_is_sent_by_template_with_sms_fallback() {
    let double = Double::start().await;
    double.then(answered("A000"));
    assert_eq!(sens(&double.url()).send(&code_message()).await, accepted("alimtalk:aa724ca6-0000"));
    let seen = double.take_one();
    assert_eq!((seen.method.as_str(), seen.line.as_str()), ("POST", MESSAGES));
    assert_eq!(seen.header("content-type"), "application/json; charset=utf-8");
    let expected = json!({
        "plusFriendId": "@example", "templateCode": "code01",
        "messages": [{
            "countryCode": "82", "to": "01012345678", "content": "[예시] 인증번호는\n123456 입니다.",
            "useSmsFailover": true,
            "failoverConfig": {
                "type": "SMS", "from": "0212345678", "content": "[예시] 인증번호 [123456]를 입력해 주세요.",
            },
        }],
    });
    assert_eq!(seen.json(), expected);
    // HMAC-SHA256 computed with Python's hmac over the method, this path, the time and the key.
    assert_eq!(seen.header("x-ncp-apigw-signature-v2"), "DWD8XvfX+HWjQdVGY6SmZ1PYcvrf3WXOiokPWOAvP0A=");
}

#[tokio::test]
async fn message_without_template_goes_by_sms_and_unsupported_number_is_rejected() {
    let double = Double::start().await;
    let sens = sens(&double.url());
    let sms = json!({ "requestId": "VORSSA-1", "requestTime": "…", "statusCode": "202", "statusName": "success" });
    for message in
        [Outgoing { code: None, ..code_message() }, Outgoing { to: phone("+447911123456"), ..code_message() }]
    {
        double.then(Reply::json(202, &sms));
        assert_eq!(sens.send(&message).await, accepted("VORSSA-1"));
        assert!(double.take_one().line.starts_with("/sms/v2/services/"));
    }
    assert_eq!(
        sens.send(&text_message("인증번호 😀")).await,
        Outcome::Unsupported { code: "character_not_in_ks_x_1001" }
    );
    assert!(double.take().is_empty());
}

#[tokio::test]
async fn every_error_code_has_its_class() {
    let double = Double::start().await;
    let sens = sens(&double.url());
    let gateway = |status, code: Value| {
        Reply::json(status, &json!({ "error": { "errorCode": code, "message": "…" } })).with("retry-after", "2")
    };
    let table = [
        (gateway(400, json!("100")), content("100")),
        (gateway(401, json!("200")), misconfigured("200")),
        (gateway(401, json!(210)), misconfigured("210")),
        (gateway(404, json!("300")), misconfigured("300")),
        (gateway(413, json!("430")), content("430")),
        (gateway(429, json!(410)), throttled(Some(2))),
        (gateway(503, json!("500")), unavailable_for("500", 2)),
        (gateway(504, json!("510")), Outcome::Unknown),
        (gateway(500, json!("900")), unavailable_for("900", 2)),
        // The number, the channel or the template is wrong: another provider may not need them.
        (answered("3015"), destination("3015")),
        (answered("E104"), destination("E104")),
        // Accepted, but without a result for the message.
        (Reply::json(202, &json!({ "statusCode": "202", "messages": [] })), Outcome::Unknown),
    ];
    for (reply, expected) in table {
        double.then(reply.clone());
        assert_eq!(sens.send(&code_message()).await, expected, "{reply:?}");
    }
}

#[tokio::test]
async fn result_is_polled_by_message_id() {
    let double = Double::start().await;
    let sens = sens(&double.url());
    let known = |status| PollResult::Status { status, code: None };
    let row = |request: &str, message: &str| {
        json!({
            "requestId": "RGLA-1", "messageId": "aa724ca6-0000", "requestStatusCode": request,
            "messageStatusCode": message, "useSmsFailover": true, "content": "123456",
        })
    };
    let table = [
        (row("A000", ""), PollResult::Pending),
        (json!({ "messageId": "aa724ca6-0000", "requestStatusCode": "A000" }), PollResult::Pending),
        (row("A000", "0000"), known(ReceiptStatus::Delivered)),
        // The recipient has no KakaoTalk or blocks the channel: an SMS is sent instead.
        (row("A000", "3019"), known(ReceiptStatus::Sent)),
        (row("A000", "3020"), known(ReceiptStatus::Sent)),
    ];
    for (polled, expected) in table {
        double.then(Reply::json(200, &polled));
        assert_eq!(sens.poll("alimtalk:aa724ca6-0000").await, expected, "{polled}");
        let seen = double.take_one();
        assert_eq!((seen.method, seen.line), ("GET".to_owned(), format!("{MESSAGES}/aa724ca6-0000")));
    }
    double.then(Reply::text(429, "{}").with("retry-after", "9"));
    let throttled = PollResult::Throttled { retry_after: Some(std::time::Duration::from_secs(9)) };
    assert_eq!(sens.poll("alimtalk:aa724ca6-0000").await, throttled);
    double.then(Reply::text(200, "<html>"));
    assert_eq!(sens.poll("alimtalk:aa724ca6-0000").await, PollResult::Pending);
    double.take();
    // Results of text messages are polled at the SMS API.
    double.then(Reply::json(200, &json!({ "messages": [] })));
    assert_eq!(sens.poll("VORSSA-1").await, PollResult::Pending);
    assert!(double.take_one().line.starts_with("/sms/v2/services/"));
}

#[test]
fn incomplete_configuration_is_rejected_by_name() {
    let refused = |without: &str, with: &[(&str, &str)]| {
        let mut vars: Vec<_> = vars("http://127.0.0.1:1").into_iter().filter(|(name, _)| *name != without).collect();
        vars.extend_from_slice(with);
        refusals(&vars).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    for (name, _) in ALIMTALK {
        let refused = refused(name, &[]);
        assert!(refused.contains(&format!("naver-cloud requires {name}: ")), "{refused}");
    }
    let text = "NAVER_CLOUD_ALIMTALK_TEMPLATE_TEXT";
    assert!(refused(text, &[(text, "인증번호")]).contains("#{코드}"));
    assert!(refused(text, &[(text, "#{이름}님 #{코드}")]).contains("no variable other than"));
}
