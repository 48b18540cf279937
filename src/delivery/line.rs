//! The line to one provider: how many calls it takes at once and how many a second, when it is to be left alone, and
//! what it did, in metrics and, once per outage, in the log.

use std::{
    collections::BTreeMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use governor::clock::{Clock as _, Reference};
use tokio::sync::{Notify, Semaphore};

use super::{
    breaker::{Admission, Breaker, Turn},
    provider::{Channel, Outcome, Outgoing, Polled, Provider},
    retry::chance,
    room::{Rate, Room},
    warned::{Refusal, Warned},
};
use crate::{
    clock::{Clock, Entropy, Instant},
    quota::Ticker,
    telemetry::{
        metrics,
        traces::{Kind, Trace},
    },
};

/// What one provider may be asked for.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Calls at a time.
    pub calls: u32,
    /// Messages a second; none: as many as there are.
    pub rate: Option<NonZeroU32>,
    /// How long a message waits for its turn before it goes elsewhere or back.
    pub patience: Duration,
}

/// The line to one provider.
pub(super) struct Line {
    provider: Arc<dyn Provider>,
    clock: Clock,
    entropy: Entropy,
    ticker: Ticker,
    rate: Option<Arc<Rate>>,
    calls: Arc<Semaphore>,
    /// Told when there is room again.
    freed: Arc<Notify>,
    patience: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    breaker: Breaker,
    /// Until when it asked to be sent nothing by a channel: a limit on text messages is none on e-mail.
    asked_for_peace: BTreeMap<Channel, Instant>,
    /// Until when it asked not to be asked what became of messages: it may still be sent some.
    not_polled: Option<Instant>,
    warned: Warned,
}

/// What came of asking.
pub(super) enum Said {
    Outcome(Outcome),
    /// It was not asked: it rests, or there is no room before `until`.
    Rests {
        until: Instant,
    },
}

impl Line {
    pub fn new(
        provider: Arc<dyn Provider>,
        limits: Limits,
        freed: Arc<Notify>,
        clock: Clock,
        entropy: Entropy,
    ) -> Self {
        let ticker = Ticker::new(clock.clone());
        let calls = usize::try_from(limits.calls).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            calls: Arc::new(Semaphore::new(calls)),
            patience: limits.patience,
            state: Mutex::default(),
            rate: limits.rate.map(|rate| Arc::new(Rate::new(rate, ticker.clone()))),
            provider,
            freed,
            clock,
            entropy,
            ticker,
        }
    }

    pub fn provider(&self) -> &dyn Provider {
        &*self.provider
    }

    /// Takes room for up to `most` calls, as far as there is any now.
    pub fn rooms(&self, most: usize) -> Vec<Room> {
        std::iter::from_fn(|| self.room_now()).take(most).collect()
    }

    fn room_now(&self) -> Option<Room> {
        let call = Arc::clone(&self.calls).try_acquire_owned().ok()?;
        if let Some(rate) = &self.rate {
            rate.take().ok()?;
        }
        Some(Room::new(self.provider.name(), call, self.rate.clone()))
    }

    async fn wait_for_room(&self) -> Option<Room> {
        let call = Arc::clone(&self.calls).acquire_owned().await.ok()?;
        while let Some(Err(wait)) = self.rate.as_ref().map(|rate| rate.take()) {
            self.clock.sleep(wait.max(Duration::from_millis(1))).await;
        }
        Some(Room::new(self.provider.name(), call, self.rate.clone()))
    }

    /// Hands a message over: at once where it has `room`, else when its turn comes, and no later than `deadline`.
    pub async fn send(&self, message: &Outgoing, room: Option<Room>, deadline: Instant) -> Said {
        let asked_at = self.clock.now();
        let room = match room {
            Some(room) => Some(room),
            None => tokio::select! {
                biased;
                room = self.wait_for_room() => room,
                () = self.clock.sleep(self.patience) => return Said::Rests { until: self.clock.now() },
            },
        };
        let now = self.clock.now();
        if now >= deadline {
            return Said::Rests { until: deadline };
        }
        if let Admission::Rests { until } = self.admit(message.channel, now) {
            return Said::Rests { until };
        }
        let room = room.map(|mut room| {
            room.used();
            room
        });
        let started = self.ticker.now();
        let trace = Trace::current().step("provider", Kind::Client);
        let outcome = trace.around(self.provider.send(message)).await;
        drop(room);
        self.freed.notify_one();
        trace.note("provider", self.provider.name());
        trace.note("outcome", outcome.name());
        if outcome.blames_provider() {
            trace.failed();
        }
        trace.end();
        let took = self.ticker.now().duration_since(started).into();
        metrics::sent(self.provider.name(), outcome.name(), took);
        tracing::debug!(
            provider = self.provider.name(), outcome = outcome.name(), delivery = ?message.id,
            waited = ?(now - asked_at), "asked a provider"
        );
        self.note(&outcome, message);
        Said::Outcome(outcome)
    }

    /// Asks what became of a message. None: it rests, so it was not asked.
    pub async fn poll(&self, provider_message_id: &str) -> Option<Polled> {
        if self.state().not_polled.is_some_and(|until| self.clock.now() < until) {
            return None;
        }
        let polled = self.provider.poll(provider_message_id).await;
        if let Polled::Throttled { retry_after } = polled {
            self.state().not_polled = self.end_of_peace(retry_after);
        }
        Some(polled)
    }

    fn admit(&self, channel: Channel, now: Instant) -> Admission {
        match self.peace(channel, now) {
            Some(until) => Admission::Rests { until },
            None => self.state().breaker.admit(now),
        }
    }

    /// Until when it is sent nothing by `channel`, if that is so.
    pub fn rests(&self, channel: Channel, now: Instant) -> Option<Instant> {
        self.peace(channel, now).or_else(|| self.state().breaker.rests(now))
    }

    fn peace(&self, channel: Channel, now: Instant) -> Option<Instant> {
        self.state().asked_for_peace.get(&channel).copied().filter(|until| *until > now)
    }

    fn end_of_peace(&self, retry_after: Option<Duration>) -> Option<Instant> {
        let wait = retry_after.filter(|wait| !wait.is_zero())?;
        Some(self.clock.now() + wait.min(LONGEST_PEACE))
    }

    /// Learns how the provider does from what it said. What concerns one recipient, one country or one text says
    /// nothing against it.
    fn note(&self, outcome: &Outcome, message: &Outgoing) {
        let now = self.clock.now();
        self.warn_once(outcome, message, now);
        let turn = match outcome {
            Outcome::Throttled { retry_after } => {
                let until = self.end_of_peace(*retry_after);
                let mut state = self.state();
                state.asked_for_peace.extend(until.map(|until| (message.channel, until)));
                state.breaker.undecided(now);
                return;
            }
            Outcome::Unavailable { .. } | Outcome::Misconfigured { .. } | Outcome::Unknown => {
                self.state().breaker.failed(now, chance(&self.entropy))
            }
            Outcome::Unfit { .. } | Outcome::Stalled => {
                self.state().breaker.undecided(now);
                return;
            }
            Outcome::Accepted { .. }
            | Outcome::Deferred { .. }
            | Outcome::RejectedRecipient { .. }
            | Outcome::Blocked { .. }
            | Outcome::RejectedDestination { .. }
            | Outcome::RejectedSender { .. }
            | Outcome::RejectedContent { .. } => self.state().breaker.succeeded(),
        };
        let (provider, outcome) = (self.provider.name(), outcome.name());
        match turn {
            Turn::Nothing => {}
            Turn::Stumbled => tracing::warn!(provider, outcome, "a provider did not take a message"),
            Turn::Opened => {
                metrics::provider_rests(provider, true);
                tracing::error!(provider, outcome, "a provider fails again and again: it rests, and is probed");
            }
            Turn::Closed => {
                metrics::provider_rests(provider, false);
                tracing::info!(provider, "a provider is back");
            }
        }
    }

    fn warn_once(&self, outcome: &Outcome, message: &Outgoing, now: Instant) {
        let Some(refusal) = Refusal::of(outcome, message) else { return };
        if self.state().warned.is_due(&refusal, now) {
            tracing::warn!(
                provider = self.provider.name(),
                outcome = outcome.name(),
                code = refusal.code,
                country = refusal.country,
                "a provider refuses messages to this destination or from our sender (logged once a day)"
            );
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// However long a provider asks to be left alone: one that asks for a year is asked again.
const LONGEST_PEACE: Duration = Duration::from_secs(15 * 60);
