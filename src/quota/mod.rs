//! How often something may be done.
//!
//! The rooms above name an [`Act`] and are told whether it is granted; which limits an act has, and by what they count,
//! is decided here and in the settings. `N per minute` is GCRA with a burst of N: so many at once for somebody who did
//! nothing for a minute, then one every 60/N seconds; never more than N at once, in the long run never more than N a
//! minute. Hourly limits likewise.
//!
//! - In the process `governor` counts. Its memory is bounded (`cells`).
//! - With Redis, all the keys of an act are judged in one atomic step, in one round trip (`shared`). The process counts
//!   along and learns from each answer, for three reasons. What it refuses by its own count Redis would refuse as well,
//!   and for as long (a key that is used up can be charged by nobody), so a flood on one process never reaches Redis.
//!   A Redis that was flushed forgets, and the process does not. And when Redis is slow or gone, the process judges from
//!   what it knows, not from nothing; then N processes grant up to N times a limit, and
//!   `countersign_fallbacks_total` counts what was judged so. What bounds money (the limits of the service and of a
//!   destination) holds all the same: each process grants its share of what is left.
//! - Refused by one key, an act is charged to none.
//!
//! What a contact may be sent and may try in a day is counted in SQL by the rooms above, by the [`rules`] here.
//!
//! Charging cannot fail: there is always a judge. So nothing here can fail open.

mod act;
mod cells;
mod guard;
mod guesses;
mod ledger;
mod pumping;
#[cfg(test)]
mod redis_tests;
pub mod rules;
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

pub use act::{Act, Quota, Refused};
pub use cells::Ticker;
use governor::Quota as Rate;
pub use guesses::Alarm;

use self::{
    act::Scope,
    guard::{Guard, announce},
    guesses::GuessAlarm,
    ledger::{Claim, Ledger, Wait},
    shared::{Reply, Shared},
};
use crate::{
    clock::Clock,
    config::quota::{Limit, QuotaSettings},
    redis_link::{RedisLink, Unreachable},
    telemetry::metrics::{self, Fallback},
};
use domain::caller::Caller;

/// Who may do what how often. Cheap to clone.
#[derive(Clone)]
pub struct Quotas(Arc<Inner>);

struct Inner {
    clock: Clock,
    send_code: Ledger,
    guess: Ledger,
    lookup: Ledger,
    sign_in: Ledger,
    sign_up: Ledger,
    spend_proof: Ledger,
    refresh: Ledger,
    confirm_password: Ledger,
    guard: Option<Guard>,
    guesses: Option<GuessAlarm>,
    shared: Option<Shared>,
    /// How many processes there are, as far as is known.
    processes: AtomicU32,
}

impl Quotas {
    /// Without `redis`, this process counts alone.
    pub fn open(settings: &QuotaSettings, clock: Clock, redis: Option<RedisLink>) -> Self {
        let ticker = Ticker::new(clock.clone());
        let ledger = |act, limits: &[_]| Ledger::new(act, ticker.clone(), limits);
        let client = |limit: Limit| (Scope::Client, per_minute(limit));
        let site = |limit: Limit| (Scope::Site, per_minute(times(limit, settings.ipv6_site_factor)));
        let by_client = |act: Act<'_>, limit| ledger(act.name(), &[client(limit), site(limit)]);
        Self(Arc::new(Inner {
            send_code: ledger(
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
            guess: by_client(Act::Guess, settings.client_guesses_per_minute),
            lookup: by_client(Act::Lookup, settings.client_lookups_per_minute),
            sign_in: by_client(Act::SignIn, settings.client_sign_ins_per_minute),
            sign_up: by_client(Act::SignUp, settings.client_sign_ups_per_minute),
            spend_proof: by_client(Act::SpendProof, settings.client_proofs_per_minute),
            refresh: by_client(Act::Refresh, settings.client_refreshes_per_minute),
            confirm_password: ledger(
                "confirm_password",
                &[
                    client(settings.client_sign_ins_per_minute),
                    site(settings.client_sign_ins_per_minute),
                    (Scope::Session, per_hour(settings.account_hourly_passwords)),
                    (Scope::Account, per_hour(times(settings.account_hourly_passwords, ACCOUNT_FACTOR))),
                ],
            ),
            guard: settings.pumping.map(|rule| Guard::new(rule, clock.clone(), ticker.clone())),
            guesses: settings.guessing.map(|rule| GuessAlarm::new(rule, clock.clone())),
            shared: redis.map(|link| Shared::new(link, clock.clone())),
            processes: AtomicU32::new(1),
            clock,
        }))
    }

    /// Learns how many processes there are, this one included.
    pub fn note_processes(&self, count: usize) {
        self.0.processes.store(u32::try_from(count).unwrap_or(u32::MAX).max(1), Ordering::Relaxed);
    }

    /// Charges an act to everything that it counts against, or to nothing.
    ///
    /// # Errors
    /// The refusal: which quota, and the earliest instant at which the act can be granted.
    pub async fn charge(&self, act: Act<'_>, caller: &Caller) -> Result<(), Refused> {
        let verdict = self.0.judge(act, caller).await;
        verdict.map_err(|Wait { quota, span }| {
            metrics::quota_refused(act.name(), quota.as_str());
            Refused { quota, retry_at: self.0.clock.now() + round_up(span) }
        })
    }

    /// Takes back a send that was charged and then did not happen, since the contact's own cooldown or day stood against
    /// it. Else somebody who asks for one contact again and again would use up the service's hour, and make a
    /// destination prefix look pumped, without a message being sent. The client address has paid for asking.
    pub async fn give_back_send(&self, destination: Option<&str>, caller: &Caller) {
        let act = Act::SendCode { destination };
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
            // Lost at worst, and the count stands higher than what was sent for as long as its period.
            let _: Result<(), Unreachable> = shared.give_back(act.name(), &claims, rule).await;
        }
    }

    /// Tells the guard against SMS pumping that a code sent to this destination prefix was confirmed. Call it once for
    /// each verification by phone that becomes VERIFIED.
    pub async fn note_confirmed(&self, prefix: &str) {
        let Some(guard) = &self.0.guard else { return };
        guard.count_confirmed(prefix);
        if let Some(shared) = &self.0.shared {
            // Lost at worst: the breaker has said that Redis is gone, and the process has counted it.
            let _: Result<(), Unreachable> = shared.confirm(&guard.rule, prefix).await;
        }
    }
}

impl Quotas {
    /// Counts a code that was compared, anywhere in the service. What it returns belongs in the audit trail; of several
    /// processes on one Redis, one gets it.
    pub async fn note_guess(&self, right: bool) -> Option<Alarm> {
        let guesses = self.0.guesses.as_ref()?;
        let own = guesses.count(right);
        let reading = match &self.0.shared {
            None => own,
            Some(shared) => shared.guess(&guesses.rule, right).await.unwrap_or_else(|_| {
                metrics::fell_back(Fallback::Quotas);
                own
            }),
        };
        reading.announce()
    }
}

impl Inner {
    async fn judge(&self, act: Act<'_>, caller: &Caller) -> Result<(), Wait> {
        let ledger = self.ledger(act);
        let claims = ledger.claims(act, caller);
        ledger.charge(&claims)?;
        let guarded = match act {
            Act::SendCode { destination: Some(prefix) } => self.guard.as_ref().map(|guard| (guard, prefix)),
            _ => None,
        };
        if claims.is_empty() && guarded.is_none() {
            return Ok(());
        }
        match self.ask_redis(act, &claims, guarded).await {
            Some(reply) => {
                if reply.verdict.is_err() {
                    ledger.refund(&claims);
                }
                ledger.learn(&claims, &reply.ready_in);
                reply.verdict
            }
            None => {
                let verdict = guarded.map_or(Ok(()), |(guard, prefix)| guard.admit(prefix, caller));
                let verdict = verdict.and_then(|()| ledger.charge_for_others(&claims, self.others()));
                verdict.inspect_err(|_| ledger.refund(&claims))
            }
        }
    }

    /// None: no Redis, or none that answers; the process has to judge.
    async fn ask_redis(&self, act: Act<'_>, claims: &[Claim<'_>], guarded: Option<(&Guard, &str)>) -> Option<Reply> {
        let shared = self.shared.as_ref()?;
        let rule = guarded.map(|(guard, prefix)| (&guard.rule, prefix));
        let Ok(reply) = shared.charge(act.name(), claims, rule).await else {
            metrics::fell_back(Fallback::Quotas);
            return None;
        };
        if let Some((guard, prefix)) = guarded {
            if let Some((turn, tally)) = reply.turn {
                announce(turn, prefix, tally);
            }
            if reply.verdict.is_ok() {
                guard.count_sent(prefix);
            }
        }
        Some(reply)
    }

    /// How many processes count without this one knowing; none where this one is alone by its settings.
    fn others(&self) -> u32 {
        match &self.shared {
            Some(_) => self.processes.load(Ordering::Relaxed) - 1,
            None => 0,
        }
    }

    fn ledger(&self, act: Act<'_>) -> &Ledger {
        match act {
            Act::SendCode { .. } => &self.send_code,
            Act::Guess => &self.guess,
            Act::Lookup => &self.lookup,
            Act::SignIn => &self.sign_in,
            Act::SignUp => &self.sign_up,
            Act::SpendProof => &self.spend_proof,
            Act::Refresh => &self.refresh,
            Act::ConfirmPassword { .. } => &self.confirm_password,
        }
    }
}

/// How many times a session's limit all sessions of an account have: a thief of one session must not use up what the
/// owner's others need.
const ACCOUNT_FACTOR: Limit = NonZeroU32::new(5);

/// No limit times anything, and anything times no limit, is none.
fn times(limit: Limit, factor: Limit) -> Limit {
    Some(limit?.saturating_mul(factor?))
}

fn per_minute(limit: Limit) -> Option<Rate> {
    limit.map(|limit: NonZeroU32| Rate::per_minute(limit))
}

fn per_hour(limit: Limit) -> Option<Rate> {
    limit.map(|limit: NonZeroU32| Rate::per_hour(limit))
}

/// To the millisecond, which is what an instant carries.
fn round_up(span: Duration) -> Duration {
    Duration::from_millis(u64::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX))
}

impl std::fmt::Debug for Quotas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Quotas").field("shared", &self.0.shared.is_some()).finish_non_exhaustive()
    }
}
