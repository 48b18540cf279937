//! Writing what became of a message, on its own row and on the verification that waits for it, and telling who watches.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{deliver::put_back, failover::NO_ANSWER, receipts::Receipt, rules};
use crate::{
    clock::{Clock, Instant},
    events::{Events, Snapshot},
    fault::{Fault, FaultKind},
    ids::DeliveryId,
    status::{DeliveryFailure, DeliveryStatus, Status},
    store::{
        Ending, Settlement, Slot, Store, Taking, Told, Tx, Word,
        entity::{delivery::Model, verification},
    },
    telemetry,
};

/// How often writing a result is tried again where waiting may not help: something else is wrong than that the database
/// is away, or the process is to stop.
const PATIENCE: u32 = 20;
const PAUSE: Duration = Duration::from_millis(500);

/// Writes results. Cheap to clone.
#[derive(Clone)]
pub struct Settler {
    pub store: Store,
    pub clock: Clock,
    pub events: Events,
}

/// What came of having a message in hand.
#[derive(Clone, Debug)]
pub(super) struct Report {
    pub settlement: Settlement,
    /// Times that a provider was asked.
    pub asked: i32,
    /// Whose code has left, or may have: only where some provider makes codes.
    pub code_by: Option<CodeMaker>,
}

/// Who made a code, and what they call it.
#[derive(Clone, Debug)]
pub(super) struct CodeMaker {
    pub by: String,
    pub reference: Option<String>,
}

impl CodeMaker {
    /// What the message's number is called at a provider that made its code, and what that provider calls the
    /// verification.
    fn slot(&self, row: &Model) -> (Option<Slot>, Option<String>) {
        let slot = Slot { provider: self.by.clone(), contact_key: row.contact.clone() };
        (Some(slot), self.reference.clone())
    }
}

impl From<Settlement> for Report {
    /// Nobody was asked.
    fn from(settlement: Settlement) -> Self {
        Self { settlement, asked: 0, code_by: None }
    }
}

/// What a receipt was worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is about nothing of ours; or its provider has not told us yet what it calls the message.
    UnknownMessage,
    Known,
    /// The first word that it arrived, so long after the provider took it.
    Arrived {
        after: Duration,
    },
}

impl Settler {
    /// Writes what became of a claimed message, and says whether it could. A database that is away is waited for: the
    /// provider has the message, and what it said must not get lost lightly.
    pub(super) async fn settle(&self, row: &Model, report: Report, stop: &CancellationToken) -> bool {
        let mut left = PATIENCE;
        while let Err(fault) = self.try_settle(row, report.clone()).await {
            telemetry::report(&fault);
            let passes = fault.kind() == FaultKind::Unavailable && !stop.is_cancelled();
            left = if passes { PATIENCE } else { left - 1 };
            if left == 0 {
                return false;
            }
            tokio::time::sleep(PAUSE).await;
        }
        true
    }

    /// Shows that a discreet message left, before anybody carries it: when it does, and whether, is not to be seen. A
    /// decoy's shows at the same step, so it takes as long.
    pub(super) async fn left(&self, row: &Model) -> Result<(), Fault> {
        let now = self.clock.now();
        let row = row.clone();
        let sent = Some(SENT);
        let shown = self
            .store
            .write(move |tx| Box::pin(async move { Ok(Ending::Commit(show(tx, &row, sent, now).await?)) }))
            .await?;
        self.publish(shown);
        Ok(())
    }

    /// A message that we claimed and never had in hand: the answer to the claim was lost. It is due again.
    pub(super) async fn never_in_hand(&self, row: &Model) -> Result<(), Fault> {
        self.try_settle(row, put_back(row, self.clock.now()).into()).await
    }

    /// A message whose claim ran out: whoever held it died, before or after asking a provider, or is frozen and will
    /// find the claim gone. One that would arrive once however often it is sent is tried again; any other shows as
    /// what it is: unknown. What was sent before stays sent.
    pub(super) async fn abandoned(&self, row: &Model, idempotent: bool) -> Result<(), Fault> {
        let now = self.clock.now();
        let nobody_asked = row.decoy || row.scenario.is_some();
        let settlement = if row.status != DeliveryStatus::Queued {
            Settlement::AsItStands
        } else if (nobody_asked || idempotent) && row.expires_at > now {
            let reason = (!nobody_asked).then(|| NO_ANSWER.to_owned());
            Settlement::Again { due_at: now, provider: None, reason, failure: None, perhaps_sent: !nobody_asked }
        } else {
            Settlement::Ended {
                status: DeliveryStatus::Unknown,
                provider: None,
                reason: Some("interrupted".to_owned()),
                failure: None,
                refused: false,
            }
        };
        self.try_settle(row, Report { asked: 1, ..settlement.into() }).await
    }

    /// The verification that waits for this message, if anybody still does: pending, and no newer message is on its
    /// way. A notice is always waited for.
    pub(super) async fn waiting(&self, row: &Model) -> Result<Wanted, Fault> {
        let Some(id) = &row.verification_id else { return Ok(Wanted::Yes(None)) };
        let verification = self.store.verification(id).await?;
        let wanted = verification.filter(|waiting| waiting.status == Status::Pending && waiting.delivery_id == row.id);
        Ok(wanted.map_or(Wanted::No, |waiting| Wanted::Yes(Some(Box::new(waiting)))))
    }

    /// Shows that a message that was sent waits again. False: a receipt has come, or the claim was lost.
    pub(super) async fn requeue(&self, row: &Model) -> Result<bool, Fault> {
        let now = self.clock.now();
        let row = row.clone();
        let changed = self
            .store
            .write(move |tx| {
                Box::pin(async move {
                    if !tx.requeue_delivery(&row.id, row.claimed_by.as_deref(), now).await? {
                        return Ok(Ending::Rollback(None));
                    }
                    let shown = (!row.discreet).then_some((DeliveryStatus::Queued, None));
                    Ok(Ending::Commit(Some(show(tx, &row, shown, now).await?)))
                })
            })
            .await?;
        let requeued = changed.is_some();
        self.publish(changed.flatten());
        Ok(requeued)
    }

    /// Moves a message on that no provider carries: the play of a test contact.
    pub(super) async fn play(
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
                    let word = Word { status, code: None, failure };
                    Ok(Ending::Commit(advance(tx, &id, word, now).await?))
                })
            })
            .await?;
        self.publish(changed);
        Ok(())
    }

    /// Takes what a provider tells of a message; late, twice or out of order it changes nothing.
    ///
    /// What arrived arrived, by whichever provider. What else an earlier one tells, after another took the message, is
    /// noted and shown to nobody.
    pub(super) async fn take_receipt(&self, receipt: Receipt) -> Result<Taken, Fault> {
        let now = self.clock.now();
        let Receipt { provider, provider_message_id, delivery, status, code } = receipt;
        let told = Told { provider, provider_message_id, delivery };
        let word = Word { status: status.into(), code, failure: status.failure() };
        let (taken, changed) = self
            .store
            .write(move |tx| {
                Box::pin(async move {
                    let Some(attempt) = tx.attempt_told_of(&told, now).await? else {
                        return Ok(Ending::Rollback((Taken::UnknownMessage, None)));
                    };
                    let news = tx.advance_attempt(&attempt, rules::before(word.status), word.clone(), now).await?;
                    let arrived = word.status == DeliveryStatus::Delivered;
                    let changed = if arrived || tx.is_newest_attempt(&attempt).await? {
                        advance(tx, &attempt.delivery_id, word, now).await?
                    } else {
                        None
                    };
                    let after = (now - attempt.accepted_at).to_std().unwrap_or_default();
                    let taken = if news && arrived { Taken::Arrived { after } } else { Taken::Known };
                    Ok(Ending::Commit((taken, changed)))
                })
            })
            .await?;
        self.publish(changed);
        Ok(taken)
    }

    fn publish(&self, changed: Option<verification::Model>) {
        if let Some(changed) = changed {
            self.events.publish(Snapshot::of(&changed));
        }
    }

    async fn try_settle(&self, row: &Model, report: Report) -> Result<(), Fault> {
        let now = self.clock.now();
        if let (Settlement::Accepted { by: Some(by), receipt_due }, None) = (&report.settlement, &report.code_by) {
            let taking = Taking {
                delivery: row.id.clone(),
                verification: row.verification_id.clone(),
                shown: row.discreet.then_some(DeliveryStatus::Sent),
                claim: row.claimed_by.clone(),
                asked: report.asked,
                by: by.clone(),
                receipt_due: *receipt_due,
            };
            if let Some(changed) = self.store.settle_taking(&taking, now).await? {
                self.publish(changed);
                return Ok(());
            }
        }
        let row = row.clone();
        let changed = self
            .store
            .write(move |tx| {
                Box::pin(async move {
                    let Report { settlement, asked, code_by } = report;
                    let (slot, reference) = code_by.as_ref().map(|maker| maker.slot(&row)).unwrap_or_default();
                    let waits = matches!(settlement, Settlement::Again { .. });
                    // Before the verification's row, as a start takes them.
                    if let (Some(id), Some(slot), Some(reference)) = (&row.verification_id, &slot, &reference) {
                        tx.note_reference(slot, id, reference, now).await?;
                    }
                    let settled =
                        tx.settle_delivery(&row.id, row.claimed_by.as_deref(), asked, settlement, now).await?;
                    if let (Some(id), Some(CodeMaker { by, reference })) = (&row.verification_id, &code_by) {
                        tx.note_code_maker(id, by, reference.as_deref()).await?;
                    }
                    let shown = settled.and_then(|settled| match settled.status {
                        _ if row.discreet => Some(SENT),
                        _ if waits => None,
                        status => Some((status, settled.failure)),
                    });
                    Ok(Ending::Commit(show(tx, &row, shown, now).await?))
                })
            })
            .await?;
        self.publish(changed);
        Ok(())
    }
}

/// Whether anybody waits for a message.
pub(super) enum Wanted {
    /// The verification that does; none: it is a notice.
    Yes(Option<Box<verification::Model>>),
    No,
}

/// Moves a message on and shows it.
async fn advance(tx: &Tx, id: &DeliveryId, word: Word, now: Instant) -> Result<Option<verification::Model>, Fault> {
    let shown = (word.status, word.failure);
    match tx.advance_delivery(id, rules::before(word.status), word, now).await? {
        // A discreet message shows that it left and nothing more: whether it could leave or arrive would tell whether
        // there is an account.
        Some(row) => show(tx, &row, Some(if row.discreet { SENT } else { shown }), now).await,
        None => Ok(None),
    }
}

/// A status as it is shown, and why the message failed if it did.
type Shown = (DeliveryStatus, Option<DeliveryFailure>);

/// All that is shown of a discreet message once it left.
const SENT: Shown = (DeliveryStatus::Sent, None);

/// Shows this on the verification that waits for a message, if any does and it shows another status.
async fn show(tx: &Tx, row: &Model, shown: Option<Shown>, now: Instant) -> Result<Option<verification::Model>, Fault> {
    match (&row.verification_id, shown) {
        (Some(id), Some((status, failure))) => tx.show_delivery(id, &row.id, status, failure, now).await,
        _ => Ok(None),
    }
}
