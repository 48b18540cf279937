//! AlimTalk by Aligo, with SMS as its fallback.

use std::sync::Arc;

use domain::{channel::Channel, status::DeliveryFailure};
use providers::{Outcome, Outgoing, PollResult, Provider, ReceiptStatus};
use serde_json::{Value, json};

use super::{
    double::{Double, Reply},
    support::{
        accepted, code_message, content, destination, misconfigured, provider, recipient, refusals, sender,
        text_message, throttled, unavailable_for,
    },
};

const ALIMTALK: [(&str, &str); 3] = [
    ("ALIGO_KAKAO_SENDER_KEY", "40charactersofasenderkey"),
    ("ALIGO_KAKAO_TEMPLATE_CODE", "TA_0001"),
    ("ALIGO_KAKAO_TEMPLATE_TEXT", "[예시] 인증번호는 #{코드} 입니다."),
];

pub fn vars(url: &str) -> Vec<(&str, &str)> {
    let mut vars = vec![
        ("SMS_PROVIDER", "aligo"),
        ("ALIGO_API_KEY", "key"),
        ("ALIGO_USER_ID", "user"),
        ("ALIGO_SENDER", "02-1234-5678"),
        ("ALIGO_BASE_URL", url),
        ("ALIGO_KAKAO_BASE_URL", url),
    ];
    vars.extend(ALIMTALK);
    vars
}

fn aligo(url: &str, more: &[(&str, &str)]) -> Arc<dyn Provider> {
    let mut vars = vars(url);
    vars.extend_from_slice(more);
    provider(Channel::Sms, &vars)
}

fn taken(taken: u32) -> Reply {
    let info =
        json!({ "type": "AT", "mid": 123, "current": 1, "unit": 6.5, "total": 6.5, "scnt": taken, "fcnt": 1 - taken });
    // Its responses are JSON with the content type HTML.
    let response = json!({ "code": 0, "message": "성공적으로 전송요청 하였습니다.", "info": info });
    Reply::text(200, &response.to_string()).with("content-type", "text/html")
}

#[tokio::test]
async fn code_is_sent_by_template_with_sms_fallback() {
    let double = Double::start().await;
    double.then(taken(1));
    assert_eq!(aligo(&double.url(), &[]).send(&code_message()).await, accepted("alimtalk:123"));
    let seen = double.take_one();
    assert_eq!((seen.method.as_str(), seen.line.as_str()), ("POST", "/akv10/alimtalk/send/"));
    let form = seen.form();
    let expected = [
        ("apikey", "key"),
        ("failover", "Y"),
        ("fmessage_1", "[예시] 인증번호 [123456]를 입력해 주세요."),
        ("fsubject_1", "인증번호"),
        ("message_1", "[예시] 인증번호는 123456 입니다."),
        ("receiver_1", "01012345678"),
        ("sender", "0212345678"),
        ("senderkey", "40charactersofasenderkey"),
        ("subject_1", "인증번호"),
        ("tpl_code", "TA_0001"),
        ("userid", "user"),
    ];
    assert_eq!(form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>(), expected);
    double.then(taken(1));
    aligo(&double.url(), &[("ALIGO_TEST_MODE", "on")]).send(&code_message()).await;
    assert_eq!(double.take_one().form()["testMode"], "Y");
}

#[tokio::test]
async fn message_without_template_goes_by_sms_and_unsupported_number_is_rejected() {
    let double = Double::start().await;
    let aligo = aligo(&double.url(), &[]);
    double.then(Reply::json(200, &json!({ "result_code": 1, "message": "", "msg_id": 9, "success_cnt": 1 })));
    assert_eq!(aligo.send(&Outgoing { code: None, ..code_message() }).await, accepted("9"));
    assert_eq!(double.take_one().line, "/send/");
    assert_eq!(
        aligo.send(&text_message("인증번호 😀")).await,
        Outcome::Unsupported { code: "character_not_in_ks_x_1001" }
    );
    assert!(double.take().is_empty());
}

#[tokio::test]
async fn every_result_code_has_its_class_and_reason() {
    let double = Double::start().await;
    let aligo = aligo(&double.url(), &[]);
    let failure = |code: Value, message: &str| Reply::json(200, &json!({ "code": code, "message": message }));
    let table = [
        (failure(json!(-101), "인증오류입니다."), misconfigured("-101 인증오류입니다.")),
        (failure(json!("509"), "카카오채널 상태"), misconfigured("509 카카오채널 상태")),
        // The one number with several meanings: the message decides.
        (failure(json!(-99), "포인트가 부족합니다."), misconfigured("-99 포인트가 부족합니다.")),
        (failure(json!(-99), "템플릿이 없습니다."), misconfigured("-99 템플릿이 없습니다.")),
        (failure(json!(-99), "등록되지 않은 발신번호"), sender("-99 등록되지 않은 발신번호")),
        (failure(json!(-99), "수신자가 채널을 차단"), destination("-99 수신자가 채널을 차단")),
        (failure(json!(-99), "01012345678 오류"), content("-99 … 오류")),
        // 1 is the success code of its text messages.
        (failure(json!(1), "success"), content("1 success")),
        (taken(0), recipient("0 성공적으로 전송요청 하였습니다.")),
        (Reply::text(429, "{}").with("retry-after", "3"), throttled(Some(3))),
        (Reply::text(503, "<html>").with("retry-after", "3"), unavailable_for("503", 3)),
        (Reply::json(200, &json!({ "message": "?" })), Outcome::Unknown),
    ];
    for (reply, expected) in table {
        double.then(reply.clone());
        assert_eq!(aligo.send(&code_message()).await, expected, "{reply:?}");
    }
}

#[tokio::test]
async fn polling_reads_the_alimtalk_or_its_sms_fallback() {
    let double = Double::start().await;
    let aligo = aligo(&double.url(), &[]);
    let known = |status, code: Option<&str>| PollResult::Status { status, code: code.map(str::to_owned) };
    let row = |rslt: &str, message: &str, smid: &str| {
        json!([{
            "msgid": "AL1", "type": "AT", "phone": "01012345678", "status": "…", "sentdate": "…", "rsltdate": "…",
            "rslt": rslt, "rslt_message": message, "smid": smid,
        }])
    };
    let history = |list: &Value| Reply::json(200, &json!({ "code": 0, "message": "…", "list": list }));
    let table = [
        (json!([]), PollResult::Pending),
        (row("", "", ""), PollResult::Pending),
        (row("K", "성공", ""), known(ReceiptStatus::Delivered, None)),
        (row("U", "메시지가 템플릿과 일치하지 않음", ""), known(ReceiptStatus::Sent, None)),
    ];
    for (list, expected) in table {
        double.then(history(&list));
        assert_eq!(aligo.poll("alimtalk:123").await, expected, "{list}");
        let seen = double.take_one();
        assert_eq!((seen.line.as_str(), seen.form()["mid"].as_str()), ("/akv10/history/detail/", "123"));
        assert_eq!((seen.form()["apikey"].as_str(), seen.form()["userid"].as_str()), ("key", "user"));
    }
    let by_sms = [
        (json!([]), known(ReceiptStatus::Sent, None)),
        (json!([{ "sms_state": "발송완료" }]), known(ReceiptStatus::Delivered, None)),
        (
            json!([{ "sms_state": "실패(결번)" }]),
            known(ReceiptStatus::Undelivered(DeliveryFailure::Recipient), Some("실패(결번)")),
        ),
    ];
    for (list, expected) in by_sms {
        double.then(history(&row("U", "실패", "777")));
        double.then(Reply::json(200, &json!({ "result_code": 1, "message": "success", "list": list })));
        assert_eq!(aligo.poll("alimtalk:123").await, expected, "{list}");
        let seen = double.take();
        assert_eq!((seen[1].line.as_str(), seen[1].form()["mid"].as_str()), ("/sms_list/", "777"));
    }
    double.then(Reply::text(429, "{}").with("retry-after", "9"));
    let throttled = PollResult::Throttled { retry_after: Some(std::time::Duration::from_secs(9)) };
    assert_eq!(aligo.poll("alimtalk:123").await, throttled);
}

#[test]
fn incomplete_configuration_is_rejected_by_name() {
    for (name, _) in ALIMTALK {
        let vars: Vec<_> = vars("http://127.0.0.1:1").into_iter().filter(|(present, _)| *present != name).collect();
        let refused = refusals(&vars).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        assert!(refused.contains(&format!("aligo requires {name}: ")), "{refused}");
    }
}
