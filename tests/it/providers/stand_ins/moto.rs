//! Amazon SNS simulated by moto, with signature checks.

use providers::Outcome;
use serde_json::Value;

use super::super::{
    aws_sns::sns,
    support::{code_message, misconfigured, stand_in, text_message},
};

/// A single test, since moto's recording is global.
#[tokio::test]
async fn publishes_and_checks_signatures() {
    let Some(moto) = stand_in("COUNTERSIGN_TEST_MOTO", "Amazon SNS by moto") else { return };
    let key = stand_in("COUNTERSIGN_TEST_MOTO_KEY", "Amazon SNS by moto").unwrap();
    let (id, secret) = key.split_once(':').unwrap();
    let http = reqwest::Client::builder().build().unwrap();
    let admin = async |method, path: &str| {
        http.request(method, format!("{moto}/moto-api/{path}")).send().await.unwrap().text().await.unwrap()
    };
    admin(reqwest::Method::POST, "recorder/reset-recording").await;
    admin(reqwest::Method::POST, "recorder/start-recording").await;
    let genuine = sns(&moto, &[("AWS_ACCESS_KEY_ID", id), ("AWS_SECRET_ACCESS_KEY", secret)]);
    let outcome = genuine.send(&code_message()).await;
    let Outcome::Accepted { provider_message_id: Some(message_id) } = outcome else { panic!("{outcome:?}") };
    admin(reqwest::Method::POST, "recorder/stop-recording").await;
    let recording = admin(reqwest::Method::GET, "recorder/download-recording").await;
    let recorded: Value = serde_json::from_str(recording.lines().last().unwrap()).unwrap();
    use base64::Engine;
    let body = recorded["body"].as_str().unwrap();
    let body = base64::engine::general_purpose::STANDARD.decode(body).unwrap();
    assert!(std::str::from_utf8(&body).unwrap().contains("StringValue=Transactional"));

    let data: Value = serde_json::from_str(&admin(reqwest::Method::GET, "data.json").await).unwrap();
    let messages = data["sns"]["SMS"].as_array().unwrap();
    let kept = messages.iter().find(|message| message["message_id"] == message_id.as_str()).unwrap();
    assert_eq!(kept["phone_number"], "+821012345678");
    assert_eq!(kept["message"], "[예시] 인증번호 [123456]를 입력해 주세요.");

    let forged = sns(&moto, &[("AWS_ACCESS_KEY_ID", id), ("AWS_SECRET_ACCESS_KEY", "wrong")]);
    assert_eq!(forged.send(&text_message("hello")).await, misconfigured("SignatureDoesNotMatch"));
    let unknown = sns(&moto, &[("AWS_ACCESS_KEY_ID", "AKIAUNKNOWN"), ("AWS_SECRET_ACCESS_KEY", secret)]);
    assert_eq!(unknown.send(&text_message("hello")).await, misconfigured("InvalidClientTokenId"));
}
