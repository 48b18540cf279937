//! Builds providers from their names in `SMS_PROVIDER`, `VOICE_PROVIDER` and `EMAIL_PROVIDER`. All settings are
//! validated first.

use std::{collections::BTreeMap, fmt, sync::Arc};

use domain::{channel::Channel, contact::Contact};
use platform::config::{Env, delivery::DeliverySettings};
use providers::{
    Capabilities, Provider, ProviderDeps, ProviderFactory, Receipts, Regions, Registration, SettingsReader, find,
};

/// The configured providers, ready to be built.
pub struct ProviderPlan {
    factories: Vec<(&'static Registration, ProviderFactory)>,
    settings: DeliverySettings,
}

impl ProviderPlan {
    /// Validates every configured provider. Errors are reported through `env`, one for each provider.
    pub fn read(env: &Env, settings: &DeliverySettings) -> Self {
        let mut factories = Vec::new();
        for channel in CHANNELS {
            let (variable, names) = settings.providers_of(channel);
            for name in names {
                match find(name) {
                    Err(hint) => env.add_error(variable, hint),
                    Ok(found) if !found.capabilities.channels.contains(&channel) => {
                        env.add_error(
                            variable,
                            format!("{name} carries only {}: remove it", list(found.capabilities.channels)),
                        );
                    }
                    Ok(found) => factories.push((channel, found)),
                }
            }
        }
        let mut read = BTreeMap::new();
        for (_, registration) in factories {
            read.entry(registration.name).or_insert_with(|| Candidate::read(registration, env, settings));
        }
        for candidate in read.values().filter(|candidate| !candidate.missing.is_empty()) {
            let Candidate { registration, channels, missing, .. } = candidate;
            let variable = channels.first().map_or("SMS_PROVIDER", |channel| settings.providers_of(*channel).0);
            let (name, missing) = (registration.name, missing.join(", "));
            env.add_error(variable, format!("{name} requires {missing}: set what is missing, or remove {name}"));
        }
        let factories = read.into_values().map(|candidate| (candidate.registration, candidate.factory)).collect();
        Self { factories, settings: settings.clone() }
    }

    /// The names of the configured providers.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.factories.iter().map(|(registration, _)| registration.name)
    }

    /// Builds every provider once, also if it is used for several channels.
    pub fn build(self, deps: &ProviderDeps) -> Routes {
        let mut routes = Routes::default();
        for (registration, factory) in self.factories {
            routes.providers.insert(registration.name, factory(deps));
        }
        for channel in CHANNELS {
            let names = self.settings.providers_of(channel).1.iter();
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
    pub fn has_provider(&self, channel: Channel) -> bool {
        !self.of(channel).is_empty()
    }

    /// Whether notices are sent through the same providers of this channel as codes. Some providers generate and send
    /// only codes; a notice would skip them, and its different speed and receipts could be distinguished from a code.
    pub fn sends_notices(&self, channel: Channel) -> bool {
        let providers = self.of(channel);
        !providers.is_empty() && providers.iter().all(|provider| !provider.capabilities().generates_codes)
    }

    /// The first provider of a channel that generates the codes it sends, and whether it is the first provider of the
    /// channel.
    pub fn code_generator(&self, channel: Channel) -> Option<(&'static str, bool)> {
        let generates = |provider: &Arc<dyn Provider>| provider.capabilities().generates_codes;
        let at = self.of(channel).iter().position(generates)?;
        self.of(channel).get(at).map(|provider| (provider.name(), at == 0))
    }

    /// Whether a provider of a channel sends the codes of this service to this contact.
    pub fn sends_own_codes(&self, channel: Channel, to: &Contact) -> bool {
        let mut capabilities = self.of(channel).iter().map(|provider| provider.capabilities());
        capabilities.any(|capabilities| !capabilities.generates_codes && capabilities.reaches(to))
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
    pub capabilities: Capabilities,
    /// The channels that it is configured for.
    pub channels: Vec<Channel>,
    /// The names of missing variables; `A or B` if either is sufficient.
    pub missing: Vec<String>,
}

/// Describes every configured provider that exists. Invalid values are reported through `env`.
pub fn describe(env: &Env, settings: &DeliverySettings) -> Vec<Description> {
    let chosen = CHANNELS.iter().flat_map(|channel| settings.providers_of(*channel).1);
    let mut found: BTreeMap<_, _> = BTreeMap::new();
    for registration in chosen.filter_map(|name| find(name).ok()) {
        found.entry(registration.name).or_insert_with(|| {
            let Candidate { registration, channels, missing, .. } = Candidate::read(registration, env, settings);
            Description { name: registration.name, capabilities: registration.capabilities, channels, missing }
        });
    }
    found.into_values().collect()
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, capabilities, channels, missing } = self;
        write!(f, "{name}: carries {}", list(channels))?;
        match capabilities.regions {
            Regions::Everywhere => f.write_str("; worldwide")?,
            Regions::CallingCodes(codes) => {
                let codes: Vec<_> = codes.iter().map(|code| format!("+{code}")).collect();
                write!(f, "; only to {}", codes.join(", "))?;
            }
        }
        f.write_str(match capabilities.receipts {
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
    factory: ProviderFactory,
}

impl Candidate {
    fn read(registration: &'static Registration, env: &Env, settings: &DeliverySettings) -> Self {
        let chosen = |channel: &Channel| settings.providers_of(*channel).1.iter().any(|name| name == registration.name);
        let channels: Vec<_> = CHANNELS.into_iter().filter(chosen).collect();
        let mut reader = SettingsReader::new(env, &channels);
        let factory = (registration.read)(&mut reader);
        let missing = reader.into_missing();
        Self { registration, channels, missing, factory }
    }
}

fn list(channels: &[Channel]) -> String {
    channels.iter().map(|channel| channel.as_str()).collect::<Vec<_>>().join(", ")
}
