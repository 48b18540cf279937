//! Solapi: SMS, and AlimTalk with SMS as its fallback.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use chrono::DateTime;
use domain::{channel::Channel, status::DeliveryFailure};
use platform::clock::Clock;
use providers::{Outcome, Outgoing, PollResult, Provider, ReceiptStatus};
use serde_json::{Value, json};

use super::{
    double::{Double, Reply},
    support::{
        accepted, code_message, content, deferred, destination, misconfigured, phone, provider_at, recipient, sender,
        throttled, unavailable, unavailable_for,
    },
};

const ID: &str = "M4V20260102030405ABCDEFGHIJKLMNO";

pub fn solapi(url: &str, more: &[(&str, &str)]) -> Arc<dyn Provider> {
    let (clock, _) = Clock::manual(DateTime::parse_from_rfc3339("2026-01-02T03:04:05Z").unwrap().to_utc());
    let mut vars = vec![
        ("SMS_PROVIDER", "solapi"),
        ("SOLAPI_API_KEY", "APIKEYEXAMPLE01"),
        ("SOLAPI_API_SECRET", "ApiSecretExample0123456789abcdef"),
        ("SOLAPI_SENDER", "02-1234-5678"),
        ("SOLAPI_BASE_URL", url),
    ];
    vars.extend_from_slice(more);
    provider_at(clock, Channel::Sms, &vars)
}

/// Solapi's response to `send-many/detail` with one message.
pub fn answered(taken: bool, code: &str) -> Value {
    let (good, bad) = if taken { (1, 0) } else { (0, 1) };
    let count = json!({
        "total": 1, "sentTotal": 0, "sentFailed": 0, "sentSuccess": 0, "sentPending": 0, "sentReplacement": 0,
        "refund": 0, "registeredFailed": bad, "registeredSuccess": good,
    });
    let cash = json!({ "requested": 0, "replacement": 0, "refund": 0, "sum": 0 });
    let listing = json!({ "messageId": ID, "statusCode": code, "statusMessage": "정상 접수(이통사로 접수 예정)" });
    let failed = json!({
        "to": "01012345678", "from": "0212345678", "type": "SMS", "country": "82", "messageId": ID, "statusCode": code,
        "statusMessage": "실패", "accountId": "12345678901234",
    });
    json!({
        "groupInfo": {
            "groupId": "G4V20260102030405ABCDEFGHIJKLMNO", "count": count, "status": "SENDING", "countForCharge": {},
            "balance": cash, "point": cash, "app": { "profit": {}, "appId": Value::Null }, "log": [], "price": {},
            "allowDuplicates": false, "isRefunded": false, "accountId": "12345678901234",
            "masterAccountId": Value::Null, "apiVersion": "4", "dateCreated": "2026-01-02T03:04:05.678Z",
            "dateUpdated": "2026-01-02T03:04:05.678Z",
        },
        "failedMessageList": if taken { json!([]) } else { json!([failed]) },
        "messageList": if taken { json!([listing]) } else { json!([]) },
    })
}

#[tokio::test]
async fn text_is_sent_like_the_official_sdk() {
    let double = Double::start().await;
    double.then(Reply::json(200, &answered(true, "2000")));
    let message = code_message();
    assert_eq!(solapi(&double.url(), &[]).send(&message).await, accepted(ID));
    let seen = double.take_one();
    assert_eq!((seen.method.as_str(), seen.line.as_str()), ("POST", "/messages/v4/send-many/detail"));
    let expected = json!({
        "allowDuplicates": false, "showMessageList": true,
        "messages": [{
            "to": "01012345678", "from": "0212345678", "country": "82", "type": "SMS", "autoTypeDetect": false,
            "text": "[예시] 인증번호 [123456]를 입력해 주세요.", "customFields": { "delivery": message.id.as_str() },
        }],
    });
    assert_eq!(seen.json(), expected);
    let authorization = seen.header("authorization");
    assert!(authorization.starts_with("HMAC-SHA256 apiKey=APIKEYEXAMPLE01, date=2026-01-02T03:04:05Z, salt="));
}

#[tokio::test]
async fn signatures_are_unique() {
    let double = Double::start().await;
    let solapi = solapi(&double.url(), &[]);
    for _ in 0..20 {
        double.then(Reply::json(200, &answered(true, "2000")));
        solapi.send(&code_message()).await;
    }
    let signatures: BTreeSet<_> = double.take().iter().map(|seen| seen.header("authorization").to_owned()).collect();
    assert_eq!(signatures.len(), 20);
}

#[tokio::test]
async fn codes_for_korea_go_by_alimtalk_first_with_a_template() {
    let double = Double::start().await;
    let kakao = [("SOLAPI_KAKAO_PF_ID", "KA01PF1"), ("SOLAPI_KAKAO_TEMPLATE_ID", "KA01TP1")];
    let solapi = solapi(&double.url(), &kakao);
    let sent = async |message: &Outgoing| {
        double.then(Reply::json(200, &answered(true, "2000")));
        assert_eq!(solapi.send(message).await, accepted(ID));
        double.take_one().json()["messages"][0].clone()
    };
    let alimtalk = sent(&code_message()).await;
    assert_eq!(alimtalk["type"], "ATA");
    assert_eq!(alimtalk.get("text"), None);
    let options = json!({ "pfId": "KA01PF1", "templateId": "KA01TP1", "variables": { "#{코드}": "123456" }, "disableSms": false });
    assert_eq!(alimtalk["kakaoOptions"], options);
    // A notice has no template, and the channel does not exist abroad.
    assert_eq!(sent(&Outgoing { code: None, ..code_message() }).await["type"], "SMS");
    let abroad = sent(&Outgoing { to: phone("+447911123456"), ..code_message() }).await;
    assert_eq!(
        (&abroad["type"], &abroad["country"], &abroad["to"]),
        (&json!("SMS"), &json!("44"), &json!("7911123456"))
    );
}

#[tokio::test]
async fn every_status_code_has_its_class() {
    let double = Double::start().await;
    let solapi = solapi(&double.url(), &[]);
    type Class = fn(&str) -> Outcome;
    let classes: [(&[&str], Class); 7] = [
        (&["1058", "3058", "1060", "2060", "1061", "2061", "3010", "3032", "3047", "3050"], recipient),
        (&["1062", "2062", "1064", "2064", "3013", "3059"], sender),
        (&["1010", "1011", "1026", "1028", "1029", "1031", "2254", "3054"], content),
        (&["1020", "1030", "2230", "2063", "1041", "1043", "1047", "3101", "3103", "3106"], misconfigured),
        (&["1024", "2024", "3012", "3024"], unavailable),
        (&["3104", "3107", "3108"], destination),
        (&["3053", "3056", "3057", "2058", "2999"], deferred),
    ];
    for (codes, class) in classes {
        for code in codes {
            double.then(Reply::json(200, &answered(false, code)));
            assert_eq!(solapi.send(&code_message()).await, class(code), "{code}");
        }
    }
}

#[tokio::test]
async fn every_http_error_has_its_class() {
    let double = Double::start().await;
    let solapi = solapi(&double.url(), &[]);
    let error = |status, code: &str| {
        Reply::json(status, &json!({ "errorCode": code, "errorMessage": "01012345678" })).with("retry-after", "1")
    };
    let table = [
        (error(403, "InvalidAPIKey"), misconfigured("InvalidAPIKey")),
        (error(403, "SignatureDoesNotMatch"), misconfigured("SignatureDoesNotMatch")),
        (error(403, "RequestTimeTooSkewed"), misconfigured("RequestTimeTooSkewed")),
        (error(403, "DuplicatedSignature"), unavailable("DuplicatedSignature")),
        (error(400, "ValidationError"), content("ValidationError")),
        (error(413, "RecipientsTooMany"), content("RecipientsTooMany")),
        (error(429, "TooManyRequests"), throttled(Some(1))),
        (error(500, "InternalError"), unavailable_for("InternalError", 1)),
        // 200, but without a result for the message.
        (Reply::json(200, &json!({ "failedMessageList": [], "messageList": [] })), Outcome::Unknown),
    ];
    for (reply, expected) in table {
        double.then(reply.clone());
        assert_eq!(solapi.send(&code_message()).await, expected, "{reply:?}");
    }
}

#[tokio::test]
async fn polling_finds_the_message_by_its_id() {
    let double = Double::start().await;
    let solapi = solapi(&double.url(), &[]);
    let known = |status, code: Option<&str>| PollResult::Status { status, code: code.map(str::to_owned) };
    let table = [
        ("2000", PollResult::Pending),
        ("3000", known(ReceiptStatus::Sent, None)),
        ("4000", known(ReceiptStatus::Delivered, None)),
        ("3041", known(ReceiptStatus::Undelivered(DeliveryFailure::Recipient), Some("3041"))),
        ("1062", known(ReceiptStatus::Undelivered(DeliveryFailure::Provider), Some("1062"))),
    ];
    for (code, expected) in table {
        let message = json!({ "messageId": ID, "statusCode": code, "text": "123456" });
        double.then(Reply::json(200, &json!({ "messageList": { ID: message } })));
        assert_eq!(solapi.poll(ID).await, expected);
        let seen = double.take_one();
        assert_eq!((seen.method, seen.line), ("GET".to_owned(), format!("/messages/v4/list?messageId={ID}")));
    }
    double.then(Reply::json(200, &json!({ "messageList": {} })));
    assert_eq!(solapi.poll(ID).await, PollResult::Pending);
    double.then(Reply::text(429, "{}").with("retry-after", "4"));
    assert_eq!(solapi.poll(ID).await, PollResult::Throttled { retry_after: Some(Duration::from_secs(4)) });
}

/// Its webhook is not signed: the status that Solapi returns when polled counts.
#[tokio::test]
async fn status_is_polled_by_message_id() {
    let double = Double::start().await;
    let solapi = solapi(&double.url(), &[]);
    let failed = ReceiptStatus::Undelivered(DeliveryFailure::Recipient);
    for (id, reported, expected) in [
        ("M1", "3041", PollResult::Status { status: failed, code: Some("3041".to_owned()) }),
        ("M2", "2000", PollResult::Pending),
        ("M3", "4000", PollResult::Status { status: ReceiptStatus::Delivered, code: None }),
    ] {
        double.then(Reply::json(200, &json!({ "messageList": { id: { "statusCode": reported } } })));
        assert_eq!(solapi.poll(id).await, expected, "{id}");
    }
}
