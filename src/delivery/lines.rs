//! The lines to all providers, by channel and in order of failover.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use sea_orm::Iterable;
use tokio::sync::Notify;

use super::{
    line::{Limits, Line},
    provider::{Channel, Provider},
    registry::Routes,
};
use domain::Timestamp;
use platform::{
    clock::{Clock, Entropy},
    telemetry::metrics,
};

/// A rest that is worth waiting for. Longer ones are told to each message, which may then fail before its time is over.
const MOMENT: Duration = Duration::from_secs(5);

/// The lines to all providers. One provider has one line, however many channels it carries. Cheap to clone.
#[derive(Clone)]
pub struct Lines(Arc<Inner>);

struct Inner {
    by_name: BTreeMap<&'static str, Arc<Line>>,
    by_channel: BTreeMap<Channel, Vec<Arc<Line>>>,
    freed: Arc<Notify>,
}

impl Lines {
    /// A line for each provider, within what `limits` gives for its name.
    pub fn new(routes: &Routes, limits: impl Fn(&str) -> Limits, clock: &Clock, entropy: &Entropy) -> Self {
        let freed = Arc::new(Notify::new());
        let line = |provider: &Arc<dyn Provider>| {
            metrics::provider_known(provider.name());
            let limits = limits(provider.name());
            Line::new(Arc::clone(provider), limits, Arc::clone(&freed), clock.clone(), entropy.clone())
        };
        let by_name: BTreeMap<_, _> =
            routes.all().map(|provider| (provider.name(), Arc::new(line(provider)))).collect();
        let of = |channel| {
            let named = routes.of(channel).iter().filter_map(|provider| by_name.get(provider.name()).cloned());
            (channel, named.collect())
        };
        let by_channel = Channel::iter().map(of).collect();
        Self(Arc::new(Inner { by_name, by_channel, freed }))
    }

    /// The lines of a channel, in order of failover.
    pub(super) fn of(&self, channel: Channel) -> &[Arc<Line>] {
        self.0.by_channel.get(&channel).map_or(&[], Vec::as_slice)
    }

    /// Whether nobody of a channel can be asked now, and somebody can in a moment.
    pub(super) fn rest_for_a_moment(&self, channel: Channel, now: Timestamp) -> bool {
        let rests: Option<Vec<_>> = self.of(channel).iter().map(|line| line.rests(channel, now)).collect();
        rests.and_then(|rests| rests.into_iter().min()).is_some_and(|until| until <= now + MOMENT)
    }

    /// Who is asked first for messages of a channel now. None: everybody rests, or nobody carries them.
    pub(super) fn first_awake(&self, channel: Channel, now: Timestamp) -> Option<&Arc<Line>> {
        self.of(channel).iter().find(|line| line.rests(channel, now).is_none())
    }

    /// Told when there may be room that there was not.
    pub(super) fn freed(&self) -> &Notify {
        &self.0.freed
    }

    pub(super) fn named(&self, name: &str) -> Option<&Arc<Line>> {
        self.0.by_name.get(name)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Line>> {
        self.0.by_name.values()
    }

    /// Whether some provider makes the codes that it carries.
    pub(super) fn make_codes(&self) -> bool {
        self.all().any(|line| line.provider().abilities().makes_code)
    }

    /// Whether a message sent twice arrives once, whoever of this channel carries it.
    pub(super) fn are_idempotent(&self, channel: Channel) -> bool {
        self.of(channel).iter().all(|line| line.provider().abilities().idempotent)
    }
}
