//! DL-03: each provider adapter against a server that is down, slow, broken or sends garbage.

use std::{sync::Arc, time::Instant};

use domain::channel::Channel;
use providers::{Outcome, Provider};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{
    aligo_alimtalk,
    double::{Double, Reply},
    naver_alimtalk,
    support::{TIMEOUT, code_message, provider, unavailable, unavailable_for},
};

const SECRET: &str = "whsec_bcyrfvFYBhsqlj5RCFhwN8KNGLGfi2vtHkEWiKZxO9o=";

/// All providers with an HTTP API, at `url`.
pub fn all_providers(url: &str) -> Vec<Arc<dyn Provider>> {
    let mut providers = global_providers(url);
    providers.extend(korean_providers(url));
    providers
}

fn sms(vars: &[(&str, &str)]) -> Arc<dyn Provider> {
    provider(Channel::Sms, vars)
}

fn global_providers(url: &str) -> Vec<Arc<dyn Provider>> {
    let account = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let twilio = [("TWILIO_ACCOUNT_SID", account), ("TWILIO_AUTH_TOKEN", "token")];
    let [sid, token] = twilio;
    vec![
        sms(&[
            sid,
            token,
            ("SMS_PROVIDER", "twilio"),
            ("TWILIO_FROM_NUMBER", "+15005550006"),
            ("TWILIO_API_BASE_URL", url),
        ]),
        sms(&[
            sid,
            token,
            ("SMS_PROVIDER", "twilio-verify"),
            ("TWILIO_VERIFY_SERVICE_SID", "VAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
            ("TWILIO_VERIFY_BASE_URL", url),
        ]),
        #[cfg(feature = "aws-sns")]
        sms(&[
            ("SMS_PROVIDER", "aws-sns"),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_REGION", "ap-northeast-1"),
            ("AWS_ENDPOINT_URL_SNS", url),
        ]),
        sms(&[
            ("SMS_PROVIDER", "vonage"),
            ("VONAGE_API_KEY", "key"),
            ("VONAGE_API_SECRET", "secret"),
            ("VONAGE_FROM", "Example"),
            ("VONAGE_BASE_URL", url),
        ]),
        sms(&[
            ("SMS_PROVIDER", "webhook"),
            ("DELIVERY_WEBHOOK_URL", url),
            ("DELIVERY_WEBHOOK_SECRET", SECRET),
            ("DELIVERY_WEBHOOK_TIMEOUT_MS", "1500"),
        ]),
    ]
}

fn korean_providers(url: &str) -> Vec<Arc<dyn Provider>> {
    vec![
        sms(&[
            ("SMS_PROVIDER", "naver-cloud"),
            ("NAVER_CLOUD_ACCESS_KEY", "ACCESSKEYEXAMPLE0001"),
            ("NAVER_CLOUD_SECRET_KEY", "SecretKeyExample0123456789abcdefABCDEF"),
            ("NAVER_CLOUD_SMS_SERVICE_ID", "ncp:sms:kr:123456789012:example"),
            ("NAVER_CLOUD_SMS_FROM_NUMBER", "0212345678"),
            ("NAVER_CLOUD_SENS_BASE_URL", url),
        ]),
        sms(&[
            ("SMS_PROVIDER", "aligo"),
            ("ALIGO_API_KEY", "key"),
            ("ALIGO_USER_ID", "user"),
            ("ALIGO_SENDER", "0212345678"),
            ("ALIGO_BASE_URL", url),
        ]),
        sms(&naver_alimtalk::vars(url)),
        sms(&aligo_alimtalk::vars(url)),
        sms(&[
            ("SMS_PROVIDER", "solapi"),
            ("SOLAPI_API_KEY", "key"),
            ("SOLAPI_API_SECRET", "secret"),
            ("SOLAPI_SENDER", "0212345678"),
            ("SOLAPI_BASE_URL", url),
        ]),
    ]
}

async fn outcomes(url: &str) -> Vec<(&'static str, Outcome)> {
    let message = code_message();
    let mut outcomes = Vec::new();
    for provider in all_providers(url) {
        outcomes.push((provider.name(), provider.send(&message).await));
    }
    outcomes
}

/// A server that calls `serve` for each connection.
async fn server<F: Future<Output = ()> + Send>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            serve(stream).await;
        }
    });
    url
}

/// Reads until part of the request body must have arrived.
async fn read_some(stream: &mut TcpStream) {
    let mut buffer = [0; 4096];
    assert!(stream.read(&mut buffer).await.unwrap() > 0);
}

#[tokio::test]
async fn dl_03_refused_connection_means_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for (name, outcome) in outcomes(&url).await {
        assert_eq!(outcome, unavailable("not_reached"), "{name}");
    }
}

#[tokio::test]
async fn connection_lost_after_the_request_is_unknown() {
    let url = server(|mut stream| async move {
        read_some(&mut stream).await;
        drop(stream);
    })
    .await;
    for (name, outcome) in outcomes(&url).await {
        assert_eq!(outcome, Outcome::Unknown, "{name}");
    }
}

#[tokio::test]
async fn response_timeout_is_unknown() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            held.push(listener.accept().await.unwrap());
        }
    });
    let message = code_message();
    let providers = all_providers(&url);
    let started = Instant::now();
    let sends = providers.iter().map(|provider| provider.send(&message));
    for (provider, outcome) in providers.iter().zip(futures_util::future::join_all(sends).await) {
        assert_eq!(outcome, Outcome::Unknown, "{}", provider.name());
    }
    // Concurrently, to save time.
    assert!(started.elapsed() < TIMEOUT * u32::try_from(providers.len()).unwrap());
}

#[tokio::test]
async fn truncated_success_is_unknown_and_truncated_error_goes_by_status() {
    let half = |status: &'static str| {
        move |mut stream: TcpStream| async move {
            read_some(&mut stream).await;
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: 100\r\n\r\n{{\"sid\":");
            let _ = stream.write_all(head.as_bytes()).await;
        }
    };
    for (name, outcome) in outcomes(&server(half("200 OK")).await).await {
        // A provider whose response body is not specified may be truncated.
        let expected =
            if name == "webhook" { Outcome::Accepted { provider_message_id: None } } else { Outcome::Unknown };
        assert_eq!(outcome, expected, "{name}");
    }
    for (name, outcome) in outcomes(&server(half("503 Service Unavailable")).await).await {
        assert_eq!(outcome, unavailable("503"), "{name}");
    }
}

/// A redirect would disclose keys and codes to another host.
#[tokio::test]
async fn dl_06_redirect_is_not_followed() {
    let double = Double::start().await;
    for provider in all_providers(&double.url()) {
        double.then(Reply::text(307, "").with("location", &double.url()));
        let outcome = provider.send(&code_message()).await;
        assert!(matches!(outcome, Outcome::Misconfigured { .. }), "{}: {outcome:?}", provider.name());
        double.take_one();
    }
}

#[tokio::test]
async fn garbage_is_not_success_and_oversized_body_is_cut_off() {
    let double = Double::start().await;
    for body in ["<html>It works!</html>".to_owned(), "null".to_owned(), "x".repeat(4 * 1024 * 1024)] {
        for provider in all_providers(&double.url()) {
            double.then(Reply::text(200, &body));
            let outcome = provider.send(&code_message()).await;
            let lenient = provider.name() == "webhook";
            let expected = if lenient { Outcome::Accepted { provider_message_id: None } } else { Outcome::Unknown };
            assert_eq!(outcome, expected, "{}", provider.name());
        }
    }
}

#[tokio::test]
async fn errors_of_an_intermediary_go_by_their_status() {
    let double = Double::start().await;
    for provider in all_providers(&double.url()) {
        let outcome = async |status: u16| {
            double.then(Reply::text(status, "<html>").with("retry-after", "7"));
            provider.send(&code_message()).await
        };
        let name = provider.name();
        for status in [500, 502, 503] {
            assert_eq!(outcome(status).await, unavailable_for(&status.to_string(), 7), "{name}");
        }
        assert_eq!(outcome(504).await, Outcome::Unknown, "{name}");
        let throttled = Outcome::Throttled { retry_after: Some(std::time::Duration::from_secs(7)) };
        assert_eq!(outcome(429).await, throttled, "{name}");
        assert!(matches!(outcome(401).await, Outcome::Misconfigured { .. }), "{name}");
        // Amazon uses 403 for errors of our key, Vonage 404 for errors of a request.
        let refused = outcome(403).await;
        assert_eq!(matches!(refused, Outcome::RejectedDestination { .. }), name != "aws-sns", "{name}: {refused:?}");
        let lost = outcome(404).await;
        assert_eq!(matches!(lost, Outcome::Misconfigured { .. }), name != "vonage", "{name}: {lost:?}");
    }
}
