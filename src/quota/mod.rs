//! Rate limits.
//!
//! A service names an [`Operation`] and receives whether it is allowed. The limits of each operation and the keys they count
//! by are defined here and in the settings. `N per minute` is GCRA with a burst of N: up to N at once after an idle
//! minute, then one every 60/N seconds; never more than N at once, and in the long run never more than N per minute.
//! Hourly limits work the same way.
//!
//! - In the process `governor` counts, with bounded memory (`key_states`).
//! - With Redis, all keys of an operation are checked in one atomic step and one round trip (`shared`). The process
//!   also counts and updates its state from each reply, for three reasons. First, an operation that its own count
//!   refuses would be refused by Redis too, and for as long (an exhausted key can't be charged by any process), so a
//!   flood on one process never reaches Redis. Second, a Redis that was flushed loses its counts, but the process does
//!   not. Third, when Redis is slow or unavailable, the process decides from its last known counts; N processes then
//!   allow up to N times a limit, and `countersign_fallbacks_total` counts these decisions. The limits on cost (those
//!   of the service and of a destination) hold even then: each process allows its share of the remainder.
//! - An operation that is refused by one key is charged to none.
//!
//! Sends to a contact and guesses for it per day are counted in SQL by the services, with [`domain::quota::rules`].
//!
//! Charging cannot fail: without Redis the process decides. So nothing here fails open.

mod guard;
mod guesses;
mod key_states;
mod operation;
mod operation_limits;
mod pumping;
#[cfg(test)]
mod redis_tests;
mod shared;
#[cfg(test)]
mod tests;

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use governor::Quota as Rate;
pub use guesses::Alarm;
pub use key_states::Ticker;
pub use operation::Operation;

use self::{
    guard::{PumpingGuard, announce},
    guesses::GuessingAlarm,
    operation::Scope,
    operation_limits::{Charge, OperationLimits, Wait},
    shared::{Reply, Shared},
};
use domain::{
    caller::RequestInfo,
    quota::{Quota, Refused},
};
use platform::{
    clock::Clock,
    config::quota::{Limit, QuotaSettings},
    redis_client::{RedisLink, Unreachable},
    telemetry::metrics::{self, Fallback},
};

/// All rate limits. Cheap to clone.
#[derive(Clone)]
pub struct Quotas(Arc<QuotaState>);

struct QuotaState {
    clock: Clock,
    send_code: OperationLimits,
    guess: OperationLimits,
    lookup: OperationLimits,
    sign_in: OperationLimits,
    sign_up: OperationLimits,
    spend_proof: OperationLimits,
    refresh: OperationLimits,
    confirm_password: OperationLimits,
    guard: Option<PumpingGuard>,
    guesses: Option<GuessingAlarm>,
    shared: Option<Shared>,
    /// The number of processes, as far as known.
    process_count: AtomicU32,
}

impl Quotas {
    /// Without `redis`, only this process counts.
    pub fn open(settings: &QuotaSettings, clock: Clock, redis: Option<RedisLink>) -> Self {
        let ticker = Ticker::new(clock.clone());
        let limits = |act, limits: &[_]| OperationLimits::new(act, ticker.clone(), limits);
        let client = |limit: Limit| (Scope::Client, per_minute(limit));
        let site = |limit: Limit| (Scope::Site, per_minute(times(limit, settings.ipv6_site_factor)));
        let by_client = |act: Operation<'_>, limit| limits(act.name(), &[client(limit), site(limit)]);
        Self(Arc::new(QuotaState {
            send_code: limits(
                "send_code",
                &[
                    client(settings.client_sends_per_minute),
                    site(settings.client_sends_per_minute),
                    (Scope::EmailClient, per_minute(settings.client_email_sends_per_minute)),
                    (Scope::Destination, per_hour(settings.destination_hourly_sends)),
                    (Scope::Service, per_hour(settings.service_hourly_sends)),
                    (Scope::EmailService, per_hour(settings.service_hourly_email_sends)),
                ],
            ),
            guess: by_client(Operation::Guess, settings.client_guesses_per_minute),
            lookup: by_client(Operation::Lookup, settings.client_lookups_per_minute),
            sign_in: by_client(Operation::SignIn, settings.client_sign_ins_per_minute),
            sign_up: by_client(Operation::SignUp, settings.client_sign_ups_per_minute),
            spend_proof: by_client(Operation::SpendProof, settings.client_proofs_per_minute),
            refresh: by_client(Operation::Refresh, settings.client_refreshes_per_minute),
            confirm_password: limits(
                "confirm_password",
                &[
                    client(settings.client_sign_ins_per_minute),
                    site(settings.client_sign_ins_per_minute),
                    (Scope::Session, per_hour(settings.account_hourly_passwords)),
                    (Scope::Account, per_hour(times(settings.account_hourly_passwords, ACCOUNT_FACTOR))),
                ],
            ),
            guard: settings.pumping.map(|rule| PumpingGuard::new(rule, clock.clone(), ticker.clone())),
            guesses: settings.guessing.map(|rule| GuessingAlarm::new(rule, clock.clone())),
            shared: redis.map(|link| Shared::new(link, clock.clone())),
            process_count: AtomicU32::new(1),
            clock,
        }))
    }

    /// Sets the number of processes, including this one.
    pub fn set_process_count(&self, count: usize) {
        self.0.process_count.store(u32::try_from(count).unwrap_or(u32::MAX).max(1), Ordering::Relaxed);
    }

    /// Charges an operation to all of its keys, or to none.
    ///
    /// # Errors
    /// The refusal: the quota, and the earliest time at which the operation can be allowed.
    pub async fn charge(&self, act: Operation<'_>, caller: &RequestInfo) -> Result<(), Refused> {
        let decision = self.0.check(act, caller).await;
        decision.map_err(|Wait { quota, span }| {
            metrics::quota_refused(act.name(), quota.as_str());
            Refused { quota, retry_at: self.0.clock.now() + round_up(span) }
        })
    }

    /// Refunds a send that was charged and did not happen, because the contact's own cooldown or daily limit refused
    /// it. Otherwise repeated requests for one contact would use up the service's hourly limit and make a destination
    /// prefix look pumped, without any message sent. The charge of the client address stays.
    pub async fn refund_send(&self, destination: Option<&str>, caller: &RequestInfo) {
        let act = Operation::SendCode { destination };
        let mut claims = self.0.send_code.claims(act, caller);
        claims.retain(|claim| claim.quota() != Quota::ClientAddress);
        self.0.send_code.refund(&claims);
        let guarded = self.0.guard.as_ref().zip(destination);
        if let Some((guard, prefix)) = guarded {
            guard.count_unsent(prefix, caller);
        }
        if let Some(shared) = &self.0.shared
            && (!claims.is_empty() || guarded.is_some())
        {
            let rule = guarded.map(|(guard, prefix)| (&guard.rule, prefix));
            // If this is lost, the count is too high until its period ends.
            let _: Result<(), Unreachable> = shared.refund(act.name(), &claims, rule).await;
        }
    }

    /// Counts a confirmed code for the protection against SMS pumping. Call it once for each verification by phone that
    /// becomes VERIFIED.
    pub async fn count_confirmed(&self, prefix: &str) {
        let Some(guard) = &self.0.guard else { return };
        guard.count_confirmed(prefix);
        if let Some(shared) = &self.0.shared {
            // If this is lost, the outage of Redis is logged already, and the process has counted it.
            let _: Result<(), Unreachable> = shared.confirm(&guard.rule, prefix).await;
        }
    }
}

impl Quotas {
    /// Counts a code that was checked, anywhere in the service. The result belongs in the audit trail; of several
    /// processes on one Redis, one receives it.
    pub async fn count_guess(&self, right: bool) -> Option<Alarm> {
        let guesses = self.0.guesses.as_ref()?;
        let own = guesses.count(right);
        let reading = match &self.0.shared {
            None => own,
            Some(shared) => shared.guess(&guesses.rule, right).await.unwrap_or_else(|_| {
                metrics::fell_back(Fallback::Quotas);
                own
            }),
        };
        reading.report()
    }
}

impl QuotaState {
    async fn check(&self, act: Operation<'_>, caller: &RequestInfo) -> Result<(), Wait> {
        let limits = self.limits(act);
        let claims = limits.claims(act, caller);
        limits.charge(&claims)?;
        let guarded = match act {
            Operation::SendCode { destination: Some(prefix) } => self.guard.as_ref().map(|guard| (guard, prefix)),
            _ => None,
        };
        if claims.is_empty() && guarded.is_none() {
            return Ok(());
        }
        match self.charge_in_redis(act, &claims, guarded).await {
            Some(reply) => {
                if reply.decision.is_err() {
                    limits.refund(&claims);
                }
                limits.set_from_redis(&claims, &reply.ready_in);
                reply.decision
            }
            None => {
                let decision = guarded.map_or(Ok(()), |(guard, prefix)| guard.admit(prefix, caller));
                let decision = decision.and_then(|()| limits.charge_for_others(&claims, self.others()));
                decision.inspect_err(|_| limits.refund(&claims))
            }
        }
    }

    /// None: Redis is not configured or unavailable, so the process decides.
    async fn charge_in_redis(
        &self,
        act: Operation<'_>,
        claims: &[Charge<'_>],
        guarded: Option<(&PumpingGuard, &str)>,
    ) -> Option<Reply> {
        let shared = self.shared.as_ref()?;
        let rule = guarded.map(|(guard, prefix)| (&guard.rule, prefix));
        let Ok(reply) = shared.charge(act.name(), claims, rule).await else {
            metrics::fell_back(Fallback::Quotas);
            return None;
        };
        if let Some((guard, prefix)) = guarded {
            if let Some((change, counts)) = reply.change {
                announce(change, prefix, counts);
            }
            if reply.decision.is_ok() {
                guard.count_sent(prefix);
            }
        }
        Some(reply)
    }

    /// How many other processes count independently; 0 without Redis.
    fn others(&self) -> u32 {
        match &self.shared {
            Some(_) => self.process_count.load(Ordering::Relaxed) - 1,
            None => 0,
        }
    }

    fn limits(&self, act: Operation<'_>) -> &OperationLimits {
        match act {
            Operation::SendCode { .. } => &self.send_code,
            Operation::Guess => &self.guess,
            Operation::Lookup => &self.lookup,
            Operation::SignIn => &self.sign_in,
            Operation::SignUp => &self.sign_up,
            Operation::SpendProof => &self.spend_proof,
            Operation::Refresh => &self.refresh,
            Operation::ConfirmPassword { .. } => &self.confirm_password,
        }
    }
}

/// The limit of an account over all its sessions, as a multiple of a session's limit: a stolen session must not use up
/// what the owner's other sessions need.
const ACCOUNT_FACTOR: Limit = NonZeroU32::new(5);

/// None is "unlimited", and stays so when multiplied.
fn times(limit: Limit, factor: Limit) -> Limit {
    Some(limit?.saturating_mul(factor?))
}

fn per_minute(limit: Limit) -> Option<Rate> {
    limit.map(|limit: NonZeroU32| Rate::per_minute(limit))
}

fn per_hour(limit: Limit) -> Option<Rate> {
    limit.map(|limit: NonZeroU32| Rate::per_hour(limit))
}

/// Rounds up to milliseconds, the precision of a timestamp.
fn round_up(span: Duration) -> Duration {
    Duration::from_millis(u64::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX))
}

impl std::fmt::Debug for Quotas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Quotas").field("shared", &self.0.shared.is_some()).finish_non_exhaustive()
    }
}
