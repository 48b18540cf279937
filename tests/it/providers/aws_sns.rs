//! Amazon SNS.

use std::sync::Arc;

use domain::channel::Channel;
use providers::{Outcome, Provider};

use super::{
    double::{Double, Reply},
    support::{
        accepted, blocked, code_message, content, destination, misconfigured, provider, recipient, text_message,
        throttled, unavailable_for, unfit,
    },
};

pub fn sns(url: &str, more: &[(&str, &str)]) -> Arc<dyn Provider> {
    let mut vars = vec![("SMS_PROVIDER", "aws-sns"), ("AWS_REGION", "ap-northeast-1"), ("AWS_ENDPOINT_URL_SNS", url)];
    vars.extend_from_slice(more);
    provider(Channel::Sms, &vars)
}

const KEY: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "secret")];

fn published() -> Reply {
    let body = r#"<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult>
        <MessageId>94f20ce6-13c5-43a0-9a9e-ca52d816e90b</MessageId></PublishResult>
        <ResponseMetadata><RequestId>f187a3c1-376f-11df-8963-01868b7c937a</RequestId></ResponseMetadata></PublishResponse>"#;
    Reply::text(200, body).with("content-type", "text/xml")
}

fn refused(status: u16, code: &str) -> Reply {
    let body = format!(
        r#"<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>{code}</Code>
        <Message>+821012345678 is not good</Message></Error><RequestId>f187a3c1</RequestId></ErrorResponse>"#
    );
    Reply::text(status, &body).with("content-type", "text/xml").with("retry-after", "2")
}

#[tokio::test]
async fn publish_is_transactional_and_signed() {
    let double = Double::start().await;
    let more = [
        ("AWS_SESSION_TOKEN", "session"),
        ("AWS_SNS_SENDER_ID", "Example"),
        ("AWS_SNS_MAX_PRICE_USD", "0.50"),
        ("AWS_SNS_ORIGINATION_NUMBER", "+81312345678"),
    ];
    double.then(published());
    let sns = sns(&double.url(), &[&KEY[..], &more[..]].concat());
    assert_eq!(sns.send(&code_message()).await, accepted("94f20ce6-13c5-43a0-9a9e-ca52d816e90b"));
    let seen = double.take_one();
    assert_eq!((seen.method.as_str(), seen.line.as_str()), ("POST", "/"));
    assert_eq!(seen.header("x-amz-security-token"), "session");
    let authorization = seen.header("authorization");
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{authorization}");
    assert!(authorization.contains("/ap-northeast-1/sns/aws4_request"), "{authorization}");
    let form = seen.form();
    let attributes: Vec<_> = (1..=4)
        .map(|n| {
            ["Name", "Value.DataType", "Value.StringValue"]
                .map(|field| form[&format!("MessageAttributes.entry.{n}.{field}")].clone())
        })
        .collect();
    for expected in [
        ["AWS.SNS.SMS.SMSType", "String", "Transactional"],
        ["AWS.SNS.SMS.SenderID", "String", "Example"],
        ["AWS.SNS.SMS.MaxPrice", "Number", "0.50"],
        ["AWS.MM.SMS.OriginationNumber", "String", "+81312345678"],
    ] {
        assert!(attributes.contains(&expected.map(str::to_owned)), "{expected:?} in {attributes:?}");
    }
    assert_eq!((form["Action"].as_str(), form["Version"].as_str()), ("Publish", "2010-03-31"));
    assert_eq!(form["PhoneNumber"], "+821012345678");
    assert_eq!(form["Message"], "[예시] 인증번호 [123456]를 입력해 주세요.");
    assert!(std::str::from_utf8(&seen.body).unwrap().contains("PhoneNumber=%2B821012345678"));
}

#[tokio::test]
async fn every_error_code_has_its_class_and_is_not_retried() {
    let double = Double::start().await;
    let sns = sns(&double.url(), &KEY);
    let table = [
        (400, "InvalidParameter", recipient("InvalidParameter")),
        (400, "ParameterValueInvalid", recipient("ParameterValueInvalid")),
        (400, "ValidationException", content("ValidationException")),
        (403, "AuthorizationError", misconfigured("AuthorizationError")),
        (403, "InvalidSecurity", misconfigured("InvalidSecurity")),
        (404, "NotFound", misconfigured("NotFound")),
        (400, "EndpointDisabled", misconfigured("EndpointDisabled")),
        (400, "PlatformApplicationDisabled", misconfigured("PlatformApplicationDisabled")),
        (400, "KMSDisabled", misconfigured("KMSDisabled")),
        (403, "KMSAccessDenied", misconfigured("KMSAccessDenied")),
        (403, "SignatureDoesNotMatch", misconfigured("SignatureDoesNotMatch")),
        (403, "InvalidClientTokenId", misconfigured("InvalidClientTokenId")),
        (400, "IncompleteSignature", misconfigured("IncompleteSignature")),
        (400, "VerificationException", destination("VerificationException")),
        (400, "UserErrorException", destination("UserErrorException")),
        (400, "OptedOut", blocked("OptedOut")),
        (400, "UnheardOf", destination("UnheardOf")),
        (400, "Throttling", throttled(Some(2))),
        (400, "ThrottlingException", throttled(Some(2))),
        (400, "TooManyRequestsException", throttled(Some(2))),
        (503, "SlowDown", throttled(Some(2))),
        (400, "RequestTimeout", unavailable_for("RequestTimeout", 2)),
        (500, "InternalError", unavailable_for("InternalError", 2)),
        (502, "BadGateway", unavailable_for("BadGateway", 2)),
        (504, "GatewayTimeout", Outcome::Unknown),
    ];
    for (status, code, expected) in table {
        double.then(refused(status, code));
        assert_eq!(sns.send(&code_message()).await, expected, "{status} {code}");
        double.take_one();
    }
}

#[tokio::test]
async fn message_over_1600_bytes_is_not_sent() {
    let double = Double::start().await;
    let sns = sns(&double.url(), &KEY);
    assert_eq!(sns.send(&text_message(&"가".repeat(534))).await, unfit("text_too_long"));
    assert!(double.take().is_empty());
}
