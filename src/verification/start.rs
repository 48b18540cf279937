//! Sending a code: quotas, verification, outbox message and audit entry in one transaction.

use std::pin::Pin;

use super::{
    Deps, VerificationView, Verifications,
    draft::{delivery_for, idempotency_hash},
    slot::{SlotRequest, SlotResult},
};
use crate::{delivery::Handover, quota::Operation};
use domain::{
    Timestamp,
    account::{Account, Identifier},
    caller::RequestInfo,
    channel::Channel,
    contact::{Contact, ContactKind},
    delivery::Delivery,
    ids::AccountId,
    locale::Locale,
    purpose::Purpose,
    quota::{self, Refused},
    verification::{Recipient, Verification, rules},
};
use platform::{
    fault::Fault,
    telemetry::{
        audit::{self, Event},
        metrics::{self, End},
    },
};
use store::{Claim, NewSend, Reservation, Tx, TxOutcome, UsageLimits};

/// A request to send a code.
pub struct Start<R> {
    pub purpose: Purpose,
    pub to: Contact,
    /// The channel; it must match the kind of contact ([`rules::channel`]).
    pub channel: Channel,
    /// The language of the message.
    pub locale: Locale,
    /// The client's own key: the same key returns the same verification.
    pub idempotency_key: Option<String>,
    pub recipient_source: RecipientSource<R>,
    /// The client is signed in to the account that has the contact, or on a device that signed in to it before.
    pub known_client: bool,
    /// The operation in the audit trail.
    pub act: audit::Act,
}

/// How the recipient is determined.
pub enum RecipientSource<R> {
    /// The contact itself.
    Anyone { account: Option<AccountId> },
    /// An account found by this identifier. It is looked up after the quotas, in the same transaction. `resolve` has to
    /// be a pure function, since a transaction is open.
    Account { identifier: Identifier, resolve: ResolveRecipient<R> },
    /// Determined by more than one statement, or with a write, in the same transaction, after the quotas.
    InTransaction(ResolveInTx<R>),
}

/// Determines the recipient in a transaction, and may write. Must not do anything but SQL.
pub type ResolveInTx<R> = Box<
    dyn for<'t> FnOnce(&'t Tx) -> Pin<Box<dyn Future<Output = Result<Result<Recipient, R>, Fault>> + Send + 't>> + Send,
>;

/// Determines the recipient from an account. An error, allowed only if account existence is disclosed, has the caller's
/// own type.
pub type ResolveRecipient<R> = Box<dyn FnOnce(Option<&Account>) -> Result<Recipient, R> + Send>;

/// Result of a start.
pub enum StartOutcome<R> {
    /// The message is queued, or was already under the same idempotency key.
    Sent(VerificationView),
    Quota(Refused),
    Refused(R),
}

impl Verifications {
    /// Starts a verification and sends its code. Writes the audit entry, except for rejections by the recipient source,
    /// which the caller has to record.
    ///
    /// # Errors
    /// A fault of the store or of the quotas.
    pub async fn start<R: Send + 'static>(
        &self,
        caller: &RequestInfo,
        start: Start<R>,
    ) -> Result<StartOutcome<R>, Fault> {
        let deps = &self.0;
        let key = start.idempotency_key.as_deref().map(|key| idempotency_hash(key, start.purpose, &start.to));
        let event = Event::new(caller, start.act, audit::OK, deps.clock.now()).contact(start.to.masked());
        let _lock = match &key {
            Some(key) => Some(deps.idempotency_locks.wait(key).await),
            None => None,
        };
        if let Some(existing) = deps.existing(key.as_deref()).await? {
            // Nothing is sent, so only a lookup is charged.
            if let Err(refused) = deps.quotas.charge(Operation::Lookup, caller).await {
                deps.store.record(event.outcome(audit::QUOTA_EXCEEDED)).await;
                return Ok(StartOutcome::Quota(refused));
            }
            deps.store.record(event).await;
            return Ok(StartOutcome::Sent(existing));
        }
        let test = deps.test_contact(&start.to).is_some();
        let destination = destination(&start.to);
        if !test {
            let act = Operation::SendCode { destination: destination.as_deref() };
            if let Err(refused) = deps.quotas.charge(act, caller).await {
                deps.store.record(event.outcome(audit::QUOTA_EXCEEDED)).await;
                return Ok(StartOutcome::Quota(refused));
            }
        }
        let now = deps.clock.now();
        let usage_key = start.purpose.usage_key(&start.to);
        let draft = deps.draft(&start, key.clone(), now);
        let handover = deps.outbox.prepare(&draft.delivery_id, draft.delivery_channel);
        let written = deps.write_start(start, draft, handover.claim(), event.clone(), now).await?;
        if !test && !matches!(written, WriteResult::New(_)) {
            deps.quotas.refund_send(destination.as_deref(), caller).await;
        }
        match written {
            WriteResult::New(written) => Ok(StartOutcome::Sent(deps.dispatch_and_publish(*written, handover, event))),
            WriteResult::Refused(refusal) => Ok(StartOutcome::Refused(refusal)),
            // A concurrent request with the same key was first, so its verification is returned.
            WriteResult::KeyTaken | WriteResult::LimitReached | WriteResult::SlotTaken { .. } => {
                if let Some(existing) = deps.existing(key.as_deref()).await? {
                    deps.store.record(event).await;
                    return Ok(StartOutcome::Sent(existing));
                }
                deps.store.record(event.outcome(audit::QUOTA_EXCEEDED)).await;
                Ok(StartOutcome::Quota(match written {
                    WriteResult::SlotTaken { until } => Deps::slot_taken(until),
                    _ => deps.exceeded_limit(&usage_key, now).await?,
                }))
            }
        }
    }
}

impl Deps {
    /// Dispatches the message of a verification that was written, and publishes the cancellation of the verification
    /// that had the recipient's slot before.
    fn dispatch_and_publish(&self, rows: NewRows, handover: Handover, event: Event) -> VerificationView {
        let NewRows { verification: row, delivery, displaced } = rows;
        if let Some(canceled) = displaced {
            Self::count_end(&canceled, End::Canceled);
            self.publish(*canceled);
        }
        if !row.decoy {
            metrics::verification_started(row.purpose, row.delivery_channel);
        }
        event.account_opt(row.account_id.clone()).log();
        handover.dispatch(delivery);
        self.view(row)
    }

    /// Writes the verification, its message, the contact's usage and the audit entry, atomically.
    async fn write_start<R: Send + 'static>(
        &self,
        start: Start<R>,
        draft: Verification,
        claim: Option<Claim>,
        entry: Event,
        now: Timestamp,
    ) -> Result<WriteResult<R>, Fault> {
        let limits = draft.scenario.is_none().then(|| self.send_limits(now));
        let discreet = self.is_discreet(start.purpose, start.channel);
        let notify_unknown =
            draft.scenario.is_none() && self.notifies_unknown(start.purpose, start.to.kind(), start.channel);
        let usage_key = start.purpose.usage_key(&start.to);
        let slot = self.slot_request(&start);
        let Start { to, locale, recipient_source, .. } = start;
        match (limits, recipient_source) {
            // No reads are needed first, so all rows are written in one statement.
            (Some(limits), RecipientSource::Anyone { account })
                if draft.idempotency_key.is_none() && slot.is_none() =>
            {
                let verification = Verification { account_id: account.clone(), ..draft };
                let recipient = Recipient::Code { account: account.clone(), to: None };
                let delivery = delivery_for(&verification, recipient, to, locale, discreet).into_row(now, claim);
                let event = entry.account_opt(account);
                let rows = NewRows { verification, delivery, displaced: None };
                Ok(match self.store.write_send(rows.to_send(limits, usage_key, event), now).await? {
                    true => WriteResult::New(Box::new(rows)),
                    false => WriteResult::LimitReached,
                })
            }
            (limits, recipient_source) => {
                let written = StartTx {
                    draft,
                    claim,
                    slot,
                    limits,
                    usage_key,
                    recipient_source,
                    notify_unknown,
                    to,
                    locale,
                    discreet,
                };
                self.store.write(move |tx| Box::pin(written.run(tx, entry, now))).await
            }
        }
    }
}

/// The inputs of the transaction that writes a start.
struct StartTx<R> {
    draft: Verification,
    /// The claim of this process on the message.
    claim: Option<Claim>,
    slot: Option<SlotRequest>,
    limits: Option<UsageLimits>,
    usage_key: String,
    recipient_source: RecipientSource<R>,
    notify_unknown: bool,
    to: Contact,
    locale: Locale,
    discreet: bool,
}

impl<R> StartTx<R> {
    async fn run(self, tx: &Tx, entry: Event, now: Timestamp) -> Result<TxOutcome<WriteResult<R>>, Fault> {
        let mut row = self.draft;
        let mut displaced = None;
        if let Some(slot) = self.slot {
            match slot.take(tx, &mut row, &entry, now).await? {
                SlotResult::Granted { displaced: canceled } => displaced = canceled,
                SlotResult::Taken { until } => return Ok(TxOutcome::Rollback(WriteResult::SlotTaken { until })),
            }
        }
        if let Some(refused) = reserve(tx, &self.usage_key, now, self.limits).await? {
            return Ok(TxOutcome::Rollback(refused));
        }
        let recipient = match recipient(tx, self.recipient_source, self.notify_unknown).await? {
            Ok(recipient) => recipient,
            Err(refusal) => return Ok(TxOutcome::Rollback(WriteResult::Refused(refusal))),
        };
        row.account_id = recipient.account().cloned();
        // Marked as decoy: its code is not sent, so it cannot be confirmed.
        row.decoy = !matches!(recipient, Recipient::Code { .. });
        if !tx.insert_verification(row.clone()).await? {
            return Ok(TxOutcome::Rollback(WriteResult::KeyTaken));
        }
        let message = delivery_for(&row, recipient, self.to, self.locale, self.discreet);
        let delivery = message.into_row(now, self.claim);
        tx.insert_delivery(delivery.clone()).await?;
        tx.insert_audit(&entry.account_opt(row.account_id.clone())).await?;
        Ok(TxOutcome::Commit(WriteResult::New(Box::new(NewRows { verification: row, delivery, displaced }))))
    }
}

/// The rows that a start wrote.
struct NewRows {
    verification: Verification,
    delivery: Delivery,
    /// The verification that was canceled because it had the recipient's slot.
    displaced: Option<Box<Verification>>,
}

impl NewRows {
    fn to_send(&self, limits: UsageLimits, usage_key: String, event: Event) -> NewSend {
        let (verification, delivery) = (self.verification.clone(), self.delivery.clone());
        NewSend { limits, usage_key, verification, delivery, event }
    }
}

enum WriteResult<R> {
    New(Box<NewRows>),
    /// The contact's cooldown or daily quota is exceeded.
    LimitReached,
    KeyTaken,
    /// Another verification has the recipient's slot at the provider that generates codes, until then.
    SlotTaken {
        until: Timestamp,
    },
    Refused(R),
}

async fn reserve<R>(
    tx: &Tx,
    usage_key: &str,
    now: Timestamp,
    limits: Option<UsageLimits>,
) -> Result<Option<WriteResult<R>>, Fault> {
    let Some(limits) = limits else { return Ok(None) };
    let reserved = tx.reserve_send(usage_key, now, limits).await?;
    Ok((reserved == Reservation::Refused).then_some(WriteResult::LimitReached))
}

async fn recipient<R>(
    tx: &Tx,
    recipient_source: RecipientSource<R>,
    notify_unknown: bool,
) -> Result<Result<Recipient, R>, Fault> {
    match recipient_source {
        RecipientSource::Anyone { account } => Ok(Ok(Recipient::Code { account, to: None })),
        RecipientSource::Account { identifier, resolve } => {
            let account = tx.account(&identifier).await?;
            let decided = resolve(account.as_ref());
            Ok(decided.map(|recipient| match recipient {
                Recipient::Decoy if notify_unknown && account.is_none() => Recipient::NotifyUnknown,
                recipient => recipient,
            }))
        }
        RecipientSource::InTransaction(write) => write(tx).await,
    }
}

/// The destination prefix that phone numbers are counted by. E-mail is not counted: its cost is negligible.
pub(super) fn destination(to: &Contact) -> Option<String> {
    match to {
        Contact::Phone(number) => Some(number.prefix()),
        Contact::Email(_) => None,
    }
}

impl Deps {
    pub(super) fn is_discreet(&self, purpose: Purpose, channel: Channel) -> bool {
        rules::is_discreet(purpose, self.accounts_disclosed, self.routes.sends_notices(channel))
    }

    /// Whether a contact without an account gets a message about that in place of a code, so that a user with a
    /// wrong contact does not wait for a code. Nothing is sent through a provider that carries only codes.
    pub(super) fn notifies_unknown(&self, purpose: Purpose, kind: ContactKind, channel: Channel) -> bool {
        Purpose::GRANTING_ACCESS.contains(&purpose)
            && !self.accounts_disclosed
            && self.notify_unknown.includes(kind)
            && self.routes.sends_notices(channel)
    }

    /// The verification with this idempotency key, while its code is valid, in any state: a late retry must not send
    /// again. After that the key is released.
    async fn existing(&self, key: Option<&str>) -> Result<Option<VerificationView>, Fault> {
        let Some(key) = key else { return Ok(None) };
        let Some(row) = self.store.verification_by_idempotency_key(key).await? else { return Ok(None) };
        let now = self.clock.now();
        if row.expires_at > now {
            return Ok(Some(self.view(row)));
        }
        let key = key.to_owned();
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    tx.release_idempotency_key(&key, now).await?;
                    Ok(TxOutcome::Commit(()))
                })
            })
            .await?;
        Ok(None)
    }

    /// The limit that a rejected send exceeded. If there are two, the one that lasts longer: a client that waits for
    /// the given time should not be rejected again.
    pub(super) async fn exceeded_limit(&self, usage_key: &str, now: Timestamp) -> Result<Refused, Fault> {
        let usage = self.store.contact_usage(usage_key).await?;
        let last_sent_at = usage.as_ref().and_then(|usage| usage.last_sent_at);
        let today = self.today(now);
        let sends = usage.filter(|usage| usage.day >= today).map_or(0, |usage| usage.sends.unsigned_abs());
        let cooldown = quota::rules::cooldown(last_sent_at, now, self.limits.resend_cooldown).err();
        let day = quota::rules::daily(sends, self.limits.daily_sends, now, self.limits.time_zone).err();
        let longest = [cooldown, day].into_iter().flatten().max_by_key(|refused| refused.retry_at);
        // Neither applies any more: the limit ended between the rejection and this read.
        let refused = longest.unwrap_or(Refused { quota: quota::Quota::ResendCooldown, retry_at: now });
        metrics::quota_refused("send_code", refused.quota.as_str());
        Ok(refused)
    }

    /// The refusal while another verification has the recipient's slot at the provider that generates codes.
    fn slot_taken(retry_at: Timestamp) -> Refused {
        metrics::quota_refused("send_code", quota::Quota::ResendCooldown.as_str());
        Refused { quota: quota::Quota::ResendCooldown, retry_at }
    }

    /// The contact's daily quota of guesses is used up, until midnight.
    pub(super) fn daily_guesses_exceeded(&self, now: Timestamp) -> Refused {
        let retry_at = quota::rules::next_midnight(now, self.limits.time_zone);
        metrics::quota_refused("guess", quota::Quota::ContactDaily.as_str());
        Refused { quota: quota::Quota::ContactDaily, retry_at }
    }
}
