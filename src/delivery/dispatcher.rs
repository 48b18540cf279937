//! The dispatcher claims due messages, oldest first, and never more than its own concurrency and the limits of the
//! providers allow.
//!
//! Each channel has its own concurrency limit, so that a hanging SMS provider does not delay e-mails. A claim is
//! renewed while its message is being delivered. An expired claim belonged to a process that died, and another process
//! settles its message.

use std::{
    collections::{BTreeMap, HashSet},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt, future::OptionFuture};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::MissedTickBehavior,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    call_permit::CallPermit, compose::MessageWriter, deliver::deliver, provider_clients::ProviderClients,
    settle::Settler,
};
use domain::{Timestamp, channel::Channel, delivery::Delivery, ids::DeliveryId};
use platform::{
    clock::{Clock, Entropy},
    fault::Fault,
    telemetry::{
        self, metrics,
        traces::{Kind, Trace},
    },
};
use store::{Claimant, Store};

/// The interval of the sweep, which finds due messages without a wake-up: retries, and messages of a process that died.
const SWEEP: Duration = Duration::from_millis(500);
/// The maximum number of messages claimed in one statement, and of wake-ups received at once.
const BATCH: usize = 64;
/// How long a claim is valid without a renewal. A process that does not renew it for so long is considered dead.
const LEASE: Duration = Duration::from_secs(30);

/// How long the shutdown waits for due messages to be claimed.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// The dependencies and settings of the dispatcher.
pub struct DispatcherDeps {
    pub store: Store,
    pub clock: Clock,
    pub entropy: Entropy,
    pub writer: MessageWriter,
    pub lines: ProviderClients,
    pub settler: Settler,
    /// The name of this process in claims.
    pub process: String,
    /// The maximum number of concurrent deliveries per channel.
    pub concurrency: usize,
    /// How long to wait for a receipt before a message is sent through another provider.
    pub receipt_timeout: Duration,
    /// The providers from which receipts are expected.
    pub heard: HashSet<&'static str>,
}

/// Delivers messages until it is stopped.
pub struct Dispatcher(Arc<DispatcherState>);

/// The state shared by the delivery tasks.
pub(super) struct DispatcherState {
    pub parts: DispatcherDeps,
    pub stop: CancellationToken,
    in_progress: Mutex<HashSet<DeliveryId>>,
    /// Messages that may have been sent, but whose result could not be recorded.
    unsettled: Mutex<HashSet<DeliveryId>>,
}

/// The state of one run.
struct Run {
    permits: BTreeMap<Channel, Arc<Semaphore>>,
    tasks: TaskTracker,
    renewed_at: Timestamp,
    /// More messages were due than could be started.
    backlog: bool,
    /// Due messages of some channel were not claimed, because all its providers are briefly unavailable.
    briefly_unavailable: bool,
}

/// The messages that can be started now.
struct Capacity {
    /// The maximum for all channels together: the smallest limit of a single channel, since all messages may be of one.
    max: usize,
    /// The provider that is tried first for each channel. None if all providers are unavailable.
    channels: BTreeMap<Channel, Option<&'static str>>,
    permits: BTreeMap<&'static str, Vec<CallPermit>>,
}

impl Capacity {
    fn room(&mut self, channel: Channel) -> Option<CallPermit> {
        let provider = self.channels.get(&channel).copied().flatten()?;
        self.permits.get_mut(provider)?.pop()
    }
}

impl Dispatcher {
    pub fn new(parts: DispatcherDeps) -> Self {
        Self(Arc::new(DispatcherState {
            parts,
            stop: CancellationToken::new(),
            in_progress: Mutex::default(),
            unsettled: Mutex::default(),
        }))
    }

    /// Runs until `stop`, then claims nothing more and returns when every claimed message is settled.
    pub async fn run(self, mut wakeups: mpsc::Receiver<DeliveryId>, stop: CancellationToken) {
        let inner = self.0;
        let permits = |channel| (channel, Arc::new(Semaphore::new(inner.parts.concurrency)));
        let mut run = Run {
            permits: Channel::all().map(permits).collect(),
            tasks: TaskTracker::new(),
            renewed_at: inner.parts.clock.now(),
            backlog: false,
            briefly_unavailable: false,
        };
        let mut sweep = tokio::time::interval(SWEEP);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut received = Vec::with_capacity(BATCH);
        // With an embedded database there is no other process: all existing claims belong to a process that died.
        if inner.parts.store.is_embedded()
            && let Err(fault) = inner.settle_abandoned(inner.parts.clock.now() + LEASE * 2).await
        {
            // The sweep finds these messages when their claims expire.
            telemetry::report(&fault);
        }
        loop {
            let result = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _ = sweep.tick() => inner.sweep(&mut run).await,
                // The ids are not used: the oldest messages are claimed first.
                _ = wakeups.recv_many(&mut received, BATCH) => { received.clear(); inner.claim(&mut run).await }
                () = inner.parts.lines.permit_released().notified(), if run.backlog || run.briefly_unavailable => inner.claim(&mut run).await,
            };
            if let Err(fault) = result {
                // The messages stay in the table; the next sweep retries.
                telemetry::report(&fault);
            }
        }
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, inner.drain(&mut run)).await;
        inner.stop.cancel();
        run.tasks.close();
        while tokio::time::timeout(SWEEP, run.tasks.wait()).await.is_err() {
            let _ = inner.renew(&mut run).await.inspect_err(telemetry::report);
        }
    }
}

impl DispatcherState {
    /// Before shutdown, delivers the due messages that providers accept immediately. Messages that have to wait stay in
    /// the table for the next process.
    async fn drain(self: &Arc<Self>, run: &mut Run) {
        loop {
            if let Err(fault) = self.claim(run).await {
                return telemetry::report(&fault);
            }
            if !run.backlog {
                return;
            }
            // No notification is sent when a rate limit allows the next call, so there is a timeout.
            let _ = tokio::time::timeout(SWEEP, self.parts.lines.permit_released().notified()).await;
        }
    }

    async fn sweep(self: &Arc<Self>, run: &mut Run) -> Result<(), Fault> {
        self.renew(run).await?;
        let now = self.parts.clock.now();
        self.settle_abandoned(now).await?;
        self.claim(run).await?;
        let waiting =
            if run.backlog || run.briefly_unavailable { self.parts.store.count_due_deliveries(now).await? } else { 0 };
        metrics::queue_depth(metrics::Queue::Deliveries, u32::try_from(waiting).unwrap_or(u32::MAX));
        Ok(())
    }

    /// Claims due messages as long as the concurrency limit and the provider that is tried first allow. Other messages
    /// stay unclaimed, so that they keep their order and cost nothing while they wait.
    async fn claim(self: &Arc<Self>, run: &mut Run) -> Result<(), Fault> {
        let claimant = self.claimant();
        loop {
            let now = self.parts.clock.now();
            let mut capacity = self.capacity(run, now);
            if capacity.channels.is_empty() {
                return Ok(());
            }
            let channels: Vec<_> = capacity.channels.keys().copied().collect();
            let rows = self.parts.store.claim_due_deliveries(&channels, capacity.max as u64, &claimant, now).await?;
            let claimed = rows.len();
            for row in rows {
                let permits = run.permits.get(&row.channel).map(Arc::clone);
                let room = capacity.room(row.channel);
                // The available permits were counted, so this does not wait.
                if let Some(Ok(permit)) = OptionFuture::from(permits.map(Semaphore::acquire_owned)).await {
                    run.tasks.spawn(Arc::clone(self).work(row, room, permit));
                }
            }
            if claimed < capacity.max {
                return Ok(());
            }
            run.backlog = true;
        }
    }

    /// The messages that can be started now.
    fn capacity(&self, run: &mut Run, now: Timestamp) -> Capacity {
        let lines = &self.parts.lines;
        let mut capacity = Capacity { max: BATCH, channels: BTreeMap::new(), permits: BTreeMap::new() };
        (run.briefly_unavailable, run.backlog) = (false, false);
        for (channel, permits) in &run.permits {
            if lines.are_briefly_unavailable(*channel, now) {
                run.briefly_unavailable = true;
                continue;
            }
            let line = lines.first_available(*channel, now);
            let provider = line.map(|line| line.provider().name());
            let room = match line.zip(provider) {
                // A provider of several channels has one set of permits.
                Some((line, name)) => capacity.permits.entry(name).or_insert_with(|| line.permits(BATCH)).len(),
                // No provider is called: each message is rescheduled.
                None => BATCH,
            };
            match permits.available_permits().min(room) {
                0 => run.backlog = true,
                max => {
                    capacity.max = capacity.max.min(max);
                    capacity.channels.insert(*channel, provider);
                }
            }
        }
        capacity
    }

    async fn work(self: Arc<Self>, row: Delivery, room: Option<CallPermit>, permit: OwnedSemaphorePermit) {
        self.in_progress().insert(row.id.clone());
        let trace = Trace::from_traceparent(row.trace.as_deref()).child("deliver", Kind::Consumer);
        trace.set_attribute("channel", row.channel.as_str());
        // The panic hook reports a panic; here it is treated as an unknown result.
        let result = AssertUnwindSafe(trace.in_context(deliver(&self, &row, room))).catch_unwind();
        let settled = result.await.unwrap_or(false);
        trace.end();
        if !settled {
            locked(&self.unsettled).insert(row.id.clone());
        }
        self.in_progress().remove(&row.id);
        drop(permit);
        self.parts.lines.permit_released().notify_one();
    }

    /// Renews the claims of messages that are being delivered.
    async fn renew(&self, run: &mut Run) -> Result<(), Fault> {
        let now = self.parts.clock.now();
        if now < run.renewed_at + LEASE / 4 {
            return Ok(());
        }
        let ids: Vec<_> = self.in_progress().iter().cloned().collect();
        if !ids.is_empty() {
            self.parts.store.renew_claims(ids, &self.claimant(), now).await?;
        }
        run.renewed_at = now;
        Ok(())
    }

    /// Settles messages whose claims expired before `deadline`: those of processes that died, and those claimed by this
    /// process that no task delivers.
    async fn settle_abandoned(&self, deadline: Timestamp) -> Result<(), Fault> {
        let DispatcherDeps { store, settler, lines, .. } = &self.parts;
        let claimant = self.claimant();
        for row in store.abandoned_deliveries(BATCH as u64, deadline).await? {
            let ours = row.claimed_by.as_deref().is_some_and(|claim| claimant.owns(claim));
            if ours && self.in_progress().contains(&row.id) {
                continue;
            }
            if ours && !locked(&self.unsettled).contains(&row.id) {
                settler.requeue_unstarted(&row).await?;
                continue;
            }
            settler.settle_abandoned(&row, lines.are_idempotent(row.channel)).await?;
            locked(&self.unsettled).remove(&row.id);
        }
        Ok(())
    }

    fn claimant(&self) -> Claimant {
        Claimant { process: self.parts.process.clone(), lease: LEASE }
    }

    fn in_progress(&self) -> MutexGuard<'_, HashSet<DeliveryId>> {
        locked(&self.in_progress)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
