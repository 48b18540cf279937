//! Polls providers for the status of messages, if they send no receipts. One process polls, within a rate limit.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use governor::{RateLimiter, middleware::NoOpMiddleware, nanos::Nanos, state};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::{provider_client::ProviderClient, reception::ReceiptProcessor};
use crate::quota::Ticker;
use domain::delivery::DeliveryAttempt;
use platform::{
    clock::Clock,
    fault::Fault,
    telemetry::{self, metrics},
};
use providers::{PollResult, Receipt};
use store::Store;

/// The interval between rounds of polling.
const TICK: Duration = Duration::from_secs(1);
/// The lease that ensures that only one process polls.
const LEASE_NAME: &str = "polling";
/// The duration of the lease. If it is not renewed, another process takes over.
const LEASE: Duration = Duration::from_secs(30);
/// The maximum number of concurrent polls to one provider, and of polls per round.
const CONCURRENCY: usize = 4;
const BATCH: u64 = 16;
/// The delay after the first poll without a final status; it doubles with each poll.
const FIRST_DELAY: Duration = Duration::from_secs(3);
/// The maximum number of polls for a message. The last one is less than half an hour after it was sent.
const MAX_POLLS: i32 = 10;

/// Polls until it is stopped.
pub struct Poller {
    pub store: Store,
    pub clock: Clock,
    pub reception: ReceiptProcessor,
    /// The name of this process in the lease.
    pub process: String,
    /// The maximum number of polls per minute to each provider.
    pub polls_per_minute: NonZeroU32,
}

/// The rate limiter of one provider.
type PollLimiter = RateLimiter<state::NotKeyed, state::InMemoryState, Ticker, NoOpMiddleware<Nanos>>;

impl Poller {
    /// Polls until `stop`. Returns immediately if no provider needs polling.
    pub async fn run(self, stop: CancellationToken) {
        let polled = |client: &&Arc<ProviderClient>| client.provider().capabilities().receipts.are_polled();
        let limiter = || {
            PollLimiter::direct_with_clock(
                governor::Quota::per_minute(self.polls_per_minute),
                Ticker::new(self.clock.clone()),
            )
        };
        let clients: Vec<_> =
            self.reception.clients.all().filter(polled).map(|client| (Arc::clone(client), limiter())).collect();
        if clients.is_empty() {
            return;
        }
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _ = tick.tick() => {}
            }
            if let Err(fault) = self.round(&clients).await {
                telemetry::report(&fault);
            }
        }
        // Another process need not wait until the lease expires.
        let _ = self.store.release_lease(LEASE_NAME, &self.process).await.inspect_err(telemetry::report);
    }

    async fn round(&self, clients: &[(Arc<ProviderClient>, PollLimiter)]) -> Result<(), Fault> {
        let now = self.clock.now();
        if !self.store.acquire_lease(LEASE_NAME, &self.process, LEASE, now).await? {
            return Ok(());
        }
        for (client, limiter) in clients {
            let waiting = self.store.attempts_to_poll(client.provider().name(), BATCH, now).await?;
            let mut polls_running = FuturesUnordered::new();
            for attempt in waiting {
                if limiter.check().is_err() {
                    break;
                }
                if polls_running.len() >= CONCURRENCY {
                    polls_running.next().await.transpose()?;
                }
                polls_running.push(self.poll_attempt(client, attempt));
            }
            while let Some(finished) = polls_running.next().await {
                finished?;
            }
        }
        Ok(())
    }

    async fn poll_attempt(&self, client: &ProviderClient, attempt: DeliveryAttempt) -> Result<(), Fault> {
        let provider = client.provider().name();
        let Some(id) = &attempt.provider_message_id else { return self.store.schedule_poll(&attempt, None).await };
        let Some(polled) = client.poll(id).await else { return Ok(()) };
        let outcome = match polled {
            PollResult::Throttled { .. } => {
                metrics::polled(provider, "throttled");
                return Ok(());
            }
            PollResult::Pending => "not_yet",
            PollResult::Status { .. } => "told",
        };
        metrics::polled(provider, outcome);
        // Schedule the next poll before recording the status: a final status cancels it.
        let delay = FIRST_DELAY * 2_u32.pow(attempt.polls.clamp(0, MAX_POLLS).unsigned_abs());
        let more = attempt.polls + 1 < MAX_POLLS;
        self.store.schedule_poll(&attempt, more.then(|| self.clock.now() + delay)).await?;
        if let PollResult::Status { status, code } = polled {
            let receipt = Receipt {
                provider,
                provider_message_id: id.clone(),
                delivery: Some(attempt.delivery_id.clone()),
                status,
                code,
            };
            self.reception.process_polled(receipt).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_poll_is_within_an_hour() {
        let delays = (0..MAX_POLLS.unsigned_abs() - 1).map(|polls| FIRST_DELAY * 2_u32.pow(polls));
        let whole: Duration = delays.sum();
        assert!(whole > Duration::from_secs(20 * 60) && whole < Duration::from_secs(3600), "{whole:?}");
    }
}
