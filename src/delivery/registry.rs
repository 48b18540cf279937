//! From names in `SMS_PROVIDER` and its sisters to providers that stand ready: what each needs is judged first, whole.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use crate::{
    clock::{Clock, Entropy},
    config::{Chapter, Env, Secret, Setting, delivery::DeliverySettings},
    contact::Contact,
    delivery::{
        HttpClient, base_url,
        provider::{Abilities, Channel, Provider, Receipts, Regions},
        providers::{self, development::DevOutbox},
    },
};

/// A provider before it is built: one file under `providers/` each.
pub struct Registration {
    /// Its name in `SMS_PROVIDER`.
    pub name: &'static str,
    pub abilities: Abilities,
    /// The variables that are its own.
    pub settings: &'static [Setting],
    /// Reads them, and says how to build the provider. What is missing is noted in the reader; the maker is then
    /// never called.
    pub read: fn(&mut Reader<'_>) -> Maker,
}

/// Builds a provider from settings that were judged.
pub type Maker = Box<dyn FnOnce(&Tools) -> Arc<dyn Provider> + Send>;

/// What providers are built with.
#[derive(Clone)]
pub struct Tools {
    pub http: HttpClient,
    /// `PROVIDER_TIMEOUT`, for what does not travel by HTTP.
    pub timeout: Duration,
    pub clock: Clock,
    pub entropy: Entropy,
    /// Where the development provider puts messages; there when it was chosen.
    pub outbox: Option<DevOutbox>,
    /// `PUBLIC_URL`, without a slash at its end: where providers send receipts.
    pub public_url: Option<String>,
}

impl Tools {
    /// Where `name` sends receipts to: what its own setting says, else below `PUBLIC_URL` where that can be reached
    /// from outside.
    pub fn receipts_at(&self, own: Option<&str>, name: &str) -> Option<String> {
        let below = || self.public_url.as_ref().filter(|url| url.starts_with("https://"));
        own.map(str::to_owned).or_else(|| below().map(|url| format!("{url}/receipts/{name}")))
    }
}

/// Reads the settings of one provider, and notes which are missing.
pub struct Reader<'a> {
    env: &'a Env,
    channels: &'a [Channel],
    missing: Vec<String>,
}

impl<'a> Reader<'a> {
    /// For settings that may be left out or have a default.
    pub fn env(&self) -> &'a Env {
        self.env
    }

    /// Whether the provider is chosen for this channel.
    pub fn carries(&self, channel: Channel) -> bool {
        self.channels.contains(&channel)
    }

    /// A setting that it can't do without. Empty where missing.
    pub fn text(&mut self, name: &'static str) -> String {
        self.env.text(name).unwrap_or_else(|| {
            self.missing(name);
            String::new()
        })
    }

    /// A secret that it can't do without. Empty where missing.
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

    /// The text, refused where it holds anything but letters, digits and `also`: it becomes part of a path or header.
    pub fn word(&mut self, name: &'static str, also: &str) -> String {
        let text = self.text(name);
        if !text.chars().all(|char| char.is_ascii_alphanumeric() || also.contains(char)) {
            self.env.refuse(name, "letters and digits, as the provider shows it");
        }
        text
    }

    /// Notes that something is missing: a variable's name, or `A or B`.
    pub fn missing(&mut self, what: impl Into<String>) {
        self.missing.push(what.into());
    }
}

/// Secrets apart by commas: the first is used, all are believed, so that one can be replaced without a gap.
pub fn secrets(env: &Env, name: &'static str) -> Vec<Secret> {
    let given = env.secret(name);
    let parts = given.iter().flat_map(|secret| secret.expose().split(',')).map(str::trim);
    parts.filter(|part| !part.is_empty()).map(Secret::new).collect()
}

/// The variables of every provider.
pub fn settings() -> impl Iterator<Item = Setting> {
    chapters().flat_map(|chapter| chapter.settings).copied()
}

/// The same as chapters of `.env.example`.
pub fn chapters() -> impl Iterator<Item = Chapter> {
    providers::ALL.iter().map(|registration| Chapter { title: registration.name, settings: registration.settings })
}

/// Providers that were chosen and can be built.
pub struct Plan {
    makers: Vec<(&'static Registration, Maker)>,
    settings: DeliverySettings,
}

impl Plan {
    /// Judges every chosen provider. What can't work is refused through `env`, provider by provider.
    pub fn read(env: &Env, settings: &DeliverySettings) -> Self {
        let mut makers = Vec::new();
        for channel in CHANNELS {
            let (variable, names) = settings.chosen(channel);
            for name in names {
                match find(name) {
                    Err(mend) => env.refuse(variable, mend),
                    Ok(found) if !found.abilities.channels.contains(&channel) => {
                        env.refuse(
                            variable,
                            format!("{name} carries {} alone: take it out", list(found.abilities.channels)),
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
            env.refuse(variable, format!("{name} lacks {missing}: set what is missing, or take {name} out"));
        }
        let makers = read.into_values().map(|candidate| (candidate.registration, candidate.maker)).collect();
        Self { makers, settings: settings.clone() }
    }

    /// The providers that were chosen.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.makers.iter().map(|(registration, _)| registration.name)
    }

    /// Builds every provider once, however many channels it carries.
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

/// Who carries what, in order of failover.
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

    /// Whether anybody carries messages of this channel.
    pub fn leads(&self, channel: Channel) -> bool {
        !self.of(channel).is_empty()
    }

    /// Whether a message without a code goes by the same providers of this channel as one with a code: some make and carry
    /// codes alone, and a notice that has to pass them by would show another one's pace and receipts.
    pub fn carry_notices(&self, channel: Channel) -> bool {
        let providers = self.of(channel);
        !providers.is_empty() && providers.iter().all(|provider| !provider.abilities().makes_code)
    }

    /// The first provider of a channel that makes the codes that it carries, and whether it is asked before any other.
    pub fn code_maker(&self, channel: Channel) -> Option<(&'static str, bool)> {
        let maker = |provider: &Arc<dyn Provider>| provider.abilities().makes_code;
        let at = self.of(channel).iter().position(maker)?;
        self.of(channel).get(at).map(|provider| (provider.name(), at == 0))
    }

    /// Whether some provider of a channel carries our own codes to this contact.
    pub fn carry_our_codes(&self, channel: Channel, to: &Contact) -> bool {
        let abilities = self.of(channel).iter().map(|provider| provider.abilities());
        abilities.into_iter().any(|abilities| !abilities.makes_code && abilities.reaches(to))
    }

    /// The provider that a delivery or a receipt names.
    pub fn named(&self, name: &str) -> Option<&Arc<dyn Provider>> {
        self.providers.get(name)
    }

    /// Every provider, once.
    pub fn all(&self) -> impl Iterator<Item = &Arc<dyn Provider>> {
        self.providers.values()
    }
}

/// One chosen provider, as `doctor` shows it.
#[derive(Clone, Debug)]
pub struct Description {
    pub name: &'static str,
    pub abilities: Abilities,
    /// The channels that it was chosen for.
    pub channels: Vec<Channel>,
    /// Names of variables; `A or B` where either will do.
    pub missing: Vec<String>,
}

/// Every chosen provider that there is. Values that can't be read are refused through `env`.
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
            Regions::Everywhere => f.write_str("; everywhere")?,
            Regions::CallingCodes(codes) => {
                let codes: Vec<_> = codes.iter().map(|code| format!("+{code}")).collect();
                write!(f, "; to {} alone", codes.join(", "))?;
            }
        }
        f.write_str(match abilities.receipts {
            Receipts::None => "; gives no receipts",
            Receipts::Webhook => "; receipts by webhook",
            Receipts::Polling => "; receipts by polling",
            Receipts::WebhookThenPolling => "; receipts by webhook, asked again",
        })?;
        if missing.is_empty() { f.write_str("; ready") } else { write!(f, "; lacks {}", missing.join(", ")) }
    }
}

/// One chosen provider with what was read for it.
struct Candidate {
    registration: &'static Registration,
    channels: Vec<Channel>,
    missing: Vec<String>,
    maker: Maker,
}

impl Candidate {
    fn read(registration: &'static Registration, env: &Env, settings: &DeliverySettings) -> Self {
        let chosen = |channel: &Channel| settings.chosen(*channel).1.iter().any(|name| name == registration.name);
        let channels: Vec<_> = CHANNELS.into_iter().filter(chosen).collect();
        let mut reader = Reader { env, channels: &channels, missing: Vec::new() };
        let maker = (registration.read)(&mut reader);
        let missing = reader.missing;
        Self { registration, channels, missing, maker }
    }
}

fn find(name: &str) -> Result<&'static Registration, String> {
    if cfg!(not(feature = "aws-sns")) && name == "aws-sns" {
        return Err("this program was built without aws-sns (a cargo feature): take it out".to_owned());
    }
    providers::ALL.iter().find(|registration| registration.name == name).ok_or_else(|| {
        let names: Vec<_> = providers::ALL.iter().map(|registration| registration.name).collect();
        format!("no provider is called {name:?}: there are {}", names.join(", "))
    })
}

fn list(channels: &[Channel]) -> String {
    channels.iter().map(|channel| channel.as_str()).collect::<Vec<_>>().join(", ")
}
