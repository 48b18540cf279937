//! Amazon SNS, text messages to a number: <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>. The SDK
//! provides the signature and the protocol, on the HTTP client of the providers.

mod sdk_http;

use std::{sync::Arc, time::Duration};

use aws_sdk_sns::{
    Client,
    config::{
        BehaviorVersion, Config, Credentials, IdentityCache, Region, SharedHttpClient, StalledStreamProtectionConfig,
    },
    config::{retry::RetryConfig, timeout::TimeoutConfig},
    error::{ProvideErrorMetadata, SdkError},
    operation::publish::PublishError,
    types::MessageAttributeValue,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::{
    aws_sns::sdk_http::{AwsHttp, PlusForSpace},
    base_url, lenient,
    provider::{Capabilities, Channel, Outcome, Outgoing, Provider, SendFuture},
    registration::{ProviderDeps, ProviderFactory, Registration, SettingsReader},
};
use platform::config::{Secret, Setting};

const CAPABILITIES: Capabilities = Capabilities::of(&[Channel::Sms]);

/// The maximum length of a message in bytes.
const MAX_TEXT: usize = 1600;

/// Amazon SNS (<https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>).
pub const REGISTRATION: Registration = Registration {
    name: "aws-sns",
    capabilities: CAPABILITIES,
    settings: &[
        Setting::optional("AWS_ACCESS_KEY_ID", "An access key with permission for sns:Publish."),
        Setting::secret("AWS_SECRET_ACCESS_KEY", "The secret of the access key."),
        Setting::secret("AWS_SESSION_TOKEN", "The session token of temporary credentials."),
        Setting::optional(
            "AWS_REGION",
            "A region in which SNS can send text messages: for example Tokyo, but not Seoul (ap-northeast-2).",
        ),
        Setting::optional("AWS_SNS_SENDER_ID", "The sender ID, in countries that support one."),
        Setting::optional("AWS_SNS_ORIGINATION_NUMBER", "Your origination number to send from."),
        Setting::optional("AWS_SNS_MAX_PRICE_USD", "The maximum price of a message, in US dollars."),
        Setting::optional("AWS_ENDPOINT_URL_SNS", "The endpoint of SNS, if not the default of AWS; for tests."),
    ],
    receipts: None,
    read,
};

struct AwsSns {
    client: Client,
    /// Constant attributes: name, type, value.
    attributes: Vec<(&'static str, &'static str, String)>,
}

fn read(reader: &mut SettingsReader<'_>) -> ProviderFactory {
    let key = reader.text("AWS_ACCESS_KEY_ID");
    let secret = reader.secret("AWS_SECRET_ACCESS_KEY");
    let region = reader.identifier("AWS_REGION", "-");
    let env = reader.env();
    let token = env.secret("AWS_SESSION_TOKEN");
    let endpoint = env.parse_optional("AWS_ENDPOINT_URL_SNS", base_url::parse_base);
    // The default, Promotional, has lower priority and may be dropped.
    let mut attributes = vec![("AWS.SNS.SMS.SMSType", "String", "Transactional".to_owned())];
    attributes
        .extend(env.parse_optional("AWS_SNS_SENDER_ID", sender_id).map(|id| ("AWS.SNS.SMS.SenderID", "String", id)));
    let number = env.text("AWS_SNS_ORIGINATION_NUMBER");
    attributes.extend(number.map(|number| ("AWS.MM.SMS.OriginationNumber", "String", number)));
    let price = env.parse_optional("AWS_SNS_MAX_PRICE_USD", |text| match text.parse::<f64>() {
        Ok(price) if price > 0.0 && price.is_finite() => Ok(text.to_owned()),
        _ => Err("a price in US dollars, such as 0.10".to_owned()),
    });
    attributes.extend(price.map(|price| ("AWS.SNS.SMS.MaxPrice", "Number", price)));
    Box::new(move |deps| {
        let config = config(deps, key, &secret, token, region, endpoint);
        Arc::new(AwsSns { client: Client::from_conf(config), attributes })
    })
}

/// 1 to 11 letters, digits and hyphens, with at least one letter.
fn sender_id(text: &str) -> Result<String, String> {
    let allowed = text.chars().all(|char| char.is_ascii_alphanumeric() || char == '-');
    let has_letter = text.chars().any(|char| char.is_ascii_alphabetic());
    let fits = allowed && has_letter && text.len() <= 11;
    fits.then(|| text.to_owned())
        .ok_or_else(|| "1 to 11 letters, digits and hyphens, with at least one letter".to_owned())
}

fn config(
    deps: &ProviderDeps,
    key: String,
    secret: &Secret,
    token: Option<Secret>,
    region: String,
    endpoint: Option<String>,
) -> Config {
    let token = token.map(|token| token.expose().to_owned());
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .credentials_provider(Credentials::new(key, secret.expose(), token, None, "settings"))
        .region(Region::new(region))
        .http_client(SharedHttpClient::new(AwsHttp::new(deps.http.clone())))
        .interceptor(PlusForSpace)
        // Publish has no deduplication for phone numbers: a retry may send a second message.
        .retry_config(RetryConfig::disabled())
        // The HTTP client has timeouts, and the credentials are constant.
        .identity_cache(IdentityCache::no_cache())
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    config.set_endpoint_url(endpoint);
    config.build()
}

impl Provider for AwsSns {
    fn name(&self) -> &'static str {
        REGISTRATION.name
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn send<'a>(&'a self, message: &'a Outgoing) -> SendFuture<'a> {
        Box::pin(async move {
            let text = message.text.expose();
            if text.len() > MAX_TEXT {
                return Outcome::Unsupported { code: "text_too_long" };
            }
            let mut publish = self.client.publish().phone_number(message.to.as_str()).message(text);
            for (name, kind, value) in &self.attributes {
                let attribute = MessageAttributeValue::builder().data_type(*kind).string_value(value).build();
                let Ok(attribute) = attribute else { continue };
                publish = publish.message_attributes(*name, attribute);
            }
            match publish.send().await {
                Ok(published) => Outcome::Accepted { provider_message_id: published.message_id },
                Err(error) => error_outcome(&error),
            }
        })
    }
}

fn error_outcome(error: &SdkError<PublishError, HttpResponse>) -> Outcome {
    match error {
        SdkError::ServiceError(refusal) => {
            let raw = refusal.raw();
            rejection_outcome(refusal.err().code().or_else(|| bare_code(raw)).unwrap_or_default(), raw)
        }
        SdkError::DispatchFailure(failure) => match failure.as_connector_error().and_then(sdk_http::transport_error) {
            Some(transport_error) => transport_error.into(),
            None => Outcome::Unknown,
        },
        // The request was never made.
        SdkError::ConstructionFailure(_) => Outcome::Misconfigured { code: Some("bad_request_settings".to_owned()) },
        // A malformed response, and variants that future SDK versions may add.
        _ => Outcome::Unknown,
    }
}

/// The code of an error in a format that the SDK does not expect (from gateways and test servers).
fn bare_code(raw: &HttpResponse) -> Option<&str> {
    let body = std::str::from_utf8(raw.body().bytes()?).ok()?;
    Some(body.split_once("<Code>")?.1.split_once("</Code>")?.0)
}

fn rejection_outcome(reported: &str, raw: &HttpResponse) -> Outcome {
    let status = raw.status().as_u16();
    let retry_after = raw.headers().get("retry-after").and_then(|value| value.parse().ok()).map(Duration::from_secs);
    let code = lenient::code(reported).or_else(|| lenient::code(status.to_string()));
    match reported.trim_end_matches("Exception") {
        // The only parameter that depends on the user is the phone number.
        "InvalidParameter" | "ParameterValueInvalid" => Outcome::RejectedRecipient { code },
        "OptedOut" => Outcome::Blocked { code },
        "ValidationError" | "Validation" => Outcome::RejectedContent { code },
        "Throttling" | "Throttled" | "TooManyRequests" | "RequestLimitExceeded" | "SlowDown" | "KMSThrottling" => {
            Outcome::Throttled { retry_after }
        }
        // The request was not received completely.
        "RequestTimeout" | "InternalError" | "ServiceUnavailable" => Outcome::Unavailable { code, retry_after },
        // Problems with our signature, actions, endpoints and keys.
        "IncompleteSignature"
        | "InvalidAction"
        | "MissingAction"
        | "MalformedQueryString"
        | "UnrecognizedClient"
        | "ExpiredToken"
        | "EndpointDisabled"
        | "PlatformApplicationDisabled" => Outcome::Misconfigured { code },
        key if key.starts_with("KMS") => Outcome::Misconfigured { code },
        // A malformed rejection, and a gateway timeout.
        _ if status < 300 || status == 504 => Outcome::Unknown,
        _ if status >= 500 => Outcome::Unavailable { code, retry_after },
        _ if status == 429 => Outcome::Throttled { retry_after },
        // A number that is not verified in the sandbox, and other rejections of a single request.
        _ if status == 400 => Outcome::RejectedDestination { code },
        // Authorization, signature, keys, endpoints: an operator must fix it.
        _ => Outcome::Misconfigured { code },
    }
}
