//! The clients of all providers, by channel and in order of failover.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::sync::Notify;

use super::{
    provider_client::{Limits, ProviderClient},
    registry::Routes,
};
use domain::Timestamp;
use domain::channel::Channel;
use platform::{
    clock::{Clock, Entropy},
    telemetry::metrics,
};
use providers::Provider;

/// The maximum unavailability for which messages stay unclaimed. With a longer one, messages are claimed and
/// rescheduled, and may fail before they expire.
const MAX_WAIT_UNCLAIMED: Duration = Duration::from_secs(5);

/// The clients of all providers. Each provider has one client for all its channels. Cheap to clone.
#[derive(Clone)]
pub struct ProviderClients(Arc<ClientMaps>);

struct ClientMaps {
    by_name: BTreeMap<&'static str, Arc<ProviderClient>>,
    by_channel: BTreeMap<Channel, Vec<Arc<ProviderClient>>>,
    permit_released: Arc<Notify>,
}

impl ProviderClients {
    /// Creates a client for each provider; `limits` returns the limits by provider name.
    pub fn new(routes: &Routes, limits: impl Fn(&str) -> Limits, clock: &Clock, entropy: &Entropy) -> Self {
        let freed = Arc::new(Notify::new());
        let client = |provider: &Arc<dyn Provider>| {
            metrics::init_provider(provider.name());
            let limits = limits(provider.name());
            ProviderClient::new(Arc::clone(provider), limits, Arc::clone(&freed), clock.clone(), entropy.clone())
        };
        let by_name: BTreeMap<_, _> =
            routes.all().map(|provider| (provider.name(), Arc::new(client(provider)))).collect();
        let of = |channel| {
            let named = routes.of(channel).iter().filter_map(|provider| by_name.get(provider.name()).cloned());
            (channel, named.collect())
        };
        let by_channel = Channel::all().map(of).collect();
        Self(Arc::new(ClientMaps { by_name, by_channel, permit_released: freed }))
    }

    /// The clients of a channel, in order of failover.
    pub(super) fn of(&self, channel: Channel) -> &[Arc<ProviderClient>] {
        self.0.by_channel.get(&channel).map_or(&[], Vec::as_slice)
    }

    /// Whether all providers of a channel are unavailable now, but one will be available within a few seconds.
    pub(super) fn are_briefly_unavailable(&self, channel: Channel, now: Timestamp) -> bool {
        let unavailable: Option<Vec<_>> =
            self.of(channel).iter().map(|client| client.unavailable_until(channel, now)).collect();
        unavailable
            .and_then(|unavailable| unavailable.into_iter().min())
            .is_some_and(|until| until <= now + MAX_WAIT_UNCLAIMED)
    }

    /// The first available provider for messages of a channel. None if all are unavailable or there is none.
    pub(super) fn first_available(&self, channel: Channel, now: Timestamp) -> Option<&Arc<ProviderClient>> {
        self.of(channel).iter().find(|client| client.unavailable_until(channel, now).is_none())
    }

    /// Notified when a call permit may be available again.
    pub(super) fn permit_released(&self) -> &Notify {
        &self.0.permit_released
    }

    pub(super) fn named(&self, name: &str) -> Option<&Arc<ProviderClient>> {
        self.0.by_name.get(name)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<ProviderClient>> {
        self.0.by_name.values()
    }

    /// Whether some provider generates its own codes.
    pub(super) fn any_generates_codes(&self) -> bool {
        self.all().any(|client| client.provider().capabilities().generates_codes)
    }

    /// Whether all providers of this channel are idempotent.
    pub(super) fn are_idempotent(&self, channel: Channel) -> bool {
        self.of(channel).iter().all(|client| client.provider().capabilities().idempotent)
    }
}
