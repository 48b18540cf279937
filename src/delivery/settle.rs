//! Records the result of a delivery in its row and in its verification, and publishes the change to subscribers.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{deliver::requeue_at, failover::NO_RESPONSE, status_transitions};
use crate::events::{Events, Snapshot};
use domain::{
    Timestamp,
    delivery::Delivery,
    ids::DeliveryId,
    status::{DeliveryFailure, DeliveryStatus, Status},
    verification::Verification,
};
use platform::{
    clock::Clock,
    fault::{Fault, FaultKind},
    telemetry,
};
use providers::Receipt;
use store::{AcceptedDelivery, ProviderReport, ReportedStatus, Settlement, Slot, Store, Tx, TxOutcome};

/// The maximum number of attempts to write a result while the process is shutting down, or if the fault is not that the
/// database is unavailable. Otherwise the attempts are unlimited.
const MAX_WRITE_ATTEMPTS: u32 = 20;
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// Records the results of deliveries. Cheap to clone.
#[derive(Clone)]
pub struct ResultRecorder {
    pub store: Store,
    pub clock: Clock,
    pub events: Events,
}

/// The result of a delivery.
#[derive(Clone, Debug)]
pub(super) struct DeliveryReport {
    pub settlement: Settlement,
    /// The number of calls to providers.
    pub calls: i32,
    /// Which code was sent, or may have been. None if no provider generates its own codes.
    pub code_by: Option<CodeMaker>,
}

/// Who generated a code, and its reference there.
#[derive(Clone, Debug)]
pub(super) struct CodeMaker {
    pub by: String,
    pub reference: Option<String>,
}

impl CodeMaker {
    /// The recipient's slot at the provider, and the provider's reference for the verification.
    fn slot(&self, row: &Delivery) -> (Option<Slot>, Option<String>) {
        let slot = Slot { provider: self.by.clone(), contact_key: row.contact.clone() };
        (Some(slot), self.reference.clone())
    }
}

impl From<Settlement> for DeliveryReport {
    /// A result without a call to a provider.
    fn from(settlement: Settlement) -> Self {
        Self { settlement, calls: 0, code_by: None }
    }
}

/// The result of processing a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReceiptResult {
    /// The message is unknown, or its id at the provider is not known yet.
    UnknownMessage,
    Known,
    /// The first receipt that reports the delivery, with the time since the provider accepted the message.
    Delivered {
        after: Duration,
    },
}

impl ResultRecorder {
    /// Records the result of a claimed message. Returns whether it was recorded. Retries while the database is
    /// unavailable: the provider has the message, and its response must not get lost.
    pub(super) async fn settle(&self, row: &Delivery, report: DeliveryReport, stop: &CancellationToken) -> bool {
        let mut attempts_left = MAX_WRITE_ATTEMPTS;
        while let Err(fault) = self.try_settle(row, report.clone()).await {
            telemetry::report(&fault);
            let passes = fault.kind() == FaultKind::Unavailable && !stop.is_cancelled();
            attempts_left = if passes { MAX_WRITE_ATTEMPTS } else { attempts_left - 1 };
            if attempts_left == 0 {
                return false;
            }
            tokio::time::sleep(RETRY_DELAY).await;
        }
        true
    }

    /// Shows a discreet message as sent before it is handed to a provider, because its real result must not be visible.
    /// A decoy is shown as sent at the same step, so the timing is the same.
    pub(super) async fn show_as_sent(&self, row: &Delivery) -> Result<(), Fault> {
        let now = self.clock.now();
        let row = row.clone();
        let sent = Some(SENT);
        let shown = self
            .store
            .write(move |tx| Box::pin(async move { Ok(TxOutcome::Commit(show(tx, &row, sent, now).await?)) }))
            .await?;
        self.publish(shown);
        Ok(())
    }

    /// Requeues a message that this process claimed but never started, because the response to the claim was lost.
    pub(super) async fn requeue_unstarted(&self, row: &Delivery) -> Result<(), Fault> {
        self.try_settle(row, requeue_at(row, self.clock.now()).into()).await
    }

    /// Settles a message whose claim expired: its process died before or after calling a provider, or is frozen and
    /// will find its claim gone. With an idempotent provider the message is retried; otherwise its status becomes
    /// unknown. A message that was sent before stays sent.
    pub(super) async fn settle_abandoned(&self, row: &Delivery, idempotent: bool) -> Result<(), Fault> {
        let now = self.clock.now();
        let simulated = row.decoy || row.scenario.is_some();
        let settlement = if row.status != DeliveryStatus::Queued {
            Settlement::Unchanged
        } else if (simulated || idempotent) && row.expires_at > now {
            let reason = (!simulated).then(|| NO_RESPONSE.to_owned());
            Settlement::Retry { due_at: now, provider: None, reason, failure: None, maybe_sent: !simulated }
        } else {
            Settlement::Ended {
                status: DeliveryStatus::Unknown,
                provider: None,
                reason: Some("interrupted".to_owned()),
                failure: None,
                refused: false,
            }
        };
        self.try_settle(row, DeliveryReport { calls: 1, ..settlement.into() }).await
    }

    /// Whether this message is still wanted: its verification is pending and has no newer message. A notice is always
    /// wanted.
    pub(super) async fn check_wanted(&self, row: &Delivery) -> Result<StillWanted, Fault> {
        let Some(id) = &row.verification_id else { return Ok(StillWanted::Yes(None)) };
        let verification = self.store.verification(id).await?;
        let wanted = verification.filter(|waiting| waiting.status == Status::Pending && waiting.delivery_id == row.id);
        Ok(wanted.map_or(StillWanted::No, |waiting| StillWanted::Yes(Some(Box::new(waiting)))))
    }

    /// Sets a sent message back to queued. False if a receipt arrived or the claim was lost.
    pub(super) async fn requeue(&self, row: &Delivery) -> Result<bool, Fault> {
        let now = self.clock.now();
        let row = row.clone();
        let changed = self
            .store
            .write(move |tx| {
                Box::pin(async move {
                    if !tx.requeue_delivery(&row.id, row.claimed_by.as_deref(), now).await? {
                        return Ok(TxOutcome::Rollback(None));
                    }
                    let shown = (!row.discreet).then_some((DeliveryStatus::Queued, None));
                    Ok(TxOutcome::Commit(Some(show(tx, &row, shown, now).await?)))
                })
            })
            .await?;
        let requeued = changed.is_some();
        self.publish(changed.flatten());
        Ok(requeued)
    }

    /// Changes the status of a simulated message to a test contact.
    pub(super) async fn simulate(
        &self,
        id: &DeliveryId,
        status: DeliveryStatus,
        failure: Option<DeliveryFailure>,
    ) -> Result<(), Fault> {
        let now = self.clock.now();
        let id = id.clone();
        let changed = self
            .store
            .write(move |tx| {
                Box::pin(async move {
                    let reported = ReportedStatus { status, code: None, failure };
                    Ok(TxOutcome::Commit(advance(tx, &id, reported, now).await?))
                })
            })
            .await?;
        self.publish(changed);
        Ok(())
    }

    /// Processes a receipt. A late, repeated or out-of-order receipt changes nothing.
    ///
    /// A delivery counts whichever provider reports it. Any other status from an earlier provider, after another one
    /// accepted the message, is recorded but not shown.
    pub(super) async fn take_receipt(&self, receipt: Receipt) -> Result<ReceiptResult, Fault> {
        let now = self.clock.now();
        let Receipt { provider, provider_message_id, delivery, status, code } = receipt;
        let identity = ProviderReport { provider, provider_message_id, delivery };
        let reported = ReportedStatus { status: status.into(), code, failure: status.failure() };
        let (taken, changed) = self
            .store
            .write(move |tx| {
                Box::pin(async move {
                    let Some(attempt) = tx.reported_attempt(&identity, now).await? else {
                        return Ok(TxOutcome::Rollback((ReceiptResult::UnknownMessage, None)));
                    };
                    let allowed = status_transitions::allowed_from(reported.status);
                    let is_new = tx.advance_attempt(&attempt, allowed, reported.clone(), now).await?;
                    let arrived = reported.status == DeliveryStatus::Delivered;
                    let changed = if arrived || tx.is_newest_attempt(&attempt).await? {
                        advance(tx, &attempt.delivery_id, reported, now).await?
                    } else {
                        None
                    };
                    let after = (now - attempt.accepted_at).to_std().unwrap_or_default();
                    let taken =
                        if is_new && arrived { ReceiptResult::Delivered { after } } else { ReceiptResult::Known };
                    Ok(TxOutcome::Commit((taken, changed)))
                })
            })
            .await?;
        self.publish(changed);
        Ok(taken)
    }

    fn publish(&self, changed: Option<Verification>) {
        if let Some(changed) = changed {
            self.events.publish(Snapshot::of(&changed));
        }
    }

    async fn try_settle(&self, row: &Delivery, report: DeliveryReport) -> Result<(), Fault> {
        let now = self.clock.now();
        if let (Settlement::Accepted { by: Some(by), receipt_due }, None) = (&report.settlement, &report.code_by) {
            let accepted = AcceptedDelivery {
                delivery: row.id.clone(),
                verification: row.verification_id.clone(),
                shown: row.discreet.then_some(DeliveryStatus::Sent),
                claim: row.claimed_by.clone(),
                calls: report.calls,
                by: by.clone(),
                receipt_due: *receipt_due,
                accepted_at: now,
            };
            if let Some(changed) = self.store.settle_accepted_delivery(accepted).await {
                self.publish(changed);
                return Ok(());
            }
        }
        let row = row.clone();
        let changed = self
            .store
            .write(move |tx| {
                Box::pin(async move {
                    let DeliveryReport { settlement, calls, code_by } = report;
                    let (slot, reference) = code_by.as_ref().map(|maker| maker.slot(&row)).unwrap_or_default();
                    let waits = matches!(settlement, Settlement::Retry { .. });
                    // The slot is locked before the verification, as at a start: otherwise the two could deadlock.
                    if let (Some(id), Some(slot), Some(reference)) = (&row.verification_id, &slot, &reference) {
                        tx.record_reference(slot, id, reference, now).await?;
                    }
                    let settled =
                        tx.settle_delivery(&row.id, row.claimed_by.as_deref(), calls, settlement, now).await?;
                    if let (Some(id), Some(CodeMaker { by, reference })) = (&row.verification_id, &code_by) {
                        tx.set_code_provider(id, by, reference.as_deref()).await?;
                    }
                    let shown = settled.and_then(|settled| match settled.status {
                        _ if row.discreet => Some(SENT),
                        _ if waits => None,
                        status => Some((status, settled.failure)),
                    });
                    Ok(TxOutcome::Commit(show(tx, &row, shown, now).await?))
                })
            })
            .await?;
        self.publish(changed);
        Ok(())
    }
}

/// Whether a message is still wanted.
pub(super) enum StillWanted {
    /// The verification of the message. None for a notice.
    Yes(Option<Box<Verification>>),
    No,
}

/// Changes the status of a message and shows it.
async fn advance(
    tx: &Tx,
    id: &DeliveryId,
    reported: ReportedStatus,
    now: Timestamp,
) -> Result<Option<Verification>, Fault> {
    let shown = (reported.status, reported.failure);
    match tx.advance_delivery(id, status_transitions::allowed_from(reported.status), reported, now).await? {
        // A discreet message is always shown as sent: its real status would reveal whether the account exists.
        Some(row) => show(tx, &row, Some(if row.discreet { SENT } else { shown }), now).await,
        None => Ok(None),
    }
}

/// A shown status, and why the message failed if it did.
type Shown = (DeliveryStatus, Option<DeliveryFailure>);

/// The final status that is shown for a discreet message.
const SENT: Shown = (DeliveryStatus::Sent, None);

/// Sets the shown delivery status of the verification that waits for a message, if there is one and it differs.
async fn show(tx: &Tx, row: &Delivery, shown: Option<Shown>, now: Timestamp) -> Result<Option<Verification>, Fault> {
    match (&row.verification_id, shown) {
        (Some(id), Some((status, failure))) => tx.show_delivery(id, &row.id, status, failure, now).await,
        _ => Ok(None),
    }
}
