//! The dispatcher sends messages that are written with a claim of this process ([`super::handover`]), and claims those
//! that were written without one, oldest first. It never has more than its own concurrency and the limits of the providers
//! allow ([`super::channels`]).
//!
//! A claim is renewed while its message is being delivered. If a claim expires, its process has died or is
//! suspended, and another process settles its message.

use std::{
    collections::HashSet,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt;
use tokio::{sync::mpsc, time::MissedTickBehavior};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    channels::{ChannelLimits, SendPermit},
    compose::MessageWriter,
    deliver::deliver,
    outbox::Outbox,
    provider_clients::ProviderClients,
    settle::ResultRecorder,
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
use store::{Claim, Claimant, Store};

/// The interval of the sweep, which finds due messages without a wake-up: retries, and messages of a process that died.
const SWEEP: Duration = Duration::from_millis(500);
/// The maximum number of messages claimed in one statement, and of wake-ups received at once.
const BATCH: usize = 64;
/// The maximum number of messages claimed at first where no message is known to wait.
const IDLE_BATCH: usize = 2;
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
    pub clients: ProviderClients,
    pub recorder: ResultRecorder,
    /// The name of this process in claims.
    pub process: String,
    /// The maximum number of concurrent deliveries per channel.
    pub concurrency: usize,
    /// How long to wait for a receipt before a message is sent through another provider.
    pub receipt_timeout: Duration,
    /// The providers from which receipts are expected.
    pub providers_with_receipts: HashSet<&'static str>,
}

/// Delivers messages until it is stopped.
pub struct Dispatcher(Arc<DispatcherState>);

/// The state shared by the delivery tasks.
pub(super) struct DispatcherState {
    pub deps: DispatcherDeps,
    pub stop: CancellationToken,
    /// The deliveries that run, and the messages that are about to be written for one.
    pub tasks: TaskTracker,
    channels: ChannelLimits,
    /// Whether messages may be written with a claim of this process.
    accepting: AtomicBool,
    in_progress: Mutex<HashSet<DeliveryId>>,
    /// Messages that may have been sent, but whose result could not be recorded.
    unsettled: Mutex<HashSet<DeliveryId>>,
}

/// The state of one run.
struct Run {
    renewed_at: Timestamp,
    /// More messages were due than could be started.
    backlog: bool,
    /// Due messages of some channel were not claimed, because all its providers are briefly unavailable.
    briefly_unavailable: bool,
}

impl Dispatcher {
    /// A dispatcher that sends the messages of `outbox` once it runs.
    pub fn new(deps: DispatcherDeps, outbox: &Outbox) -> Self {
        let state = Arc::new(DispatcherState {
            channels: ChannelLimits::new(deps.clients.clone(), deps.concurrency),
            deps,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            accepting: AtomicBool::new(false),
            in_progress: Mutex::default(),
            unsettled: Mutex::default(),
        });
        outbox.connect(Arc::clone(&state));
        Self(state)
    }

    /// Runs until `stop`, then claims nothing more and returns when every claimed message is settled.
    pub async fn run(self, mut wakeups: mpsc::Receiver<DeliveryId>, stop: CancellationToken) {
        let state = self.0;
        let mut run = Run { renewed_at: state.deps.clock.now(), backlog: false, briefly_unavailable: false };
        let mut sweep = tokio::time::interval(SWEEP);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut received = Vec::with_capacity(BATCH);
        // With an embedded database there is no other process: all existing claims belong to a process that died.
        if state.deps.store.is_embedded()
            && let Err(fault) = state.settle_abandoned(state.deps.clock.now() + LEASE * 2).await
        {
            // The sweep finds these messages when their claims expire.
            telemetry::report(&fault);
        }
        state.accepting.store(true, Ordering::SeqCst);
        loop {
            let permit_released = state.deps.clients.permit_released().notified();
            let result = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _ = sweep.tick() => state.sweep(&mut run).await,
                // The ids are not used: the oldest messages are claimed first.
                _ = wakeups.recv_many(&mut received, BATCH) => { received.clear(); state.claim(&mut run).await }
                () = permit_released, if run.backlog || run.briefly_unavailable => state.claim(&mut run).await,
            };
            if let Err(fault) = result {
                // The messages stay in the table; the next sweep retries.
                telemetry::report(&fault);
            }
        }
        state.accepting.store(false, Ordering::SeqCst);
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, state.drain(&mut run)).await;
        state.stop.cancel();
        state.tasks.close();
        while tokio::time::timeout(SWEEP, state.tasks.wait()).await.is_err() {
            let _ = state.renew(&mut run).await.inspect_err(telemetry::report);
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
            let _ = tokio::time::timeout(SWEEP, self.deps.clients.permit_released().notified()).await;
        }
    }

    async fn sweep(self: &Arc<Self>, run: &mut Run) -> Result<(), Fault> {
        self.renew(run).await?;
        let now = self.deps.clock.now();
        self.settle_abandoned(now).await?;
        self.claim(run).await?;
        let waiting =
            if run.backlog || run.briefly_unavailable { self.deps.store.count_due_deliveries(now).await? } else { 0 };
        metrics::queue_depth(metrics::Queue::Deliveries, u32::try_from(waiting).unwrap_or(u32::MAX));
        Ok(())
    }

    /// Claims due messages as long as the limits of the channel and of the provider that is tried first allow. Other
    /// messages stay unclaimed, so that they keep their order and cost nothing while they wait.
    async fn claim(self: &Arc<Self>, run: &mut Run) -> Result<(), Fault> {
        loop {
            (run.backlog, run.briefly_unavailable) = (false, false);
            // Where no message is known to wait, few permits are taken: others need them for new messages meanwhile.
            let more_waiting = self.claim_batch(run, true, BATCH).await?;
            if !(self.claim_batch(run, false, IDLE_BATCH).await? || more_waiting) {
                return Ok(());
            }
            run.backlog = true;
        }
    }

    /// Claims messages of the channels in which messages are known to wait, or of the others. Returns whether more may be
    /// due.
    async fn claim_batch(self: &Arc<Self>, run: &mut Run, waiting: bool, limit: usize) -> Result<bool, Fault> {
        let now = self.deps.clock.now();
        let mut capacity = self.channels.capacity(waiting, limit, now);
        run.backlog |= capacity.exhausted;
        run.briefly_unavailable |= capacity.briefly_unavailable;
        let (channels, max) = (capacity.channels(), capacity.max());
        if max == 0 {
            return Ok(false);
        }
        // A message that is written unclaimed from now on sets it again.
        self.channels.set_backlog(&channels, false);
        let claimed = self.deps.store.claim_due_deliveries(&channels, max as u64, &self.claimant(), now).await;
        let more = claimed.as_ref().is_ok_and(|rows| rows.len() == max);
        if more || claimed.is_err() {
            self.channels.set_backlog(&channels, true);
        }
        for row in claimed? {
            if let Some(permit) = capacity.take(row.channel) {
                self.in_progress().insert(row.id.clone());
                self.spawn_delivery(row, permit);
            }
        }
        Ok(more)
    }

    /// The permit and the claim for a message that is about to be written. It counts as in progress from now on, so that
    /// no sweep takes it for an abandoned one. None: it has to be written unclaimed.
    pub(super) fn reserve(&self, id: &DeliveryId, channel: Channel) -> Option<(SendPermit, Claim)> {
        if !self.accepting.load(Ordering::SeqCst) {
            return None;
        }
        let now = self.deps.clock.now();
        let permit = self.channels.try_acquire(channel, now)?;
        self.in_progress().insert(id.clone());
        Some((permit, self.claimant().claim(now)))
    }

    /// Starts the delivery of a claimed message that is in progress.
    pub(super) fn spawn_delivery(self: &Arc<Self>, row: Delivery, permit: SendPermit) {
        self.tasks.spawn(Arc::clone(self).work(row, permit));
    }

    /// The message is no longer in progress.
    pub(super) fn end(&self, id: &DeliveryId) {
        self.in_progress().remove(id);
    }

    async fn work(self: Arc<Self>, row: Delivery, mut permit: SendPermit) {
        let trace = Trace::from_traceparent(row.trace.as_deref()).child("deliver", Kind::Consumer);
        trace.set_attribute("channel", row.channel.as_str());
        // The panic hook reports a panic; here it is treated as an unknown result.
        let result = AssertUnwindSafe(trace.in_context(deliver(&self, &row, permit.call.take()))).catch_unwind();
        let settled = result.await.unwrap_or(false);
        trace.end();
        if !settled {
            locked(&self.unsettled).insert(row.id.clone());
        }
        self.end(&row.id);
        drop(permit);
        self.deps.clients.permit_released().notify_one();
    }

    /// Renews the claims of messages that are being delivered.
    async fn renew(&self, run: &mut Run) -> Result<(), Fault> {
        let now = self.deps.clock.now();
        if now < run.renewed_at + LEASE / 4 {
            return Ok(());
        }
        let ids: Vec<_> = self.in_progress().iter().cloned().collect();
        if !ids.is_empty() {
            self.deps.store.renew_claims(ids, &self.claimant(), now).await?;
        }
        run.renewed_at = now;
        Ok(())
    }

    /// Settles messages whose claims expired before `deadline`: those of processes that died, and those claimed by this
    /// process that no task delivers.
    async fn settle_abandoned(&self, deadline: Timestamp) -> Result<(), Fault> {
        let DispatcherDeps { store, recorder, clients, .. } = &self.deps;
        let claimant = self.claimant();
        for row in store.abandoned_deliveries(BATCH as u64, deadline).await? {
            let ours = row.claimed_by.as_deref().is_some_and(|claim| claimant.owns(claim));
            if ours && self.in_progress().contains(&row.id) {
                continue;
            }
            if ours && !locked(&self.unsettled).contains(&row.id) {
                recorder.requeue_unstarted(&row).await?;
                continue;
            }
            recorder.settle_abandoned(&row, clients.are_idempotent(row.channel)).await?;
            locked(&self.unsettled).remove(&row.id);
        }
        Ok(())
    }

    fn claimant(&self) -> Claimant {
        Claimant { process: self.deps.process.clone(), lease: LEASE }
    }

    fn in_progress(&self) -> MutexGuard<'_, HashSet<DeliveryId>> {
        locked(&self.in_progress)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
