//! Aligo, which responds 200 to everything.

use std::sync::Arc;

use domain::{channel::Channel, status::DeliveryFailure};
use providers::{Outcome, Outgoing, PollResult, Provider, ReceiptStatus};
use serde_json::{Value, json};

use super::{
    double::{Double, Reply},
    support::{
        accepted, code_message, content, misconfigured, phone, provider, recipient, sender, text_message, unfit,
    },
};

fn aligo(url: &str, more: &[(&str, &str)]) -> Arc<dyn Provider> {
    let mut vars = vec![
        ("SMS_PROVIDER", "aligo"),
        ("ALIGO_API_KEY", "key"),
        ("ALIGO_USER_ID", "user"),
        ("ALIGO_SENDER", "02-1234-5678"),
        ("ALIGO_BASE_URL", url),
    ];
    vars.extend_from_slice(more);
    provider(Channel::Sms, &vars)
}

#[tokio::test]
async fn send_is_a_form_with_the_api_key() {
    let double = Double::start().await;
    let success = json!({ "result_code": 1, "message": "success", "msg_id": 123_456_789, "success_cnt": 1, "error_cnt": 0, "msg_type": "SMS" });
    // Its responses are JSON with the content type HTML.
    double.then(Reply::text(200, &success.to_string()).with("content-type", "text/html"));
    assert_eq!(aligo(&double.url(), &[]).send(&code_message()).await, accepted("123456789"));
    let seen = double.take_one();
    assert_eq!((seen.method.as_str(), seen.line.as_str()), ("POST", "/send/"));
    let form = seen.form();
    let expected = [
        ("key", "key"),
        ("msg", "[예시] 인증번호 [123456]를 입력해 주세요."),
        ("msg_type", "SMS"),
        ("receiver", "01012345678"),
        ("sender", "0212345678"),
        ("user_id", "user"),
    ];
    assert_eq!(form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn test_mode_and_long_messages_are_marked() {
    let double = Double::start().await;
    double.then(Reply::json(200, &json!({ "result_code": "1", "message": "", "msg_id": "9", "success_cnt": "1" })));
    let aligo = aligo(&double.url(), &[("ALIGO_TEST_MODE", "on")]);
    assert_eq!(aligo.send(&text_message(&"가".repeat(46))).await, accepted("9"));
    let form = double.take_one().form();
    assert_eq!((form["testmode_yn"].as_str(), form["msg_type"].as_str()), ("Y", "LMS"));
}

#[tokio::test]
async fn unsupported_messages_are_not_sent() {
    let double = Double::start().await;
    let aligo = aligo(&double.url(), &[]);
    let abroad = Outgoing { to: phone("+447911123456"), ..code_message() };
    assert!(!aligo.capabilities().supports(&abroad) && aligo.capabilities().supports(&code_message()));
    assert_eq!(aligo.send(&abroad).await, unfit("not_a_korean_number"));
    assert_eq!(aligo.send(&text_message("인증번호 😀")).await, unfit("character_not_in_ks_x_1001"));
    assert!(double.take().is_empty());
}

#[tokio::test]
async fn every_result_code_has_its_class_and_reason() {
    let double = Double::start().await;
    let aligo = aligo(&double.url(), &[]);
    let failure = |code: Value, message: &str| json!({ "result_code": code, "message": message });
    let table = [
        (failure(json!(-101), "인증오류입니다."), misconfigured("-101 인증오류입니다.")),
        (failure(json!("-101"), "인증오류입니다.-IP"), misconfigured("-101 인증오류입니다.-IP")),
        (failure(json!(-102), "인증"), misconfigured("-102 인증")),
        (failure(json!(-103), "등록/인증되지 않은 발신번호"), sender("-103 등록/인증되지 않은 발신번호")),
        (failure(json!(-201), "SMS 잔여건수 부족"), misconfigured("-201 SMS 잔여건수 부족")),
        (failure(json!(-301), "기타"), content("-301 기타")),
        // The message is the fallback where the number is not specific.
        (failure(json!(-999), "발신번호 미등록"), sender("-999 발신번호 미등록")),
        (failure(json!(-999), "포인트가 부족합니다."), misconfigured("-999 포인트가 부족합니다.")),
        (failure(json!(-305), "미인증 수신번호"), recipient("-305 미인증 수신번호")),
        (failure(json!(-305), "수신번호 오류"), recipient("-305 수신번호 오류")),
        (failure(json!(0), ""), content("0")),
        (failure(json!(-999), "01012345678 차단"), content("-999 … 차단")),
        (
            json!({ "result_code": 1, "message": "success", "msg_id": 1, "success_cnt": 0, "error_cnt": 1 }),
            recipient("1 success"),
        ),
        (json!({ "message": "?" }), Outcome::Unknown),
    ];
    for (body, expected) in table {
        double.then(Reply::json(200, &body));
        assert_eq!(aligo.send(&code_message()).await, expected, "{body}");
    }
}

#[tokio::test]
async fn polling_reads_the_status_and_ignores_an_empty_list() {
    let double = Double::start().await;
    let aligo = aligo(&double.url(), &[]);
    let known = |status, code: Option<&str>| PollResult::Status { status, code: code.map(str::to_owned) };
    let table = [
        (json!([]), PollResult::Pending),
        (json!([{ "sms_state": "발송완료" }]), known(ReceiptStatus::Delivered, None)),
        (json!([{ "sms_state": "성공" }]), known(ReceiptStatus::Delivered, None)),
        (json!([{ "sms_state": "전송중" }]), known(ReceiptStatus::Sent, None)),
        (
            json!([{ "sms_state": "실패(결번)" }]),
            known(ReceiptStatus::Undelivered(DeliveryFailure::Recipient), Some("실패(결번)")),
        ),
        (json!([{ "sms_state": "?" }]), PollResult::Pending),
    ];
    for (list, expected) in table {
        double.then(Reply::json(200, &json!({ "result_code": 1, "message": "success", "list": list, "next_yn": "N" })));
        assert_eq!(aligo.poll("123").await, expected);
        let seen = double.take_one();
        assert_eq!((seen.line.as_str(), seen.form()["mid"].as_str()), ("/sms_list/", "123"));
    }
}
