//! Invalid provider configuration is rejected at start, provider by provider.

use countersign::delivery::{ProviderPlan, describe};
use domain::channel::Channel;
use platform::config::delivery::DeliverySettings;
use providers::{Receipts, Registration};

use super::support::{deps, env, refusals};

fn hints(vars: &[(&str, &str)]) -> Vec<String> {
    let mut all = vec![("SMS_PROVIDER", ","), ("EMAIL_PROVIDER", ",")];
    all.extend_from_slice(vars);
    refusals(&all).iter().map(ToString::to_string).collect()
}

#[test]
fn all_missing_settings_of_a_provider_are_reported_at_once() {
    let missing = |name: &str| hints(&[("SMS_PROVIDER", name)]).join("\n");
    assert_eq!(
        missing("twilio"),
        "SMS_PROVIDER: twilio requires TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN or TWILIO_API_KEY_SID with \
         TWILIO_API_KEY_SECRET, TWILIO_FROM_NUMBER or TWILIO_MESSAGING_SERVICE_SID: set what is missing, or remove twilio"
    );
    assert!(missing("twilio-verify").contains("TWILIO_VERIFY_SERVICE_SID"));
    assert!(missing("naver-cloud").contains(
        "NAVER_CLOUD_ACCESS_KEY, NAVER_CLOUD_SECRET_KEY, NAVER_CLOUD_SMS_SERVICE_ID, NAVER_CLOUD_SMS_FROM_NUMBER"
    ));
    assert!(missing("aligo").contains("ALIGO_API_KEY, ALIGO_USER_ID, ALIGO_SENDER"));
    assert!(missing("solapi").contains("SOLAPI_API_KEY, SOLAPI_API_SECRET, SOLAPI_SENDER"));
    assert!(missing("vonage").contains("VONAGE_API_KEY, VONAGE_FROM, VONAGE_API_SECRET or VONAGE_SIGNATURE_SECRET"));
    assert!(missing("webhook").contains("DELIVERY_WEBHOOK_URL, DELIVERY_WEBHOOK_SECRET"));
    assert!(hints(&[("EMAIL_PROVIDER", "smtp")]).join("").contains("smtp requires SMTP_HOST, SMTP_FROM"));
    #[cfg(feature = "aws-sns")]
    assert!(missing("aws-sns").contains("AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION"));
}

#[test]
fn each_provider_of_a_list_is_checked() {
    let hints =
        hints(&[("SMS_PROVIDER", "aligo,solapi"), ("EMAIL_PROVIDER", "smtp,nobody"), ("VOICE_PROVIDER", "aligo")]);
    assert_eq!(hints.len(), 5, "{hints:#?}");
    assert!(hints.iter().any(|hint| hint == "VOICE_PROVIDER: aligo carries only SMS: remove it"));
    assert!(hints.iter().any(|hint| hint.starts_with(r#"EMAIL_PROVIDER: unknown provider "nobody""#)));
}

#[test]
fn invalid_values_are_rejected_without_showing_secrets() {
    let refused = |name: &str, value: &str| {
        let hints =
            hints(&[("SMS_PROVIDER", "twilio,aws-sns,vonage,webhook"), ("EMAIL_PROVIDER", "smtp"), (name, value)]);
        let prefix = format!("{name}: ");
        hints
            .into_iter()
            .find(|hint| hint.starts_with(&prefix))
            .unwrap_or_else(|| panic!("{name}={value} was accepted"))
    };
    refused("TWILIO_ACCOUNT_SID", "../AC1");
    refused("TWILIO_ACCOUNT_SID", "SK0000");
    refused("TWILIO_API_BASE_URL", "http://api.twilio.com");
    refused("TWILIO_STATUS_CALLBACK_URL", "here");
    refused("AWS_REGION", "ap-northeast-1.evil.example/");
    refused("AWS_SNS_SENDER_ID", "no spaces");
    refused("AWS_SNS_MAX_PRICE_USD", "-1");
    refused("VONAGE_SIGNATURE_METHOD", "rot13");
    refused("VONAGE_DLR_CALLBACK_URL", &format!("https://x.example/{}", "a".repeat(100)));
    refused("DELIVERY_WEBHOOK_URL", "http://gateway.example.com");
    refused("DELIVERY_WEBHOOK_TIMEOUT_MS", "soon");
    refused("SMTP_FROM", "nobody");
    refused("SMTP_PORT", "70000");
    refused("SMTP_CA_FILE", "/nowhere.pem");
    let shown = refused("DELIVERY_WEBHOOK_SECRET", "whsec_c2hvcnQ=");
    assert!(!shown.contains("c2hvcnQ"), "{shown}");
    let shown = refused("SOLAPI_WEBHOOK_TOKEN", "guessable");
    assert!(!shown.contains("guessable"), "{shown}");
}

#[test]
fn unencrypted_smtp_is_allowed_only_to_localhost() {
    let with_host = |host| {
        hints(&[("EMAIL_PROVIDER", "smtp"), ("SMTP_HOST", host), ("SMTP_FROM", "a@b.example"), ("SMTP_TLS", "none")])
    };
    assert_eq!(with_host("127.0.0.1"), Vec::<String>::new());
    assert!(with_host("mail.example.com")[0].starts_with("SMTP_TLS: "));
}

const TWILIO: &[(&str, &str)] = &[
    ("TWILIO_ACCOUNT_SID", "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    ("TWILIO_AUTH_TOKEN", "token\n"),
    ("TWILIO_FROM_NUMBER", "+15005550006"),
];

#[tokio::test]
async fn provider_for_two_channels_is_built_once() {
    let mut vars =
        vec![("SMS_PROVIDER", "twilio,webhook"), ("VOICE_PROVIDER", "twilio"), ("EMAIL_PROVIDER", "webhook")];
    vars.extend_from_slice(TWILIO);
    vars.push(("DELIVERY_WEBHOOK_URL", "https://gateway.example.com/"));
    vars.push(("DELIVERY_WEBHOOK_SECRET", "whsec_bcyrfvFYBhsqlj5RCFhwN8KNGLGfi2vtHkEWiKZxO9o="));
    let env = env(&vars);
    let routes =
        ProviderPlan::read(&env, &DeliverySettings::from_env(&env)).build(&deps(platform::clock::Clock::System));
    assert_eq!(env.into_errors(), []);
    let names = |channel| routes.of(channel).iter().map(|provider| provider.name()).collect::<Vec<_>>();
    assert_eq!(names(Channel::Sms), ["twilio", "webhook"]);
    assert_eq!(names(Channel::Voice), ["twilio"]);
    assert_eq!(names(Channel::Email), ["webhook"]);
    assert_eq!(routes.all().count(), 2);
    assert!(routes.named("twilio").is_some() && routes.named("aligo").is_none());
}

#[test]
fn doctor_lists_capabilities_and_missing_settings_of_each_provider() {
    let mut vars = vec![("SMS_PROVIDER", "twilio,aligo"), ("VOICE_PROVIDER", "twilio"), ("EMAIL_PROVIDER", "smtp")];
    vars.extend_from_slice(TWILIO);
    let env = env(&vars);
    let lines: Vec<_> = describe(&env, &DeliverySettings::from_env(&env)).iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "aligo: carries SMS; only to +82; receipts by polling; missing: ALIGO_API_KEY, ALIGO_USER_ID, ALIGO_SENDER",
            "smtp: carries EMAIL; worldwide; no receipts; missing: SMTP_HOST, SMTP_FROM",
            "twilio: carries SMS, VOICE; worldwide; receipts by webhook; ready",
        ]
    );
}

#[test]
fn delivery_page_lists_every_provider() {
    let page = std::fs::read_to_string(crate::support::files::root().join("docs/delivery.md")).unwrap();
    for Registration { name, capabilities, .. } in providers::ALL {
        let channels: Vec<_> = capabilities.channels.iter().map(|channel| channel.as_str()).collect();
        let receipts = match capabilities.receipts {
            Receipts::None => "none",
            Receipts::Webhook => "by webhook",
            Receipts::Polling => "by polling",
            Receipts::WebhookThenPolling => "by webhook, confirmed by polling",
        };
        let row = format!("| `{name}` | {} | {receipts} |", channels.join(", "));
        assert!(page.lines().any(|line| line == row), "docs/delivery.md misses the row {row}");
    }
}
