//! Quotas across processes: one script, one round trip for all the keys of an act.

use std::time::Duration;

use redis::{Script, ScriptInvocation};

use super::{
    Quota,
    guesses::Reading,
    ledger::{Claim, Wait},
    pumping::{TRICKLE, Tally, Turn},
};
use crate::{
    clock::Clock,
    config::quota::PumpingSettings,
    redis_link::{RedisLink, Unreachable},
};

/// The counts that all processes share.
pub struct Shared {
    link: RedisLink,
    clock: Clock,
    charge: Script,
    confirm: Script,
    give_back: Script,
    guess: Script,
}

/// What Redis said of an act.
pub struct Reply {
    pub verdict: Result<(), Wait>,
    /// In how long the key of each claim, as it now is, will be as good as new.
    pub ready_in: Vec<Duration>,
    /// The throttle of the destination prefix changed, and what the window showed.
    pub turn: Option<(Turn, Tally)>,
}

impl Shared {
    pub fn new(link: RedisLink, clock: Clock) -> Self {
        let charge = Script::new(concat!(include_str!("lua/window.lua"), include_str!("lua/charge.lua")));
        let confirm = Script::new(concat!(include_str!("lua/window.lua"), include_str!("lua/confirm.lua")));
        let give_back = Script::new(concat!(include_str!("lua/window.lua"), include_str!("lua/give_back.lua")));
        let guess = Script::new(concat!(include_str!("lua/window.lua"), include_str!("lua/guess.lua")));
        Self { link, clock, charge, confirm, give_back, guess }
    }

    /// Charges all claims or none; with a guard, judges the prefix too.
    ///
    /// # Errors
    /// [`Unreachable`]: the process has to judge by itself. Redis may still have charged them.
    pub async fn charge(
        &self,
        act: &'static str,
        claims: &[Claim<'_>],
        guarded: Option<(&PumpingSettings, &str)>,
    ) -> Result<Reply, Unreachable> {
        let mut call = self.call(&self.charge, act, claims, guarded);
        if let Some((rule, _)) = guarded {
            call.arg(rule.min_sends.get()).arg(rule.min_conversion);
        }
        let reply: Vec<i64> = self.link.ask(async |mut redis| call.invoke_async(&mut redis).await).await?;
        Ok(read(&reply, claims))
    }

    /// Takes back what `charge` took of these claims, and the prefix's send.
    ///
    /// # Errors
    /// [`Unreachable`]: it may or may not be taken back.
    pub async fn give_back(
        &self,
        act: &'static str,
        claims: &[Claim<'_>],
        guarded: Option<(&PumpingSettings, &str)>,
    ) -> Result<(), Unreachable> {
        let call = self.call(&self.give_back, act, claims, guarded);
        self.link.ask(async |mut redis| call.invoke_async(&mut redis).await).await
    }

    /// Notes that a code sent to `prefix` was confirmed.
    ///
    /// # Errors
    /// [`Unreachable`]: it may or may not be noted.
    pub async fn confirm(&self, rule: &PumpingSettings, prefix: &str) -> Result<(), Unreachable> {
        let mut call = self.confirm.prepare_invoke();
        call.key(self.window(prefix)).arg(self.now()).arg(micros(rule.window));
        self.link.ask(async |mut redis| call.invoke_async(&mut redis).await).await
    }

    /// Counts a code that was tried.
    ///
    /// # Errors
    /// [`Unreachable`]: it may or may not be counted.
    pub async fn guess(&self, rule: &PumpingSettings, right: bool) -> Result<Reading, Unreachable> {
        let mut call = self.guess.prepare_invoke();
        call.key(self.link.name("guesses")).arg(self.now()).arg(micros(rule.window)).arg(u8::from(right));
        call.arg(rule.min_sends.get()).arg(rule.min_conversion);
        let reply: (i64, i64, i64, i64) = self.link.ask(async |mut redis| call.invoke_async(&mut redis).await).await?;
        let (raised, turned, sent, confirmed) = reply;
        let tally = Tally { sent: sent as f64, confirmed: confirmed as f64 };
        Ok(Reading { raised: raised == 1, turn: turn(turned), tally })
    }

    /// What both scripts of an act are told: the time, its quotas, and what its destination prefix is guarded by.
    fn call<'a>(
        &self,
        script: &'a Script,
        act: &'static str,
        claims: &[Claim<'_>],
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
            call.arg(period_micros(TRICKLE)).arg(TRICKLE.burst_size().get()).arg(micros(rule.window));
        }
        call
    }

    fn window(&self, prefix: &str) -> String {
        self.link.name(&format!("pumping:{prefix}"))
    }

    /// Empty for Redis's own clock, which is one for all processes; a clock moved by hand is handed in.
    fn now(&self) -> String {
        match &self.clock {
            Clock::System => String::new(),
            Clock::Manual(_) => self.clock.now().timestamp_micros().to_string(),
        }
    }
}

/// What the script's numbers mean; see there.
fn read(reply: &[i64], claims: &[Claim<'_>]) -> Reply {
    let number = |index: usize| reply.get(index).copied().unwrap_or(0);
    let span = |micros: i64| Duration::from_micros(micros.max(0).unsigned_abs());
    let refusing = usize::try_from(number(0)).unwrap_or(0).checked_sub(1);
    // The key after the last claim is the trickle of the destination prefix.
    let quota = |index: usize| claims.get(index).map_or(Quota::DestinationPrefix, Claim::quota);
    let turn = turn(number(2));
    let tally = Tally { sent: number(3) as f64, confirmed: number(4) as f64 };
    Reply {
        verdict: refusing.map_or(Ok(()), |index| Err(Wait { quota: quota(index), span: span(number(1)) })),
        ready_in: reply.iter().skip(5).copied().map(span).collect(),
        turn: turn.map(|turn| (turn, tally)),
    }
}

fn turn(number: i64) -> Option<Turn> {
    match number {
        1 => Some(Turn::Throttled),
        -1 => Some(Turn::Lifted),
        _ => None,
    }
}

fn period_micros(rate: governor::Quota) -> u64 {
    micros(rate.burst_size_replenished_in())
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
