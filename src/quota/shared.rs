//! Quotas shared by processes: one script, one round trip for all the keys of an operation.

use std::time::Duration;

use redis::{Script, ScriptInvocation};

use super::{
    guesses::AlarmState,
    operation_limits::{Charge, Wait},
    pumping::{THROTTLED_RATE, ThrottleChange, WindowCounts},
};
use domain::quota::Quota;
use platform::{
    clock::Clock,
    config::quota::PumpingSettings,
    redis_client::{RedisLink, Unreachable},
};

/// The counters shared by all processes.
pub struct Shared {
    link: RedisLink,
    clock: Clock,
    charge: Script,
    confirm: Script,
    refund: Script,
    guess: Script,
}

/// The reply of Redis for an operation.
pub struct Reply {
    pub decision: Result<(), Wait>,
    /// The time until the full burst of each claim's key is available, after this charge.
    pub ready_in: Vec<Duration>,
    /// The change of the prefix's throttling, and the counts in its window.
    pub change: Option<(ThrottleChange, WindowCounts)>,
}

impl Shared {
    pub fn new(link: RedisLink, clock: Clock) -> Self {
        let charge = Script::new(concat!(include_str!("lua/window.lua"), include_str!("lua/charge.lua")));
        let confirm = Script::new(concat!(include_str!("lua/window.lua"), include_str!("lua/confirm.lua")));
        let refund = Script::new(concat!(include_str!("lua/window.lua"), include_str!("lua/refund.lua")));
        let guess = Script::new(concat!(include_str!("lua/window.lua"), include_str!("lua/guess.lua")));
        Self { link, clock, charge, confirm, refund, guess }
    }

    /// Charges all claims or none; for a guarded send, also applies the rule of the prefix.
    ///
    /// # Errors
    /// [`Unreachable`]: the process has to decide by itself. Redis may still have charged them.
    pub async fn charge(
        &self,
        act: &'static str,
        claims: &[Charge<'_>],
        guarded: Option<(&PumpingSettings, &str)>,
    ) -> Result<Reply, Unreachable> {
        let mut call = self.call(&self.charge, act, claims, guarded);
        if let Some((rule, _)) = guarded {
            call.arg(rule.min_sends.get()).arg(rule.min_conversion);
        }
        let reply: Vec<i64> = self.link.query(async |mut redis| call.invoke_async(&mut redis).await).await?;
        Ok(parse_reply(&reply, claims))
    }

    /// Refunds a `charge` of these claims, and the prefix's send.
    ///
    /// # Errors
    /// [`Unreachable`]: it may or may not have been refunded.
    pub async fn refund(
        &self,
        act: &'static str,
        claims: &[Charge<'_>],
        guarded: Option<(&PumpingSettings, &str)>,
    ) -> Result<(), Unreachable> {
        let call = self.call(&self.refund, act, claims, guarded);
        self.link.query(async |mut redis| call.invoke_async(&mut redis).await).await
    }

    /// Counts a confirmed code that was sent to `prefix`.
    ///
    /// # Errors
    /// [`Unreachable`]: it may or may not have been counted.
    pub async fn confirm(&self, rule: &PumpingSettings, prefix: &str) -> Result<(), Unreachable> {
        let mut call = self.confirm.prepare_invoke();
        call.key(self.window(prefix)).arg(self.now()).arg(micros(rule.window));
        self.link.query(async |mut redis| call.invoke_async(&mut redis).await).await
    }

    /// Counts a code that was tried.
    ///
    /// # Errors
    /// [`Unreachable`]: it may or may not have been counted.
    pub async fn guess(&self, rule: &PumpingSettings, right: bool) -> Result<AlarmState, Unreachable> {
        let mut call = self.guess.prepare_invoke();
        call.key(self.link.name("guesses")).arg(self.now()).arg(micros(rule.window)).arg(u8::from(right));
        call.arg(rule.min_sends.get()).arg(rule.min_conversion);
        let reply: (i64, i64, i64, i64) =
            self.link.query(async |mut redis| call.invoke_async(&mut redis).await).await?;
        let (raised, change, sent, confirmed) = reply;
        let counts = WindowCounts { sent: sent as f64, confirmed: confirmed as f64 };
        Ok(AlarmState { raised: raised == 1, change: parse_change(change), counts })
    }

    /// The common arguments of the charge and refund scripts: the time, the quotas, and the guard of the destination
    /// prefix.
    fn call<'a>(
        &self,
        script: &'a Script,
        act: &'static str,
        claims: &[Charge<'_>],
        guarded: Option<(&PumpingSettings, &str)>,
    ) -> ScriptInvocation<'a> {
        let mut call = script.prepare_invoke();
        call.arg(self.now()).arg(claims.len());
        for claim in claims {
            call.key(self.link.name(&format!("quota:{act}:{}", claim.key)));
            call.arg(period_micros(claim.rate())).arg(claim.rate().burst_size().get());
        }
        if let Some((rule, prefix)) = guarded {
            call.key(self.link.name(&format!("quota:trickle:{prefix}"))).key(self.window(prefix));
            call.arg(period_micros(THROTTLED_RATE)).arg(THROTTLED_RATE.burst_size().get()).arg(micros(rule.window));
        }
        call
    }

    fn window(&self, prefix: &str) -> String {
        self.link.name(&format!("pumping:{prefix}"))
    }

    /// Empty for the clock of Redis, which is the same for all processes; a manual clock is passed.
    fn now(&self) -> String {
        match &self.clock {
            Clock::System => String::new(),
            Clock::Manual(_) => self.clock.now().timestamp_micros().to_string(),
        }
    }
}

/// Parses the script's reply; its format is documented there.
fn parse_reply(reply: &[i64], claims: &[Charge<'_>]) -> Reply {
    let number = |index: usize| reply.get(index).copied().unwrap_or(0);
    let span = |micros: i64| Duration::from_micros(micros.max(0).unsigned_abs());
    let refusing = usize::try_from(number(0)).unwrap_or(0).checked_sub(1);
    // The key after the last claim is the remaining rate of the destination prefix.
    let quota = |index: usize| claims.get(index).map_or(Quota::DestinationPrefix, Charge::quota);
    let change = parse_change(number(2));
    let counts = WindowCounts { sent: number(3) as f64, confirmed: number(4) as f64 };
    Reply {
        decision: refusing.map_or(Ok(()), |index| Err(Wait { quota: quota(index), span: span(number(1)) })),
        ready_in: reply.iter().skip(5).copied().map(span).collect(),
        change: change.map(|change| (change, counts)),
    }
}

fn parse_change(number: i64) -> Option<ThrottleChange> {
    match number {
        1 => Some(ThrottleChange::Throttled),
        -1 => Some(ThrottleChange::Lifted),
        _ => None,
    }
}

fn period_micros(rate: governor::Quota) -> u64 {
    micros(rate.burst_size_replenished_in())
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
