//! Asking providers what became of messages, where they do not tell by themselves: by one process, within a budget.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use governor::{RateLimiter, middleware::NoOpMiddleware, nanos::Nanos, state};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::{line::Line, provider::Polled, receipts::Receipt, reception::Reception};
use crate::{
    quota::Ticker,
    store::{Store, entity::delivery_attempt::Model},
};
use platform::{
    clock::Clock,
    fault::Fault,
    telemetry::{self, metrics},
};

/// How often it is looked up whom to ask.
const TICK: Duration = Duration::from_secs(1);
/// What only one process does at a time.
const LEASE_NAME: &str = "polling";
/// How long the one process that asks may say nothing before another takes its place.
const LEASE: Duration = Duration::from_secs(30);
/// Questions to one provider at a time, and in one round.
const AT_A_TIME: usize = 4;
const PER_ROUND: u64 = 16;
/// The first pause after an answer that told nothing final; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(3);
/// Questions about one message: the last one not half an hour after it was sent.
const MOST_POLLS: i32 = 10;

/// Asks until it is stopped.
pub struct Poller {
    pub store: Store,
    pub clock: Clock,
    pub reception: Reception,
    /// Names this process in the lease.
    pub process: String,
    /// Questions a minute to each provider.
    pub budget: NonZeroU32,
}

/// What may be asked of one provider.
type Budget = RateLimiter<state::NotKeyed, state::InMemoryState, Ticker, NoOpMiddleware<Nanos>>;

impl Poller {
    /// Asks until `stop`. Returns at once where no provider wants to be asked.
    pub async fn run(self, stop: CancellationToken) {
        let polled = |line: &&Arc<Line>| line.provider().abilities().receipts.are_polled();
        let budget =
            || Budget::direct_with_clock(governor::Quota::per_minute(self.budget), Ticker::new(self.clock.clone()));
        let lines: Vec<_> =
            self.reception.lines.all().filter(polled).map(|line| (Arc::clone(line), budget())).collect();
        if lines.is_empty() {
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
            if let Err(fault) = self.round(&lines).await {
                telemetry::report(&fault);
            }
        }
        // Whoever is left need not wait for the lease's end.
        let _ = self.store.release_lease(LEASE_NAME, &self.process).await.inspect_err(telemetry::report);
    }

    async fn round(&self, lines: &[(Arc<Line>, Budget)]) -> Result<(), Fault> {
        let now = self.clock.now();
        if !self.store.hold_lease(LEASE_NAME, &self.process, LEASE, now).await? {
            return Ok(());
        }
        for (line, budget) in lines {
            let waiting = self.store.attempts_to_poll(line.provider().name(), PER_ROUND, now).await?;
            let mut asking = FuturesUnordered::new();
            for attempt in waiting {
                if budget.check().is_err() {
                    break;
                }
                if asking.len() >= AT_A_TIME {
                    asking.next().await.transpose()?;
                }
                asking.push(self.ask(line, attempt));
            }
            while let Some(asked) = asking.next().await {
                asked?;
            }
        }
        Ok(())
    }

    async fn ask(&self, line: &Line, attempt: Model) -> Result<(), Fault> {
        let provider = line.provider().name();
        let Some(id) = &attempt.provider_message_id else { return self.store.poll_again(&attempt, None).await };
        let Some(polled) = line.poll(id).await else { return Ok(()) };
        let outcome = match polled {
            Polled::Throttled { .. } => {
                metrics::polled(provider, "throttled");
                return Ok(());
            }
            Polled::NotYet => "not_yet",
            Polled::Status { .. } => "told",
        };
        metrics::polled(provider, outcome);
        // First the pause, then the news: what is final ends the asking.
        let pause = FIRST_PAUSE * 2_u32.pow(attempt.polls.clamp(0, MOST_POLLS).unsigned_abs());
        let more = attempt.polls + 1 < MOST_POLLS;
        self.store.poll_again(&attempt, more.then(|| self.clock.now() + pause)).await?;
        if let Polled::Status { status, code } = polled {
            let receipt = Receipt {
                provider,
                provider_message_id: id.clone(),
                delivery: Some(attempt.delivery_id.clone()),
                status,
                code,
            };
            self.reception.take_known(receipt).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_question_comes_within_the_hour() {
        let pauses = (0..MOST_POLLS.unsigned_abs() - 1).map(|polls| FIRST_PAUSE * 2_u32.pow(polls));
        let whole: Duration = pauses.sum();
        assert!(whole > Duration::from_secs(20 * 60) && whole < Duration::from_secs(3600), "{whole:?}");
    }
}
