//! The registration of a provider: its name, capabilities and settings, and how it is built from them.

use std::{sync::Arc, time::Duration};

use crate::{
    base_url,
    http_client::HttpClient,
    outbox::DevOutbox,
    provider::{Capabilities, Provider},
    receipt::ReceiptWebhook,
};
use domain::channel::Channel;
use platform::{
    clock::{Clock, Entropy},
    config::{Env, Secret, Setting},
};

/// The registration of a provider. Each provider has one, in its file.
pub struct Registration {
    /// The name in `SMS_PROVIDER`.
    pub name: &'static str,
    pub capabilities: Capabilities,
    /// The settings of this provider.
    pub settings: &'static [Setting],
    /// The webhook for its receipts, if it calls one by [`Capabilities::receipts`].
    pub receipts: Option<ReceiptWebhook>,
    /// Reads the settings and returns the function that builds the provider. Missing settings are recorded in the
    /// reader; the function is then never called.
    pub read: fn(&mut SettingsReader<'_>) -> ProviderFactory,
}

/// Builds a provider from validated settings.
pub type ProviderFactory = Box<dyn FnOnce(&ProviderDeps) -> Arc<dyn Provider> + Send>;

/// The dependencies of providers.
#[derive(Clone)]
pub struct ProviderDeps {
    pub http: HttpClient,
    /// `PROVIDER_TIMEOUT`, for providers that do not use HTTP.
    pub timeout: Duration,
    pub clock: Clock,
    pub entropy: Entropy,
    /// The outbox of the development provider, if that is configured.
    pub outbox: Option<DevOutbox>,
    /// `PUBLIC_URL` without a trailing slash, to which providers send receipts.
    pub public_url: Option<String>,
}

impl ProviderDeps {
    /// The URL for receipts of the provider `name`: its own setting, or a path below `PUBLIC_URL` if that is https.
    pub fn receipt_url(&self, own: Option<&str>, name: &str) -> Option<String> {
        let below = || self.public_url.as_ref().filter(|url| url.starts_with("https://"));
        own.map(str::to_owned).or_else(|| below().map(|url| format!("{url}/receipts/{name}")))
    }
}

/// Reads the settings of one provider and records which are missing.
pub struct SettingsReader<'a> {
    env: &'a Env,
    channels: &'a [Channel],
    missing: Vec<String>,
}

impl<'a> SettingsReader<'a> {
    /// A reader for a provider that is configured for these channels.
    pub fn new(env: &'a Env, channels: &'a [Channel]) -> Self {
        Self { env, channels, missing: Vec::new() }
    }

    /// The names of the missing settings; `A or B` if either is sufficient.
    pub fn into_missing(self) -> Vec<String> {
        self.missing
    }

    /// For settings that are optional or have a default.
    pub fn env(&self) -> &'a Env {
        self.env
    }

    /// Whether the provider is configured for this channel.
    pub fn supports(&self, channel: Channel) -> bool {
        self.channels.contains(&channel)
    }

    /// A required setting. Empty if missing.
    pub fn text(&mut self, name: &'static str) -> String {
        self.env.text(name).unwrap_or_else(|| {
            self.missing(name);
            String::new()
        })
    }

    /// A required secret. Empty if missing.
    pub fn secret(&mut self, name: &'static str) -> Secret {
        self.env.secret(name).unwrap_or_else(|| {
            self.missing(name);
            Secret::new("")
        })
    }

    /// The base URL of its API.
    pub fn base_url(&self, name: &'static str) -> String {
        self.env.parse(name, base_url::parse_base)
    }

    /// A required setting with only letters, digits and the characters of `also`, since it becomes part of a path or
    /// header.
    pub fn identifier(&mut self, name: &'static str, also: &str) -> String {
        let text = self.text(name);
        if !text.chars().all(|char| char.is_ascii_alphanumeric() || also.contains(char)) {
            self.env.add_error(name, "letters and digits, as shown by the provider");
        }
        text
    }

    /// Records a missing setting: the name of a variable, or `A or B`.
    pub fn missing(&mut self, what: impl Into<String>) {
        self.missing.push(what.into());
    }
}

/// Secrets separated by commas, for rotation without interruption: the first is used to sign, all are accepted.
pub fn secrets(env: &Env, name: &'static str) -> Vec<Secret> {
    let given = env.secret(name);
    let parts = given.iter().flat_map(|secret| secret.expose().split(',')).map(str::trim);
    parts.filter(|part| !part.is_empty()).map(Secret::new).collect()
}
