//! The client of one provider: its limits on concurrency and rate, back-off and circuit breaker, metrics, and one log
//! line per outage.

use std::{
    collections::BTreeMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use governor::clock::{Clock as _, Reference};
use tokio::sync::{Notify, Semaphore};

use super::{
    breaker::{Breaker, BreakerChange, BreakerState},
    call_permit::{CallPermit, RateLimiter},
    rejection_log::{LoggedRejection, RejectionLog},
    retry::random_fraction,
};
use crate::quota::Ticker;
use domain::Timestamp;
use domain::channel::Channel;
use platform::{
    clock::{Clock, Entropy},
    telemetry::{
        metrics,
        traces::{Kind, Trace},
    },
};
use providers::{Outcome, Outgoing, PollResult, Provider};

/// The limits of one provider.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The maximum number of concurrent calls.
    pub calls: u32,
    /// The maximum number of messages per second. None: unlimited.
    pub rate: Option<NonZeroU32>,
    /// How long a message waits for a call permit before it is sent through another provider or rescheduled.
    pub max_wait: Duration,
}

/// The client of one provider.
pub(super) struct ProviderClient {
    provider: Arc<dyn Provider>,
    clock: Clock,
    entropy: Entropy,
    ticker: Ticker,
    rate: Option<Arc<RateLimiter>>,
    calls: Arc<Semaphore>,
    /// Notified when a call permit is released.
    permit_released: Arc<Notify>,
    max_wait: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    breaker: Breaker,
    /// Until when the provider asked for no messages, by channel: a limit on SMS does not limit e-mail.
    retry_after: BTreeMap<Channel, Timestamp>,
    /// Until when the provider asked not to be polled for statuses; messages may still be sent.
    no_polls_until: Option<Timestamp>,
    rejection_log: RejectionLog,
}

/// The result of sending.
pub(super) enum SendResult {
    Outcome(Outcome),
    /// The provider was not called: it is unavailable, or there is no call permit, until `until`.
    NotSent {
        until: Timestamp,
    },
}

impl ProviderClient {
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
            max_wait: limits.max_wait,
            state: Mutex::default(),
            rate: limits.rate.map(|rate| Arc::new(RateLimiter::new(rate, ticker.clone()))),
            provider,
            permit_released: freed,
            clock,
            entropy,
            ticker,
        }
    }

    pub fn provider(&self) -> &dyn Provider {
        &*self.provider
    }

    /// A call permit, if one is available now.
    pub fn try_acquire(&self) -> Option<CallPermit> {
        let call = Arc::clone(&self.calls).try_acquire_owned().ok()?;
        if let Some(rate) = &self.rate {
            rate.try_acquire().ok()?;
        }
        Some(CallPermit::new(self.provider.name(), call, self.rate.clone()))
    }

    async fn acquire(&self) -> Option<CallPermit> {
        let call = Arc::clone(&self.calls).acquire_owned().await.ok()?;
        while let Some(Err(wait)) = self.rate.as_ref().map(|rate| rate.try_acquire()) {
            self.clock.sleep(wait.max(Duration::from_millis(1))).await;
        }
        Some(CallPermit::new(self.provider.name(), call, self.rate.clone()))
    }

    /// Sends a message: immediately if it has a permit in `permit`, otherwise when one is available, but not after
    /// `deadline`.
    pub async fn send(&self, message: &Outgoing, permit: Option<CallPermit>, deadline: Timestamp) -> SendResult {
        let requested_at = self.clock.now();
        let permit = match permit {
            Some(permit) => Some(permit),
            None => tokio::select! {
                biased;
                permit = self.acquire() => permit,
                () = self.clock.sleep(self.max_wait) => return SendResult::NotSent { until: self.clock.now() },
            },
        };
        let now = self.clock.now();
        if now >= deadline {
            return SendResult::NotSent { until: deadline };
        }
        if let BreakerState::Open { until } = self.admit(message.channel, now) {
            return SendResult::NotSent { until };
        }
        let permit = permit.map(|mut permit| {
            permit.mark_used();
            permit
        });
        let started = self.ticker.now();
        let trace = Trace::current().child("provider", Kind::Client);
        let outcome = trace.in_context(self.provider.send(message)).await;
        drop(permit);
        self.permit_released.notify_one();
        trace.set_attribute("provider", self.provider.name());
        trace.set_attribute("outcome", outcome.name());
        if outcome.is_provider_failure() {
            trace.set_failed();
        }
        trace.end();
        let took = self.ticker.now().duration_since(started).into();
        metrics::sent(self.provider.name(), outcome.name(), took);
        tracing::debug!(
            provider = self.provider.name(), outcome = outcome.name(), delivery = ?message.id,
            waited = ?(now - requested_at), "called a provider"
        );
        self.record_outcome(&outcome, message);
        SendResult::Outcome(outcome)
    }

    /// Polls for the status of a message. None if the provider was not called, because it asked for fewer polls.
    pub async fn poll(&self, provider_message_id: &str) -> Option<PollResult> {
        if self.state().no_polls_until.is_some_and(|until| self.clock.now() < until) {
            return None;
        }
        let polled = self.provider.poll(provider_message_id).await;
        if let PollResult::Throttled { retry_after } = polled {
            self.state().no_polls_until = self.back_off_until(retry_after);
        }
        Some(polled)
    }

    fn admit(&self, channel: Channel, now: Timestamp) -> BreakerState {
        match self.backed_off_until(channel, now) {
            Some(until) => BreakerState::Open { until },
            None => self.state().breaker.admit(now),
        }
    }

    /// Until when no message is sent through `channel`. None if messages can be sent.
    pub fn unavailable_until(&self, channel: Channel, now: Timestamp) -> Option<Timestamp> {
        self.backed_off_until(channel, now).or_else(|| self.state().breaker.open_until(now))
    }

    fn backed_off_until(&self, channel: Channel, now: Timestamp) -> Option<Timestamp> {
        self.state().retry_after.get(&channel).copied().filter(|until| *until > now)
    }

    fn back_off_until(&self, retry_after: Option<Duration>) -> Option<Timestamp> {
        let wait = retry_after.filter(|wait| !wait.is_zero())?;
        Some(self.clock.now() + wait.min(MAX_BACK_OFF))
    }

    /// Updates the state of the provider from an outcome. An outcome that concerns one recipient, one country or one
    /// text does not count as a failure of the provider.
    fn record_outcome(&self, outcome: &Outcome, message: &Outgoing) {
        let now = self.clock.now();
        self.warn_once(outcome, message, now);
        let change = match outcome {
            Outcome::Throttled { retry_after } => {
                let until = self.back_off_until(*retry_after);
                let mut state = self.state();
                state.retry_after.extend(until.map(|until| (message.channel, until)));
                state.breaker.inconclusive(now);
                return;
            }
            Outcome::Unavailable { .. } | Outcome::Misconfigured { .. } | Outcome::Unknown => {
                self.state().breaker.failed(now, random_fraction(&self.entropy))
            }
            Outcome::Unsupported { .. } | Outcome::UnknownForMessage => {
                self.state().breaker.inconclusive(now);
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
        match change {
            BreakerChange::Unchanged => {}
            BreakerChange::FirstFailure => tracing::warn!(provider, outcome, "provider failed to accept a message"),
            BreakerChange::Opened => {
                metrics::set_circuit_open(provider, true);
                tracing::error!(provider, outcome, "provider circuit breaker opened");
            }
            BreakerChange::Closed => {
                metrics::set_circuit_open(provider, false);
                tracing::info!(provider, "provider circuit breaker closed");
            }
        }
    }

    fn warn_once(&self, outcome: &Outcome, message: &Outgoing, now: Timestamp) {
        let Some(rejection) = LoggedRejection::of(outcome, message) else { return };
        if self.state().rejection_log.is_due(&rejection, now) {
            tracing::warn!(
                provider = self.provider.name(),
                outcome = outcome.name(),
                code = rejection.code,
                country = rejection.country,
                "provider rejects messages to this destination or from our sender (logged once a day)"
            );
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The maximum back-off, even if a provider asks for a longer one.
const MAX_BACK_OFF: Duration = Duration::from_secs(15 * 60);
