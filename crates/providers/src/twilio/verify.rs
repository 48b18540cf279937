//! Twilio Verify v2: Twilio generates, sends and checks the code. <https://www.twilio.com/docs/verify/api>
//!
//! The `provider_message_id` is the verification's SID (`VE…`). A second start for the same number within Twilio's ten
//! minutes is the same verification with the same code.

use std::sync::Arc;

use serde::Deserialize;

use crate::{
    http_client::{HttpClient, ProviderResponse, TransportError},
    lenient::{self, LenientString},
    provider::{
        BoxedFuture, Capabilities, Channel, CheckOutcome, CodeChecker, Outcome, Outgoing, PollResult, Provider,
        Receipts, SendFuture,
    },
    registration::{ProviderFactory, Registration, SettingsReader},
    twilio::{
        api::{self, Account},
        receipts::message_status,
    },
};
use platform::config::{Secret, Setting};

const CAPABILITIES: Capabilities = Capabilities {
    generates_codes: true,
    ..Capabilities::of(&[Channel::Sms, Channel::Voice]).with_receipts(Receipts::Polling)
};

/// Twilio Verify v2 (<https://www.twilio.com/docs/verify/api>).
pub const REGISTRATION: Registration = Registration {
    name: "twilio-verify",
    capabilities: CAPABILITIES,
    settings: &[
        Setting::optional(
            "TWILIO_VERIFY_SERVICE_SID",
            "The Verify service (VA…); its code length must be CODE_LENGTH.",
        ),
        Setting::new(
            "TWILIO_VERIFY_BASE_URL",
            "https://verify.twilio.com",
            "The base URL of Twilio Verify; for tests.",
        ),
    ],
    receipts: None,
    read,
};

struct TwilioVerify {
    http: HttpClient,
    account: Account,
    base: String,
    service: String,
}

fn read(reader: &mut SettingsReader<'_>) -> ProviderFactory {
    let account = Account::read(reader);
    let base = reader.base_url("TWILIO_VERIFY_BASE_URL");
    let service = reader.identifier("TWILIO_VERIFY_SERVICE_SID", "");
    if !service.is_empty() && !service.starts_with("VA") {
        reader.env().add_error("TWILIO_VERIFY_SERVICE_SID", "the SID of a Verify service, which starts with VA");
    }
    Box::new(move |deps| Arc::new(TwilioVerify { http: deps.http.clone(), account, base, service }))
}

impl Provider for TwilioVerify {
    fn name(&self) -> &'static str {
        REGISTRATION.name
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn send<'a>(&'a self, message: &'a Outgoing) -> SendFuture<'a> {
        Box::pin(async move {
            if message.code.is_none() {
                return Outcome::Unsupported { code: "carries_codes_alone" };
            }
            match self.start(message).await {
                Ok(response) if response.status.is_success() => match response.json::<Verification>() {
                    Some(started) => Outcome::Accepted { provider_message_id: Some(started.sid) },
                    None => Outcome::Unknown,
                },
                Ok(response) => api::rejection_outcome(&response),
                Err(transport_error) => TransportError::into(transport_error),
            }
        })
    }

    fn poll<'a>(&'a self, provider_message_id: &'a str) -> BoxedFuture<'a, PollResult> {
        Box::pin(async move {
            let url = format!("{}/v2/Attempts?VerificationSid={}", self.base, sid(provider_message_id));
            match self.account.get(&self.http, url).await {
                Ok(response) if response.status.is_success() => response.json().map_or(PollResult::Pending, newest),
                Ok(response) if response.status == 429 => PollResult::Throttled { retry_after: response.retry_after },
                Ok(_) | Err(_) => PollResult::Pending,
            }
        })
    }

    fn checker(&self) -> Option<&dyn CodeChecker> {
        Some(self)
    }
}

impl CodeChecker for TwilioVerify {
    fn check<'a>(&'a self, provider_message_id: &'a str, code: &'a Secret) -> BoxedFuture<'a, CheckOutcome> {
        Box::pin(async move {
            let form = [("VerificationSid", provider_message_id), ("Code", code.expose())];
            match self.post("VerificationCheck", &form).await {
                Ok(response) => check_outcome(&response),
                Err(_) => CheckOutcome::Unavailable,
            }
        })
    }

    fn cancel<'a>(&'a self, provider_message_id: &'a str) -> BoxedFuture<'a, bool> {
        Box::pin(async move {
            let resource = format!("Verifications/{}", sid(provider_message_id));
            match self.post(&resource, &[("Status", "canceled")]).await {
                Ok(response) => response.status.is_success() || response.status == 404,
                Err(_) => false,
            }
        })
    }
}

#[derive(Deserialize)]
struct Verification {
    sid: String,
}

impl TwilioVerify {
    async fn start(&self, message: &Outgoing) -> Result<ProviderResponse, TransportError> {
        let channel = match message.channel {
            Channel::Voice => "call",
            Channel::Sms | Channel::Email => "sms",
        };
        self.post(
            "Verifications",
            &[("To", message.to.as_str()), ("Channel", channel), ("Locale", message.locale.as_str())],
        )
        .await
    }

    async fn post(&self, resource: &str, form: &[(&str, &str)]) -> Result<ProviderResponse, TransportError> {
        let url = format!("{}/v2/Services/{}/{resource}", self.base, self.service);
        self.account.post(&self.http, url, form).await
    }
}

/// A stored id, made safe for use in a path.
fn sid(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect()
}

/// The outcome of a check. For a wrong code, the response is a success whose status is still pending.
fn check_outcome(response: &ProviderResponse) -> CheckOutcome {
    #[derive(Deserialize)]
    struct CheckResponse {
        status: String,
    }
    if response.status.is_success() {
        return match response.json::<CheckResponse>().map(|checked| checked.status).as_deref() {
            Some("approved") => CheckOutcome::Approved,
            Some("pending") => CheckOutcome::Wrong,
            Some("max_attempts_reached") => CheckOutcome::TooManyAttempts,
            Some("canceled" | "deleted" | "failed" | "expired") => CheckOutcome::Ended,
            Some(_) | None => CheckOutcome::Unavailable,
        };
    }
    match (api::error_code(response).as_str(), response.status.as_u16()) {
        ("60202", _) => CheckOutcome::TooManyAttempts,
        // Invalid parameter: the value does not have the format of a code.
        ("60200", _) => CheckOutcome::Wrong,
        (_, 429) => CheckOutcome::Throttled { retry_after: response.retry_after },
        (_, 404) => CheckOutcome::Ended,
        _ => CheckOutcome::Unavailable,
    }
}

#[derive(Deserialize)]
struct Attempts {
    attempts: Vec<Attempt>,
}

#[derive(Deserialize)]
struct Attempt {
    #[serde(default)]
    date_created: String,
    #[serde(default)]
    conversion_status: String,
    #[serde(default)]
    channel_data: ChannelData,
}

#[derive(Default, Deserialize)]
struct ChannelData {
    #[serde(default)]
    message_status: String,
    #[serde(default)]
    error_code: LenientString,
}

/// The status of the newest message of a verification. A message whose code was entered counts as delivered.
fn newest(Attempts { attempts }: Attempts) -> PollResult {
    use crate::provider::ReceiptStatus::Delivered;
    let Some(attempt) = attempts.into_iter().max_by(|one, other| one.date_created.cmp(&other.date_created)) else {
        return PollResult::Pending;
    };
    let ChannelData { message_status: status, error_code } = attempt.channel_data;
    match message_status(&status, error_code.as_str()) {
        _ if attempt.conversion_status == "converted" => PollResult::Status { status: Delivered, code: None },
        Some(status) => PollResult::Status { status, code: error_code.non_empty().and_then(lenient::code) },
        None => PollResult::Pending,
    }
}
