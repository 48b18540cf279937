//! The line to one provider: how many calls it takes at once and how many a second, when it is to be left alone, and
//! what it did, in metrics and, once per outage, in the log.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use governor::{
    RateLimiter,
    clock::{Clock as _, Reference},
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state,
};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{
    breaker::{Admission, Breaker, Turn},
    provider::{Outcome, Outgoing, Polled, Provider},
    retry::chance,
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
    rate: Option<Rate>,
    calls: Semaphore,
    patience: Duration,
    state: Mutex<State>,
}

type Rate = RateLimiter<state::NotKeyed, state::InMemoryState, Ticker, NoOpMiddleware<Nanos>>;

#[derive(Default)]
struct State {
    breaker: Breaker,
    /// It asked to be left alone until then.
    asked_for_peace: Option<Instant>,
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
    pub fn new(provider: Arc<dyn Provider>, limits: Limits, clock: Clock, entropy: Entropy) -> Self {
        let ticker = Ticker::new(clock.clone());
        let rate =
            limits.rate.map(|rate| RateLimiter::direct_with_clock(governor::Quota::per_second(rate), ticker.clone()));
        Self {
            calls: Semaphore::new(usize::try_from(limits.calls).unwrap_or(Semaphore::MAX_PERMITS)),
            patience: limits.patience,
            state: Mutex::default(),
            provider,
            clock,
            entropy,
            ticker,
            rate,
        }
    }

    pub fn provider(&self) -> &dyn Provider {
        &*self.provider
    }

    /// Hands a message over, when its turn comes, and no later than `deadline`.
    pub async fn send(&self, message: &Outgoing, deadline: Instant) -> Said {
        let turn = async {
            let call = self.calls.acquire().await.ok();
            self.wait_for_rate().await;
            call
        };
        let asked_at = self.clock.now();
        let call: Option<SemaphorePermit<'_>> = tokio::select! {
            biased;
            call = turn => call,
            () = self.clock.sleep(self.patience) => return Said::Rests { until: self.clock.now() },
        };
        let now = self.clock.now();
        if now >= deadline {
            return Said::Rests { until: deadline };
        }
        if let Admission::Rests { until } = self.admit(now) {
            return Said::Rests { until };
        }
        let started = self.ticker.now();
        let trace = Trace::current().step("provider", Kind::Client);
        let outcome = trace.around(self.provider.send(message)).await;
        drop(call);
        trace.note("provider", self.provider.name());
        trace.note("outcome", outcome.name());
        if matches!(outcome, Outcome::Unavailable { .. } | Outcome::Misconfigured { .. } | Outcome::Unknown) {
            trace.failed();
        }
        trace.end();
        let took = self.ticker.now().duration_since(started).into();
        metrics::sent(self.provider.name(), outcome.name(), took);
        tracing::debug!(
            provider = self.provider.name(), outcome = outcome.name(), delivery = ?message.id,
            waited = ?(now - asked_at), "asked a provider"
        );
        self.note(&outcome);
        Said::Outcome(outcome)
    }

    /// Asks what became of a message. None: it rests, so it was not asked.
    pub async fn poll(&self, provider_message_id: &str) -> Option<Polled> {
        if self.peace(self.clock.now()).is_some() {
            return None;
        }
        let polled = self.provider.poll(provider_message_id).await;
        if let Polled::Throttled { retry_after } = polled {
            self.leave_alone(retry_after);
        }
        Some(polled)
    }

    async fn wait_for_rate(&self) {
        let Some(rate) = &self.rate else { return };
        while let Err(not_until) = rate.check() {
            self.clock.sleep(not_until.wait_time_from(self.ticker.now()).max(Duration::from_millis(1))).await;
        }
    }

    fn admit(&self, now: Instant) -> Admission {
        match self.peace(now) {
            Some(until) => Admission::Rests { until },
            None => self.state().breaker.admit(now),
        }
    }

    /// Until when it is left alone, if it is.
    pub fn rests(&self, now: Instant) -> Option<Instant> {
        self.peace(now).or_else(|| self.state().breaker.rests(now))
    }

    fn peace(&self, now: Instant) -> Option<Instant> {
        self.state().asked_for_peace.filter(|until| *until > now)
    }

    fn leave_alone(&self, retry_after: Option<Duration>) {
        if let Some(wait) = retry_after.filter(|wait| !wait.is_zero()) {
            self.state().asked_for_peace = Some(self.clock.now() + wait.min(LONGEST_PEACE));
        }
    }

    /// Learns how the provider does from what it said.
    fn note(&self, outcome: &Outcome) {
        let now = self.clock.now();
        let turn = match outcome {
            Outcome::Throttled { retry_after } => {
                self.leave_alone(*retry_after);
                return;
            }
            Outcome::Unavailable { .. } | Outcome::Misconfigured { .. } | Outcome::Unknown => {
                self.state().breaker.failed(now, chance(&self.entropy))
            }
            Outcome::Accepted { .. }
            | Outcome::RejectedRecipient { .. }
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

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// However long a provider asks to be left alone: one that asks for a year is asked again.
const LONGEST_PEACE: Duration = Duration::from_secs(15 * 60);
