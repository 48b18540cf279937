//! The message providers, each with its requests, the meaning of its responses, and its receipts.
//!
//! A provider is one file (or one folder) and one line in [`ALL`]. The file contains its settings, capabilities, requests,
//! and, if it sends receipts to a webhook, their verification. To add a provider, write a file like `vonage.rs` and add its
//! `REGISTRATION` to [`ALL`]. Its settings are then listed in `.env.example` and `--help`, its name is accepted in
//! `SMS_PROVIDER`, `doctor` describes it, and its receipts are received at `/receipts/` and its name.
//!
//! Providers neither log nor retry, because: accepted does not mean delivered; a request that was sent without a
//! response is unknown, not failed; the error text of a provider may contain the phone number or the code.

mod alimtalk;
mod base_url;
mod hmac_tag;
mod http_client;
mod korean_text;
mod lenient;
mod outbox;
mod provider;
mod receipt;
mod registration;
pub mod segments;
pub mod standard_webhooks;
mod verifiers;

mod aligo;
#[cfg(feature = "aws-sns")]
mod aws_sns;
pub mod development;
mod naver_cloud;
mod smtp;
mod solapi;
mod twilio;
mod vonage;
mod webhook;

use platform::config::{Setting, SettingsSection};

pub use self::{
    http_client::{HttpClient, ProviderResponse, TransportError},
    provider::{
        BoxedFuture, Capabilities, CheckOutcome, CodeChecker, Outcome, Outgoing, PollResult, Provider, ReceiptStatus,
        Receipts, Regions, SendFuture,
    },
    receipt::{ReadVerifier, Receipt, ReceiptError, ReceiptHandler, ReceiptRequest, ReceiptVerifier, ReceiptWebhook},
    registration::{ProviderDeps, ProviderFactory, Registration, SettingsReader},
    verifiers::Verifiers,
};

/// All providers that are compiled in.
pub const ALL: &[Registration] = &[
    development::REGISTRATION,
    twilio::REGISTRATION,
    twilio::verify::REGISTRATION,
    #[cfg(feature = "aws-sns")]
    aws_sns::REGISTRATION,
    naver_cloud::REGISTRATION,
    aligo::REGISTRATION,
    solapi::REGISTRATION,
    vonage::REGISTRATION,
    smtp::REGISTRATION,
    webhook::REGISTRATION,
];

/// The registration of the provider `name`.
///
/// # Errors
/// A hint for the operator, if there is no such provider.
pub fn find(name: &str) -> Result<&'static Registration, String> {
    if cfg!(not(feature = "aws-sns")) && name == "aws-sns" {
        return Err("this program was built without the cargo feature aws-sns: remove it".to_owned());
    }
    ALL.iter().find(|registration| registration.name == name).ok_or_else(|| {
        let names: Vec<_> = ALL.iter().map(|registration| registration.name).collect();
        format!("unknown provider {name:?}: expected one of {}", names.join(", "))
    })
}

/// The settings of all providers.
pub fn settings() -> impl Iterator<Item = Setting> {
    setting_groups().flat_map(|section| section.settings).copied()
}

/// The settings of all providers as sections of `.env.example`.
pub fn setting_groups() -> impl Iterator<Item = SettingsSection> {
    ALL.iter().map(|registration| SettingsSection { title: registration.name, settings: registration.settings })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_that_call_a_webhook_register_it() {
        for registration in ALL {
            let calls = matches!(registration.capabilities.receipts, Receipts::Webhook | Receipts::WebhookThenPolling);
            assert_eq!(registration.receipts.is_some(), calls, "{}", registration.name);
        }
    }
}
