//! The dispatcher: it claims what is due, has it carried, and writes what became of it.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Semaphore, mpsc},
    time::MissedTickBehavior,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    compose::Writer,
    decoy::{Pace, play},
    failover::{Carried, carry as carry_by},
    registry::Routes,
    settle::Settler,
};
use crate::{
    clock::{Clock, Entropy, Instant},
    fault::Fault,
    ids::DeliveryId,
    status::DeliveryStatus,
    store::{Claimant, Settlement, Store, entity::delivery::Model},
};

/// How often the table is looked through for what nobody nudged: retries that have come due, messages of a process
/// that died.
const SWEEP: Duration = Duration::from_millis(500);
/// Messages claimed in one statement.
const BATCH: usize = 64;

/// What the dispatcher is made of.
pub struct Parts {
    pub store: Store,
    pub clock: Clock,
    pub entropy: Entropy,
    pub writer: Writer,
    pub routes: Routes,
    pub settler: Settler,
    /// Names this process in claims.
    pub process: String,
    /// Messages in the hands of providers at once.
    pub concurrency: usize,
    /// A claim that is not settled by then belonged to a process that died. Longer than any provider is waited for.
    pub lease: Duration,
}

/// Carries messages until it is stopped.
pub struct Dispatcher {
    parts: Arc<Parts>,
    claimant: Claimant,
    pace: Pace,
    hands: Arc<Semaphore>,
    working: TaskTracker,
}

impl Dispatcher {
    pub fn new(parts: Parts) -> Self {
        Self {
            claimant: Claimant { process: parts.process.clone(), lease: parts.lease },
            hands: Arc::new(Semaphore::new(parts.concurrency)),
            pace: Pace::default(),
            working: TaskTracker::new(),
            parts: Arc::new(parts),
        }
    }

    /// Works until `stop`, then claims nothing more and returns once every message in hand is settled.
    pub async fn run(self, mut nudged: mpsc::Receiver<DeliveryId>, stop: CancellationToken) {
        let mut sweep = tokio::time::interval(SWEEP);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ids = Vec::with_capacity(BATCH);
        loop {
            let claimed = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _ = sweep.tick() => self.sweep().await,
                _ = nudged.recv_many(&mut ids, BATCH) => self.claim(std::mem::take(&mut ids)).await,
            };
            match claimed {
                Ok(rows) => {
                    for row in rows {
                        self.hand_over(row).await;
                    }
                }
                // The messages stay in the table; the next sweep tries again.
                Err(fault) => fault.log(),
            }
        }
        self.working.close();
        self.working.wait().await;
    }

    async fn claim(&self, ids: Vec<DeliveryId>) -> Result<Vec<Model>, Fault> {
        self.parts.store.claim_deliveries(ids, &self.claimant, self.parts.clock.now()).await
    }

    /// What is due in the table. Claims no more than there are hands for, so that a claim never waits until it runs out.
    async fn sweep(&self) -> Result<Vec<Model>, Fault> {
        let now = self.parts.clock.now();
        for row in self.parts.store.abandoned_deliveries(BATCH as u64, now).await? {
            self.parts.settler.abandoned(row, &self.parts.routes, now).await?;
        }
        let free = self.hands.available_permits().min(BATCH) as u64;
        if free == 0 {
            return Ok(Vec::new());
        }
        self.parts.store.claim_due_deliveries(free, &self.claimant, now).await
    }

    /// Waits for a free hand and gives it the message.
    async fn hand_over(&self, row: Model) {
        let Ok(hand) = Arc::clone(&self.hands).acquire_owned().await else { return };
        let (parts, pace) = (Arc::clone(&self.parts), self.pace.clone());
        self.working.spawn(async move {
            deliver(&parts, &pace, row).await;
            drop(hand);
        });
    }
}

/// Carries one claimed message and writes what became of it.
async fn deliver(parts: &Parts, pace: &Pace, row: Model) {
    let now = parts.clock.now();
    let settlement = if row.expires_at <= now {
        failed("expired")
    } else if let Some(scenario) = &row.scenario {
        return play(parts, &row, scenario).await;
    } else if row.decoy {
        pace.keep(&parts.clock).await;
        sent(None, None)
    } else {
        let settlement = carry(parts, &row, now).await;
        pace.note((parts.clock.now() - now).to_std().unwrap_or_default());
        settlement
    };
    parts.settler.settle(&row, settlement).await;
}

async fn carry(parts: &Parts, row: &Model, now: Instant) -> Settlement {
    // A first try follows its row at once; only what waited may have been overtaken by a confirmation or a cancel.
    if row.tries > 1 || (now - row.created_at).to_std().is_ok_and(|age| age > SWEEP * 4) {
        match parts.settler.is_still_wanted(row).await {
            Ok(true) => {}
            Ok(false) => return failed("no_longer_wanted"),
            Err(fault) => {
                fault.log();
                return Settlement::Again { due_at: now + SWEEP, provider: None, reason: None };
            }
        }
    }
    let message = match parts.writer.write(row, now) {
        Ok(message) => message,
        Err(reason) => return failed(reason),
    };
    match carry_by(&parts.routes, &message).await {
        Carried::Accepted { provider, message_id } => sent(Some(provider), message_id),
        Carried::Refused { provider, code } => Settlement::Settled {
            status: DeliveryStatus::Failed,
            provider: Some(provider.to_owned()),
            provider_message_id: None,
            reason: code,
            refused: true,
        },
        Carried::Unknown { provider } => Settlement::Settled {
            status: DeliveryStatus::Unknown,
            provider: Some(provider.to_owned()),
            provider_message_id: None,
            reason: Some("no_answer".to_owned()),
            refused: false,
        },
        Carried::NotNow { provider, code, retry_after } => {
            let now = parts.clock.now();
            let due_at = now + retry_after.unwrap_or_else(|| back_off(row.tries, &parts.entropy));
            let (provider, reason) = (provider.map(str::to_owned), code);
            if due_at < row.expires_at {
                return Settlement::Again { due_at, provider, reason };
            }
            Settlement::Settled {
                status: DeliveryStatus::Failed,
                provider,
                provider_message_id: None,
                reason: reason.or_else(|| Some("unavailable".to_owned())),
                refused: false,
            }
        }
    }
}

/// One second, doubled by every try up to ten minutes, the last half of it by chance so that retries do not march in
/// step.
fn back_off(tries: i32, entropy: &Entropy) -> Duration {
    let doubled = Duration::from_secs(1 << tries.clamp(0, 10)).min(Duration::from_secs(600));
    let chance = f64::from(u32::from_be_bytes(entropy.bytes())) / f64::from(u32::MAX);
    doubled.mul_f64(0.5 + chance / 2.0)
}

pub(super) fn sent(provider: Option<&str>, provider_message_id: Option<String>) -> Settlement {
    Settlement::Settled {
        status: DeliveryStatus::Sent,
        provider: provider.map(str::to_owned),
        provider_message_id,
        reason: None,
        refused: false,
    }
}

pub(super) fn failed(reason: &str) -> Settlement {
    Settlement::Settled {
        status: DeliveryStatus::Failed,
        provider: None,
        provider_message_id: None,
        reason: Some(reason.to_owned()),
        refused: false,
    }
}
