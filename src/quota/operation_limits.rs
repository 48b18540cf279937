//! The in-process quotas of one operation, with `governor`.

use std::{num::NonZeroU32, time::Duration};

use governor::{RateLimiter, clock::Clock as _, middleware::NoOpMiddleware, nanos::Nanos};

use super::{
    key_states::{KeyStates, Ticker},
    operation::{Key, Operation, Scope},
};
use domain::{caller::RequestInfo, quota::Quota};
use platform::telemetry::metrics;

/// The quotas of one operation.
pub struct OperationLimits {
    states: KeyStates,
    ticker: Ticker,
    meters: Vec<Meter>,
}

/// One quota of an operation.
struct Meter {
    scope: Scope,
    rate: governor::Quota,
    limiter: RateLimiter<Key, KeyStates, Ticker, NoOpMiddleware<Nanos>>,
}

/// One key of one quota to charge.
pub struct Charge<'a> {
    meter: &'a Meter,
    pub key: Key,
}

/// A refusal with the time to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    pub quota: Quota,
    pub span: Duration,
}

impl OperationLimits {
    /// Limits without a rate are unlimited and cost nothing.
    pub fn new(operation: &'static str, ticker: Ticker, limits: &[(Scope, Option<governor::Quota>)]) -> Self {
        let states = KeyStates::new(operation, ticker.clone());
        metrics::quota_keys_forgotten(operation, 0);
        let limited = limits.iter().filter_map(|(scope, rate)| rate.map(|rate| (*scope, rate)));
        let meters = limited.map(|(scope, rate)| {
            let limiter = RateLimiter::new(rate, states.clone(), ticker.clone());
            Meter { scope, rate, limiter }
        });
        Self { meters: meters.collect(), states, ticker }
    }

    /// The keys to charge for this operation of this caller.
    pub fn claims(&self, operation: Operation<'_>, caller: &RequestInfo) -> Vec<Charge<'_>> {
        let keyed = self.meters.iter().map(|meter| (meter, operation.key(meter.scope, caller)));
        keyed.filter_map(|(meter, key)| Some(Charge { meter, key: key? })).collect()
    }

    /// Charges every claim, or none: a refused operation leaves the counts unchanged. If two operations run
    /// concurrently, one may be refused because of a charge that is just being refunded; the reverse does not happen.
    ///
    /// # Errors
    /// The longest wait of the quotas that refuse, so that a retry at that time succeeds.
    pub fn charge(&self, claims: &[Charge<'_>]) -> Result<(), Wait> {
        let waits: Vec<Option<Duration>> = claims.iter().map(|claim| self.charge_one(claim)).collect();
        let longest = waits
            .iter()
            .zip(claims)
            .filter_map(|(wait, claim)| Some((wait.as_ref()?, claim)))
            .max_by_key(|(wait, _)| *wait);
        let Some((span, claim)) = longest else { return Ok(()) };
        let granted = claims.iter().zip(&waits).filter(|(_, wait)| wait.is_none());
        granted.for_each(|(claim, _)| self.refund_one(claim));
        Err(Wait { quota: claim.quota(), span: *span })
    }

    /// Charges the claims that cost money `others` additional times, or not at all. While the processes can't count
    /// together, each assumes that every other one sends as much as it does, so that together they stay within the
    /// limit.
    ///
    /// # Errors
    /// The wait of the first quota that refuses.
    pub fn charge_for_others(&self, claims: &[Charge<'_>], others: u32) -> Result<(), Wait> {
        let Some(others) = NonZeroU32::new(others) else { return Ok(()) };
        let costly: Vec<_> = claims.iter().filter(|claim| claim.meter.scope.costs_money()).collect();
        for (at, claim) in costly.iter().enumerate() {
            let wait = match claim.meter.limiter.check_key_n(&claim.key, others) {
                Ok(Ok(())) => continue,
                Ok(Err(refusal)) => refusal.wait_time_from(self.ticker.now()),
                // More processes than the limit allows sends: a process with a connection to Redis may still send.
                Err(_) => claim.meter.rate.burst_size_replenished_in(),
            };
            for charged_claim in &costly[..at] {
                self.states
                    .refund(&charged_claim.key, (charged_claim.meter.rate.replenish_interval() * others.get()).into());
            }
            return Err(Wait { quota: claim.quota(), span: wait });
        }
        Ok(())
    }

    /// Refunds a `charge`.
    pub fn refund(&self, claims: &[Charge<'_>]) {
        claims.iter().for_each(|claim| self.refund_one(claim));
    }

    /// Records the state of the keys in Redis: the time until the full burst of each is available.
    pub fn set_from_redis(&self, claims: &[Charge<'_>], ready_in: &[Duration]) {
        claims.iter().zip(ready_in).for_each(|(claim, span)| self.states.update(&claim.key, (*span).into()));
    }

    /// The time to wait; None: charged.
    fn charge_one(&self, Charge { meter, key }: &Charge<'_>) -> Option<Duration> {
        let refusal = meter.limiter.check_key(key).err()?;
        Some(refusal.wait_time_from(self.ticker.now()))
    }

    fn refund_one(&self, Charge { meter, key }: &Charge<'_>) {
        self.states.refund(key, meter.rate.replenish_interval().into());
    }
}

impl Charge<'_> {
    pub fn quota(&self) -> Quota {
        self.meter.scope.quota()
    }

    pub fn rate(&self) -> governor::Quota {
        self.meter.rate
    }
}
