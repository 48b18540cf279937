//! How many messages of each channel can be sent now: the limit of the channel, and those of its providers.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{call_permit::CallPermit, provider_client::ProviderClient, provider_clients::ProviderClients};
use domain::{Timestamp, channel::Channel};

/// The limits of all channels. Each channel has its own, so that a hanging SMS provider does not delay e-mails.
pub(super) struct ChannelLimits {
    limits: BTreeMap<Channel, ChannelLimit>,
    clients: ProviderClients,
    /// Determines which channel gets the first permit.
    first: AtomicUsize,
}

struct ChannelLimit {
    permits: Arc<Semaphore>,
    /// Whether messages may wait in the table. A new message is then not sent before them.
    has_backlog: AtomicBool,
}

/// A permit to send one message now.
pub(super) struct SendPermit {
    /// For the provider that is tried first. None if all providers are unavailable: the message is rescheduled.
    pub call: Option<CallPermit>,
    _channel: OwnedSemaphorePermit,
}

/// The messages that can be sent now, by channel.
#[derive(Default)]
pub(super) struct Capacity {
    pub permits: BTreeMap<Channel, Vec<SendPermit>>,
    /// The limit of some channel is reached.
    pub exhausted: bool,
    /// All providers of some channel are unavailable for a few seconds.
    pub briefly_unavailable: bool,
}

impl Capacity {
    pub fn channels(&self) -> Vec<Channel> {
        self.permits.keys().copied().collect()
    }

    /// The maximum for all channels together: the smallest number of a single channel, since all messages may be of one.
    pub fn max(&self) -> usize {
        self.permits.values().map(Vec::len).min().unwrap_or(0)
    }

    pub fn take(&mut self, channel: Channel) -> Option<SendPermit> {
        self.permits.get_mut(&channel)?.pop()
    }
}

impl ChannelLimits {
    /// `concurrency`: the maximum number of messages of each channel at a time.
    pub fn new(clients: ProviderClients, concurrency: usize) -> Self {
        let limit = |channel| {
            let permits = Arc::new(Semaphore::new(concurrency));
            (channel, ChannelLimit { permits, has_backlog: AtomicBool::new(false) })
        };
        Self { limits: Channel::all().map(limit).collect(), clients, first: AtomicUsize::new(0) }
    }

    /// A permit for a message that is about to be written. None: it has to wait, because a limit is reached or because
    /// others wait already.
    pub fn try_acquire(&self, channel: Channel, now: Timestamp) -> Option<SendPermit> {
        let limit = self.limits.get(&channel)?;
        if limit.has_backlog.load(Ordering::Relaxed) {
            return None;
        }
        let permit = match self.clients.are_briefly_unavailable(channel, now) {
            true => None,
            false => limit.permit(self.clients.first_available(channel, now).map(Arc::as_ref)),
        };
        if permit.is_none() {
            limit.has_backlog.store(true, Ordering::Relaxed);
        }
        permit
    }

    /// Up to `max` permits for each channel in which messages wait, or for each of the other channels.
    ///
    /// Channels may share a provider and its permits: each gets one in turn, and another one is first each time. A channel
    /// that gets none counts as one in which messages wait, so that it takes part the next time.
    pub fn capacity(&self, waiting: bool, max: usize, now: Timestamp) -> Capacity {
        let mut capacity = Capacity::default();
        let mut open = Vec::new();
        for (channel, limit) in &self.limits {
            if limit.has_backlog.load(Ordering::Relaxed) != waiting {
                continue;
            }
            match self.clients.are_briefly_unavailable(*channel, now) {
                true => capacity.briefly_unavailable = true,
                false => open.push((*channel, limit, self.clients.first_available(*channel, now).map(Arc::as_ref))),
            }
        }
        let first = self.first.fetch_add(1, Ordering::Relaxed).checked_rem(open.len()).unwrap_or(0);
        open.rotate_left(first);
        for _ in 0..max {
            open.retain(|(channel, limit, client)| match limit.permit(*client) {
                Some(permit) => {
                    capacity.permits.entry(*channel).or_default().push(permit);
                    true
                }
                None => {
                    if !capacity.permits.contains_key(channel) {
                        capacity.exhausted = true;
                        limit.has_backlog.store(true, Ordering::Relaxed);
                    }
                    false
                }
            });
        }
        capacity
    }

    /// Sets whether messages of these channels wait in the table.
    pub fn set_backlog(&self, channels: &[Channel], waiting: bool) {
        for limit in channels.iter().filter_map(|channel| self.limits.get(channel)) {
            limit.has_backlog.store(waiting, Ordering::Relaxed);
        }
    }
}

impl ChannelLimit {
    fn permit(&self, client: Option<&ProviderClient>) -> Option<SendPermit> {
        let channel = Arc::clone(&self.permits).try_acquire_owned().ok()?;
        let call = match client {
            Some(client) => Some(client.try_acquire()?),
            None => None,
        };
        Some(SendPermit { call, _channel: channel })
    }
}
