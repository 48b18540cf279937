//! Builds providers from their names in `SMS_PROVIDER`, `VOICE_PROVIDER` and `EMAIL_PROVIDER`. All settings are
//! validated first.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use crate::delivery::{
    HttpClient, base_url,
    provider::{Capabilities, Channel, Provider, Receipts, Regions},
    providers::{self, development::DevOutbox},
};
use domain::contact::Contact;
use platform::{
    clock::{Clock, Entropy},
    config::{Env, Secret, Setting, SettingsSection, delivery::DeliverySettings},
};

/// The registration of a provider. Each provider has one file in `providers/`.
pub struct Registration {
    /// The name in `SMS_PROVIDER`.
    pub name: &'static str,
    pub abilities: Capabilities,
    /// The settings of this provider.
    pub settings: &'static [Setting],
    /// Reads the settings and returns the function that builds the provider. Missing settings are recorded in the
    /// reader; the function is then never called.
    pub read: fn(&mut SettingsReader<'_>) -> ProviderFactory,
}

/// Builds a provider from validated settings.
pub type ProviderFactory = Box<dyn FnOnce(&Tools) -> Arc<dyn Provider> + Send>;

/// The dependencies of providers.
#[derive(Clone)]
pub struct Tools {
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

impl Tools {
    /// The URL for receipts of the provider `name`: its own setting, or a path below `PUBLIC_URL` if that is https.
    pub fn receipts_at(&self, own: Option<&str>, name: &str) -> Option<String> {
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
    /// For settings that are optional or have a default.
    pub fn env(&self) -> &'a Env {
        self.env
    }

    /// Whether the provider is configured for this channel.
    pub fn carries(&self, channel: Channel) -> bool {
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
    pub fn word(&mut self, name: &'static str, also: &str) -> String {
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

/// The settings of all providers.
pub fn settings() -> impl Iterator<Item = Setting> {
    setting_groups().flat_map(|chapter| chapter.settings).copied()
}

/// The settings of all providers as chapters of `.env.example`.
pub fn setting_groups() -> impl Iterator<Item = SettingsSection> {
    providers::ALL
        .iter()
        .map(|registration| SettingsSection { title: registration.name, settings: registration.settings })
}

/// The configured providers, ready to be built.
pub struct ProviderPlan {
    makers: Vec<(&'static Registration, ProviderFactory)>,
    settings: DeliverySettings,
}

impl ProviderPlan {
    /// Validates every configured provider. Errors are reported through `env`, one for each provider.
    pub fn read(env: &Env, settings: &DeliverySettings) -> Self {
        let mut makers = Vec::new();
        for channel in CHANNELS {
            let (variable, names) = settings.chosen(channel);
            for name in names {
                match find(name) {
                    Err(hint) => env.add_error(variable, hint),
                    Ok(found) if !found.abilities.channels.contains(&channel) => {
                        env.add_error(
                            variable,
                            format!("{name} carries only {}: remove it", list(found.abilities.channels)),
                        );
                    }
                    Ok(found) => makers.push((channel, found)),
                }
            }
        }
        let mut read = BTreeMap::new();
        for (_, registration) in makers {
            read.entry(registration.name).or_insert_with(|| Candidate::read(registration, env, settings));
        }
        for candidate in read.values().filter(|candidate| !candidate.missing.is_empty()) {
            let Candidate { registration, channels, missing, .. } = candidate;
            let variable = channels.first().map_or("SMS_PROVIDER", |channel| settings.chosen(*channel).0);
            let (name, missing) = (registration.name, missing.join(", "));
            env.add_error(variable, format!("{name} requires {missing}: set what is missing, or remove {name}"));
        }
        let makers = read.into_values().map(|candidate| (candidate.registration, candidate.maker)).collect();
        Self { makers, settings: settings.clone() }
    }

    /// The names of the configured providers.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.makers.iter().map(|(registration, _)| registration.name)
    }

    /// Builds every provider once, also if it is used for several channels.
    pub fn build(self, tools: &Tools) -> Routes {
        let mut routes = Routes::default();
        for (registration, maker) in self.makers {
            routes.providers.insert(registration.name, maker(tools));
        }
        for channel in CHANNELS {
            let names = self.settings.chosen(channel).1.iter();
            let providers = names.filter_map(|name| routes.providers.get(name.as_str()).cloned()).collect();
            routes.by_channel.insert(channel, providers);
        }
        routes
    }
}

const CHANNELS: [Channel; 3] = [Channel::Sms, Channel::Voice, Channel::Email];

/// The providers of each channel, in order of failover.
#[derive(Clone, Default)]
pub struct Routes {
    providers: BTreeMap<&'static str, Arc<dyn Provider>>,
    by_channel: BTreeMap<Channel, Vec<Arc<dyn Provider>>>,
}

impl Routes {
    /// The providers of a channel, in order of failover.
    pub fn of(&self, channel: Channel) -> &[Arc<dyn Provider>] {
        self.by_channel.get(&channel).map_or(&[], Vec::as_slice)
    }

    /// Whether there is a provider for this channel.
    pub fn leads(&self, channel: Channel) -> bool {
        !self.of(channel).is_empty()
    }

    /// Whether notices are sent through the same providers of this channel as codes. Some providers generate and send
    /// only codes; a notice would skip them, and its different speed and receipts could be distinguished from a code.
    pub fn carry_notices(&self, channel: Channel) -> bool {
        let providers = self.of(channel);
        !providers.is_empty() && providers.iter().all(|provider| !provider.abilities().generates_codes)
    }

    /// The first provider of a channel that generates the codes it sends, and whether it is the first provider of the
    /// channel.
    pub fn code_maker(&self, channel: Channel) -> Option<(&'static str, bool)> {
        let maker = |provider: &Arc<dyn Provider>| provider.abilities().generates_codes;
        let at = self.of(channel).iter().position(maker)?;
        self.of(channel).get(at).map(|provider| (provider.name(), at == 0))
    }

    /// Whether a provider of a channel sends the codes of this service to this contact.
    pub fn carry_our_codes(&self, channel: Channel, to: &Contact) -> bool {
        let mut abilities = self.of(channel).iter().map(|provider| provider.abilities());
        abilities.any(|abilities| !abilities.generates_codes && abilities.reaches(to))
    }

    /// The provider with this name, as stored with a delivery or a receipt.
    pub fn named(&self, name: &str) -> Option<&Arc<dyn Provider>> {
        self.providers.get(name)
    }

    /// All providers, each once.
    pub fn all(&self) -> impl Iterator<Item = &Arc<dyn Provider>> {
        self.providers.values()
    }
}

/// The description of a configured provider in `doctor`.
#[derive(Clone, Debug)]
pub struct Description {
    pub name: &'static str,
    pub abilities: Capabilities,
    /// The channels that it is configured for.
    pub channels: Vec<Channel>,
    /// The names of missing variables; `A or B` if either is sufficient.
    pub missing: Vec<String>,
}

/// Describes every configured provider that exists. Invalid values are reported through `env`.
pub fn describe(env: &Env, settings: &DeliverySettings) -> Vec<Description> {
    let chosen = CHANNELS.iter().flat_map(|channel| settings.chosen(*channel).1);
    let mut found: BTreeMap<_, _> = BTreeMap::new();
    for registration in chosen.filter_map(|name| find(name).ok()) {
        found.entry(registration.name).or_insert_with(|| {
            let Candidate { registration, channels, missing, .. } = Candidate::read(registration, env, settings);
            Description { name: registration.name, abilities: registration.abilities, channels, missing }
        });
    }
    found.into_values().collect()
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, abilities, channels, missing } = self;
        write!(f, "{name}: carries {}", list(channels))?;
        match abilities.regions {
            Regions::Everywhere => f.write_str("; worldwide")?,
            Regions::CallingCodes(codes) => {
                let codes: Vec<_> = codes.iter().map(|code| format!("+{code}")).collect();
                write!(f, "; only to {}", codes.join(", "))?;
            }
        }
        f.write_str(match abilities.receipts {
            Receipts::None => "; no receipts",
            Receipts::Webhook => "; receipts by webhook",
            Receipts::Polling => "; receipts by polling",
            Receipts::WebhookThenPolling => "; receipts by webhook, confirmed by polling",
        })?;
        if missing.is_empty() { f.write_str("; ready") } else { write!(f, "; missing: {}", missing.join(", ")) }
    }
}

/// A configured provider with the result of reading its settings.
struct Candidate {
    registration: &'static Registration,
    channels: Vec<Channel>,
    missing: Vec<String>,
    maker: ProviderFactory,
}

impl Candidate {
    fn read(registration: &'static Registration, env: &Env, settings: &DeliverySettings) -> Self {
        let chosen = |channel: &Channel| settings.chosen(*channel).1.iter().any(|name| name == registration.name);
        let channels: Vec<_> = CHANNELS.into_iter().filter(chosen).collect();
        let mut reader = SettingsReader { env, channels: &channels, missing: Vec::new() };
        let maker = (registration.read)(&mut reader);
        let missing = reader.missing;
        Self { registration, channels, missing, maker }
    }
}

fn find(name: &str) -> Result<&'static Registration, String> {
    if cfg!(not(feature = "aws-sns")) && name == "aws-sns" {
        return Err("this program was built without the cargo feature aws-sns: remove it".to_owned());
    }
    providers::ALL.iter().find(|registration| registration.name == name).ok_or_else(|| {
        let names: Vec<_> = providers::ALL.iter().map(|registration| registration.name).collect();
        format!("unknown provider {name:?}: expected one of {}", names.join(", "))
    })
}

fn list(channels: &[Channel]) -> String {
    channels.iter().map(|channel| channel.as_str()).collect::<Vec<_>>().join(", ")
}
