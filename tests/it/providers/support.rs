//! Providers built from settings, and messages for them.

use std::{sync::Arc, time::Duration};

use axum::http::HeaderName;
use countersign::delivery::ProviderPlan;
use domain::{
    Timestamp,
    channel::Channel,
    contact::{Contact, EmailAddress, PhoneNumber, Region},
    ids::DeliveryId,
    locale::Locale,
};
use platform::{
    clock::{Clock, Entropy},
    config::{Env, Secret, SettingError, delivery::DeliverySettings},
};
use providers::{
    HttpClient, Outcome, Outgoing, Provider, ProviderDeps, Receipt, ReceiptError, ReceiptRequest, Verifiers,
};

/// Long enough for a local test double, short enough to wait for.
pub const TIMEOUT: Duration = Duration::from_millis(1500);

/// An environment with these variables.
pub fn env(vars: &[(&str, &str)]) -> Env {
    let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Env::new(vars, countersign::app::settings())
}

/// The errors of a configuration.
pub fn refusals(vars: &[(&str, &str)]) -> Vec<SettingError> {
    let env = env(vars);
    let settings = DeliverySettings::from_env(&env);
    ProviderPlan::read(&env, &settings);
    Verifiers::from_env(&env, Some("https://sign.example.com"));
    env.into_errors()
}

/// The receipt verifiers that the variables configure.
pub fn verifiers(vars: &[(&str, &str)]) -> Verifiers {
    let env = env(vars);
    let verifiers = Verifiers::from_env(&env, Some("https://sign.example.com"));
    assert_eq!(env.into_errors(), []);
    verifiers
}

/// Whether the verifier of `provider` accepts a request; its receipts, if so.
pub fn verify(
    verifiers: &Verifiers,
    provider: &str,
    query: Option<&str>,
    headers: &[(&'static str, &str)],
    body: &str,
    received_at: Timestamp,
) -> Result<Vec<Receipt>, ReceiptError> {
    let headers = headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect();
    verifiers.verify(provider, &ReceiptRequest { query, headers: &headers, body: body.as_bytes(), received_at })
}

/// The provider that the variables configure for `channel`.
pub fn provider(channel: Channel, vars: &[(&str, &str)]) -> Arc<dyn Provider> {
    provider_at(Clock::System, channel, vars)
}

/// The same, with this clock.
pub fn provider_at(clock: Clock, channel: Channel, vars: &[(&str, &str)]) -> Arc<dyn Provider> {
    // The defaults, which use the development provider, are disabled.
    let mut all = vec![("SMS_PROVIDER", ","), ("EMAIL_PROVIDER", ",")];
    all.extend_from_slice(vars);
    let env = env(&all);
    let plan = ProviderPlan::read(&env, &DeliverySettings::from_env(&env));
    assert_eq!(env.into_errors(), []);
    let routes = plan.build(&deps(clock));
    assert_eq!(routes.of(channel).len(), 1);
    routes.of(channel)[0].clone()
}

pub fn deps(clock: Clock) -> ProviderDeps {
    ProviderDeps {
        outbox: None,
        http: HttpClient::new(TIMEOUT, clock.clone()).unwrap(),
        timeout: TIMEOUT,
        clock,
        entropy: Entropy::seeded(1),
        public_url: Some("https://sign.example.com".to_owned()),
    }
}

pub fn phone(number: &str) -> Contact {
    Contact::Phone(PhoneNumber::parse(number, Region::parse("KR").unwrap()).unwrap())
}

/// A code for a Korean phone.
pub fn text_message(text: &str) -> Outgoing {
    Outgoing {
        id: DeliveryId::new(&Entropy::seeded(2)),
        channel: Channel::Sms,
        to: phone("+821012345678"),
        text: Secret::new(text),
        subject: None,
        html: None,
        code: Some(Secret::new("123456")),
        locale: Locale::Ko,
        ttl: Duration::from_secs(300),
    }
}

pub fn code_message() -> Outgoing {
    text_message("[예시] 인증번호 [123456]를 입력해 주세요.")
}

pub fn call() -> Outgoing {
    Outgoing { channel: Channel::Voice, ..text_message("1, 2, 3, 4, 5, 6. 1, 2, 3, 4, 5, 6.") }
}

pub fn email(to: &str) -> Outgoing {
    Outgoing {
        channel: Channel::Email,
        to: Contact::Email(EmailAddress::parse(to).unwrap()),
        text: Secret::new("인증번호: 123456\n.\n끝"),
        subject: Some("[예시] 인증번호".to_owned()),
        html: Some(Secret::new("<p>인증번호: <b>123456</b></p>")),
        ..code_message()
    }
}

pub fn accepted(id: &str) -> Outcome {
    Outcome::Accepted { provider_message_id: Some(id.to_owned()) }
}

/// Short names of outcomes, for tables.
pub fn recipient(code: &str) -> Outcome {
    Outcome::RejectedRecipient { code: Some(code.to_owned()) }
}
pub fn blocked(code: &str) -> Outcome {
    Outcome::Blocked { code: Some(code.to_owned()) }
}
pub fn destination(code: &str) -> Outcome {
    Outcome::RejectedDestination { code: Some(code.to_owned()) }
}
pub fn unfit(code: &'static str) -> Outcome {
    Outcome::Unsupported { code }
}
pub fn deferred(code: &str) -> Outcome {
    Outcome::deferred(code.to_owned())
}
pub fn sender(code: &str) -> Outcome {
    Outcome::RejectedSender { code: Some(code.to_owned()) }
}
pub fn content(code: &str) -> Outcome {
    Outcome::RejectedContent { code: Some(code.to_owned()) }
}
pub fn misconfigured(code: &str) -> Outcome {
    Outcome::Misconfigured { code: Some(code.to_owned()) }
}
pub fn unavailable(code: &str) -> Outcome {
    Outcome::unavailable(code.to_owned())
}
/// With a `Retry-After`.
pub fn unavailable_for(code: &str, seconds: u64) -> Outcome {
    Outcome::Unavailable { code: Some(code.to_owned()), retry_after: Some(Duration::from_secs(seconds)) }
}
pub fn throttled(seconds: Option<u64>) -> Outcome {
    Outcome::Throttled { retry_after: seconds.map(Duration::from_secs) }
}

/// The value of a variable that scripts/test sets if it has started a stand-in. Without it the test reports that it was
/// left out. If scripts/stand-ins could not start an optional stand-in, the variable contains the reason.
pub fn stand_in(variable: &str, what: &str) -> Option<String> {
    let value = std::env::var_os(variable).and_then(|value| value.into_string().ok()).unwrap_or_default();
    if value.is_empty() {
        println!("LEFT OUT: {what}: {variable} is not set (scripts/stand-ins)");
        return None;
    }
    if value.starts_with("left out: ") {
        println!("{value}");
        return None;
    }
    Some(value)
}
