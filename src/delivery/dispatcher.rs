//! The dispatcher: it claims what is due, oldest first, and never more than it has hands for and providers have room for.
//!
//! Each channel has hands of its own, so that a provider of text messages that hangs holds up no e-mail. A claim is
//! renewed while its message is in hand; one that runs out belonged to a process that died, and is settled by another.

use std::{
    collections::{BTreeMap, HashSet},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt, future::OptionFuture};
use sea_orm::Iterable;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::MissedTickBehavior,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{compose::Writer, deliver::deliver, lines::Lines, provider::Channel, room::Room, settle::Settler};
use crate::store::{Claimant, Store, entity::delivery::Model};
use domain::{Timestamp, ids::DeliveryId};
use platform::{
    clock::{Clock, Entropy},
    fault::Fault,
    telemetry::{
        self, metrics,
        traces::{Kind, Trace},
    },
};

/// How often the table is looked through for what nobody nudged: retries that have come due, messages of a process
/// that died.
const SWEEP: Duration = Duration::from_millis(500);
/// Messages claimed in one statement, and nudges taken at once.
const BATCH: usize = 64;
/// How long a claim holds without being renewed. A process that says nothing for so long is taken for dead.
const LEASE: Duration = Duration::from_secs(30);

/// How long the end waits for messages that are due.
const DRAIN: Duration = Duration::from_secs(5);

/// What the dispatcher is made of.
pub struct Parts {
    pub store: Store,
    pub clock: Clock,
    pub entropy: Entropy,
    pub writer: Writer,
    pub lines: Lines,
    pub settler: Settler,
    /// Names this process in claims.
    pub process: String,
    /// Messages of one channel in the hands of providers at once.
    pub concurrency: usize,
    /// How long to wait for a receipt before a message goes by another route.
    pub receipt_timeout: Duration,
    /// The providers whose receipts can be expected.
    pub heard: HashSet<&'static str>,
}

/// Carries messages until it is stopped.
pub struct Dispatcher(Arc<Inner>);

/// What the hands share.
pub(super) struct Inner {
    pub parts: Parts,
    pub stop: CancellationToken,
    in_hand: Mutex<HashSet<DeliveryId>>,
    /// What a provider may have, and whose end could not be written.
    unsettled: Mutex<HashSet<DeliveryId>>,
}

/// What one run keeps to itself.
struct Run {
    hands: BTreeMap<Channel, Arc<Semaphore>>,
    working: TaskTracker,
    renewed_at: Timestamp,
    /// More was due than there were hands or room for.
    backlog: bool,
    /// What is due of some channel was left where it is: its providers rest for a moment.
    rests: bool,
}

/// Messages that can be begun at once.
struct Offer {
    /// All channels together: no more than there is room for if all of them were of one.
    most: usize,
    /// By whom messages of a channel go first; none: everybody rests.
    channels: BTreeMap<Channel, Option<&'static str>>,
    rooms: BTreeMap<&'static str, Vec<Room>>,
}

impl Offer {
    fn room(&mut self, channel: Channel) -> Option<Room> {
        let provider = self.channels.get(&channel).copied().flatten()?;
        self.rooms.get_mut(provider)?.pop()
    }
}

impl Dispatcher {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner {
            parts,
            stop: CancellationToken::new(),
            in_hand: Mutex::default(),
            unsettled: Mutex::default(),
        }))
    }

    /// Works until `stop`, then claims nothing more and returns once every message in hand is settled.
    pub async fn run(self, mut nudged: mpsc::Receiver<DeliveryId>, stop: CancellationToken) {
        let inner = self.0;
        let hands = |channel| (channel, Arc::new(Semaphore::new(inner.parts.concurrency)));
        let mut run = Run {
            hands: Channel::iter().map(hands).collect(),
            working: TaskTracker::new(),
            renewed_at: inner.parts.clock.now(),
            backlog: false,
            rests: false,
        };
        let mut sweep = tokio::time::interval(SWEEP);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut nudges = Vec::with_capacity(BATCH);
        // No other process is alive: whatever is claimed was in the hands of one that died.
        if inner.parts.store.is_embedded()
            && let Err(fault) = inner.settle_abandoned(inner.parts.clock.now() + LEASE * 2).await
        {
            // Their claims run out, and the sweep finds them then.
            telemetry::report(&fault);
        }
        loop {
            let worked = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _ = sweep.tick() => inner.sweep(&mut run).await,
                // Which ones does not matter: the oldest come first.
                _ = nudged.recv_many(&mut nudges, BATCH) => { nudges.clear(); inner.claim(&mut run).await }
                () = inner.parts.lines.freed().notified(), if run.backlog || run.rests => inner.claim(&mut run).await,
            };
            if let Err(fault) = worked {
                // The messages stay in the table; the next sweep tries again.
                telemetry::report(&fault);
            }
        }
        let _ = tokio::time::timeout(DRAIN, inner.drain(&mut run)).await;
        inner.stop.cancel();
        run.working.close();
        while tokio::time::timeout(SWEEP, run.working.wait()).await.is_err() {
            let _ = inner.renew(&mut run).await.inspect_err(telemetry::report);
        }
    }
}

impl Inner {
    /// What was acknowledged leaves before we do, as far as providers take it at once: what has to wait stays in the
    /// table for whoever comes next.
    async fn drain(self: &Arc<Self>, run: &mut Run) {
        loop {
            if let Err(fault) = self.claim(run).await {
                return telemetry::report(&fault);
            }
            if !run.backlog {
                return;
            }
            // What waits for its place in a rate is told by nobody.
            let _ = tokio::time::timeout(SWEEP, self.parts.lines.freed().notified()).await;
        }
    }

    async fn sweep(self: &Arc<Self>, run: &mut Run) -> Result<(), Fault> {
        self.renew(run).await?;
        let now = self.parts.clock.now();
        self.settle_abandoned(now).await?;
        self.claim(run).await?;
        let waiting = if run.backlog || run.rests { self.parts.store.count_due_deliveries(now).await? } else { 0 };
        metrics::queue_depth(metrics::Queue::Deliveries, u32::try_from(waiting).unwrap_or(u32::MAX));
        Ok(())
    }

    /// Claims what is due as long as there are hands for it and room at the provider that is asked first: what would wait
    /// in hand, or be put back at once, keeps its place, and costs nothing while it waits.
    async fn claim(self: &Arc<Self>, run: &mut Run) -> Result<(), Fault> {
        let claimant = self.claimant();
        loop {
            let now = self.parts.clock.now();
            let mut offer = self.offer(run, now);
            if offer.channels.is_empty() {
                return Ok(());
            }
            let channels: Vec<_> = offer.channels.keys().copied().collect();
            let rows = self.parts.store.claim_due_deliveries(&channels, offer.most as u64, &claimant, now).await?;
            let claimed = rows.len();
            for row in rows {
                let hands = run.hands.get(&row.channel).map(Arc::clone);
                let room = offer.room(row.channel);
                // Free ones were counted, so this waits for nobody.
                if let Some(Ok(hand)) = OptionFuture::from(hands.map(Semaphore::acquire_owned)).await {
                    run.working.spawn(Arc::clone(self).work(row, room, hand));
                }
            }
            if claimed < offer.most {
                return Ok(());
            }
            run.backlog = true;
        }
    }

    /// What can be begun now.
    fn offer(&self, run: &mut Run, now: Timestamp) -> Offer {
        let lines = &self.parts.lines;
        let mut offer = Offer { most: BATCH, channels: BTreeMap::new(), rooms: BTreeMap::new() };
        (run.rests, run.backlog) = (false, false);
        for (channel, hands) in &run.hands {
            if lines.rest_for_a_moment(*channel, now) {
                run.rests = true;
                continue;
            }
            let line = lines.first_awake(*channel, now);
            let provider = line.map(|line| line.provider().name());
            let room = match line.zip(provider) {
                // One provider of several channels has room once.
                Some((line, name)) => offer.rooms.entry(name).or_insert_with(|| line.rooms(BATCH)).len(),
                // Nobody is asked: each message is told how long to wait.
                None => BATCH,
            };
            match hands.available_permits().min(room) {
                0 => run.backlog = true,
                most => {
                    offer.most = offer.most.min(most);
                    offer.channels.insert(*channel, provider);
                }
            }
        }
        offer
    }

    async fn work(self: Arc<Self>, row: Model, room: Option<Room>, hand: OwnedSemaphorePermit) {
        self.in_hand().insert(row.id.clone());
        let trace = Trace::behind(row.trace.as_deref()).step("deliver", Kind::Consumer);
        trace.note("channel", row.channel.as_str());
        // A panic is told by its hook; here it is one more way not to know what became of the message.
        let carried = AssertUnwindSafe(trace.around(deliver(&self, &row, room))).catch_unwind();
        let settled = carried.await.unwrap_or(false);
        trace.end();
        if !settled {
            locked(&self.unsettled).insert(row.id.clone());
        }
        self.in_hand().remove(&row.id);
        drop(hand);
        self.parts.lines.freed().notify_one();
    }

    /// Holds on to what is in hand.
    async fn renew(&self, run: &mut Run) -> Result<(), Fault> {
        let now = self.parts.clock.now();
        if now < run.renewed_at + LEASE / 4 {
            return Ok(());
        }
        let ids: Vec<_> = self.in_hand().iter().cloned().collect();
        if !ids.is_empty() {
            self.parts.store.renew_claims(ids, &self.claimant(), now).await?;
        }
        run.renewed_at = now;
        Ok(())
    }

    /// Settles messages whose claims ran out before `deadline`: of processes that died, and of our own what nobody here
    /// has in hand.
    async fn settle_abandoned(&self, deadline: Timestamp) -> Result<(), Fault> {
        let Parts { store, settler, lines, .. } = &self.parts;
        let claimant = self.claimant();
        for row in store.abandoned_deliveries(BATCH as u64, deadline).await? {
            let ours = row.claimed_by.as_deref().is_some_and(|claim| claimant.made(claim));
            if ours && self.in_hand().contains(&row.id) {
                continue;
            }
            if ours && !locked(&self.unsettled).contains(&row.id) {
                settler.never_in_hand(&row).await?;
                continue;
            }
            settler.abandoned(&row, lines.are_idempotent(row.channel)).await?;
            locked(&self.unsettled).remove(&row.id);
        }
        Ok(())
    }

    fn claimant(&self) -> Claimant {
        Claimant { process: self.parts.process.clone(), lease: LEASE }
    }

    fn in_hand(&self) -> MutexGuard<'_, HashSet<DeliveryId>> {
        locked(&self.in_hand)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
