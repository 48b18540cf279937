//! Resending a code.

use super::code_settings;
use super::{Deps, VerificationView, Verifications, draft::spec, start::destination};
use crate::{
    delivery::{Content, OutgoingMessage},
    quota::Operation,
};
use domain::{
    Timestamp,
    account::{Account, Identifier},
    caller::RequestInfo,
    channel::Channel,
    contact::{Contact, ContactKind},
    delivery::Delivery,
    ids::{AccountId, DeliveryId, VerificationId},
    locale::Locale,
    notice::Notice,
    purpose::Purpose,
    quota::Refused,
    status::DeliveryStatus,
    verification::{
        Verification,
        rules::{self, EffectiveStatus},
    },
};
use platform::{
    fault::Fault,
    telemetry::audit::{self, Event},
};
use store::{Claim, Reservation, TxOutcome};

/// Result of a resend.
pub enum ResendResult {
    Sent(VerificationView),
    NotFound,
    /// It is over.
    NotPending(VerificationView),
    /// The channel cannot be used for this kind of contact.
    WrongChannel,
    /// No provider is configured for this channel.
    ChannelUnavailable,
    /// The provider reported that this contact cannot receive messages; another message would fail as well.
    DeliveryRefused {
        provider_code: Option<String>,
    },
    Quota(Refused),
}

impl ResendResult {
    /// The outcome in the audit trail.
    fn outcome(&self) -> &'static str {
        match self {
            ResendResult::Sent(_) => audit::OK,
            ResendResult::NotFound => "verification_not_found",
            ResendResult::NotPending(_) => "verification_not_pending",
            ResendResult::WrongChannel | ResendResult::ChannelUnavailable => audit::INVALID_INPUT,
            ResendResult::DeliveryRefused { .. } => "delivery_refused",
            ResendResult::Quota(_) => audit::QUOTA_EXCEEDED,
        }
    }
}

/// A resend that passed the checks.
struct CheckedResend {
    row: Verification,
    channel: Channel,
    to: Contact,
    via_account_email: bool,
    now: Timestamp,
}

enum WriteResult {
    Resent(Box<(Verification, Delivery)>),
    LimitReached,
    Ended,
    /// The account has no e-mail address, and account existence is disclosed.
    NoAddress,
}

impl Verifications {
    /// Resends the code of a pending verification through the same or another channel. The code, its expiry and the
    /// number of attempts stay the same.
    ///
    /// # Errors
    /// A fault of the store or of the quotas.
    pub async fn resend(
        &self,
        caller: &RequestInfo,
        id: &VerificationId,
        channel: Option<Channel>,
    ) -> Result<ResendResult, Fault> {
        let event = Event::new(caller, audit::Act::ResendVerificationCode, audit::OK, self.0.clock.now());
        let resent = self.send_again(caller, id, channel, event.clone()).await?;
        // A successful resend was written to the audit trail with the message.
        if !matches!(resent, ResendResult::Sent(_)) {
            self.0.store.record(event.outcome(resent.outcome())).await;
        }
        Ok(resent)
    }

    async fn send_again(
        &self,
        caller: &RequestInfo,
        id: &VerificationId,
        channel: Option<Channel>,
        event: Event,
    ) -> Result<ResendResult, Fault> {
        let deps = &self.0;
        let resend = match deps.check_resend(id, channel).await? {
            Ok(resend) => resend,
            Err(refusal) => return Ok(deps.charge_guess(caller, refusal).await),
        };
        let destination = destination(&resend.to).filter(|_| !resend.via_account_email);
        let test = resend.row.scenario.is_some();
        if !test {
            let operation = Operation::SendCode { destination: destination.as_deref() };
            if let Err(refused) = deps.quotas.charge(operation, caller).await {
                return Ok(ResendResult::Quota(refused));
            }
        }
        if let Some(refused) = deps.rejected_permanently(&resend.row).await? {
            deps.quotas.refund_send(destination.as_deref(), caller).await;
            return Ok(refused);
        }
        let now = resend.now;
        let usage_key = resend.row.purpose.usage_key(&resend.to);
        let event = event.account_opt(resend.row.account_id.clone()).contact(resend.to.masked());
        let delivery = DeliveryId::new(&deps.entropy);
        let handover = deps.outbox.prepare(&delivery, resend.channel);
        let new = (delivery, handover.claim());
        let written = deps.write_resend(resend, new, usage_key.clone(), event.clone()).await?;
        if !test && !matches!(written, WriteResult::Resent(_)) {
            deps.quotas.refund_send(destination.as_deref(), caller).await;
        }
        match written {
            WriteResult::Resent(written) => {
                let (row, delivery) = *written;
                event.log();
                // First the new message, whose status may change at once.
                let view = deps.publish(row);
                handover.dispatch(delivery);
                Ok(ResendResult::Sent(view))
            }
            WriteResult::LimitReached => Ok(ResendResult::Quota(deps.exceeded_limit(&usage_key, now).await?)),
            WriteResult::NoAddress => Ok(ResendResult::WrongChannel),
            WriteResult::Ended => Ok(self.get(id).await?.map_or(ResendResult::NotFound, ResendResult::NotPending)),
        }
    }
}

impl Deps {
    /// Whether the code may be resent through this channel, without the quotas.
    async fn check_resend(
        &self,
        id: &VerificationId,
        channel: Option<Channel>,
    ) -> Result<Result<CheckedResend, ResendResult>, Fault> {
        let Some(row) = self.store.verification(id).await? else { return Ok(Err(ResendResult::NotFound)) };
        let now = self.clock.now();
        if rules::effective_status(row.status, row.expires_at, now) != EffectiveStatus::Pending {
            return Ok(Err(ResendResult::NotPending(self.view(row))));
        }
        let channel = channel.unwrap_or(row.delivery_channel);
        // For a phone, e-mail means the account's own address; any other channel has to match the kind of contact.
        let via_account_email = channel == Channel::Email && row.contact_kind == ContactKind::Phone;
        let is_valid_channel = match via_account_email {
            true => rules::may_use_account_email(row.purpose),
            false => rules::channel(Some(channel), row.contact_kind).is_some(),
        };
        let is_allowed = channel != Channel::Email || code_settings::may_use_email(&self.settings, row.purpose);
        if !is_valid_channel || !is_allowed {
            return Ok(Err(ResendResult::WrongChannel));
        }
        if !self.routes.has_provider(channel) {
            return Ok(Err(ResendResult::ChannelUnavailable));
        }
        let Some(to) = Contact::from_stored(row.contact_kind, &row.contact) else {
            return Err(Fault::internal("invalid contact of a verification"));
        };
        Ok(Ok(CheckedResend { row, channel, to, via_account_email, now }))
    }

    async fn write_resend(
        &self,
        resend: CheckedResend,
        (delivery, claim): (DeliveryId, Option<Claim>),
        usage_key: String,
        event: Event,
    ) -> Result<WriteResult, Fault> {
        let CheckedResend { row, channel, to, via_account_email, now } = resend;
        let limits = row.scenario.is_none().then(|| self.send_limits(now));
        let disclosed = self.accounts_disclosed;
        let unknown = self.was_no_account_notice(&row, channel).await?;
        let mut delivery = self.resend_delivery(&row, to, channel, delivery, unknown).into_row(now, claim);
        let write = self.store.write(move |tx| {
            Box::pin(async move {
                let resent = tx.record_resend(&row.id, &delivery.id, channel, via_account_email, now).await?;
                let Some(resent) = resent else { return Ok(TxOutcome::Rollback(WriteResult::Ended)) };
                if let Some(limits) = limits
                    && tx.reserve_send(&usage_key, now, limits).await? == Reservation::Refused
                {
                    return Ok(TxOutcome::Rollback(WriteResult::LimitReached));
                }
                if via_account_email {
                    // Looked up by phone number, which a decoy has too: both cases cost the same.
                    let holder = tx.account(&Identifier::Phone(row.contact_key.clone())).await?;
                    delivery = to_own_address(delivery, holder, row.account_id.as_ref());
                    if delivery.decoy && disclosed {
                        return Ok(TxOutcome::Rollback(WriteResult::NoAddress));
                    }
                } else if row.contact_kind == ContactKind::Email && row.purpose != Purpose::Contact {
                    let holder = tx.account(&Identifier::Email(row.contact_key.clone())).await?;
                    delivery = to_stored_form(delivery, holder, row.account_id.as_ref());
                }
                tx.insert_delivery(delivery.clone()).await?;
                tx.insert_audit(&event).await?;
                Ok(TxOutcome::Commit(WriteResult::Resent(Box::new((resent, delivery)))))
            })
        });
        write.await
    }

    /// Charges a guess for a rejected resend, also for unknown ids, so that such requests are limited.
    async fn charge_guess(&self, caller: &RequestInfo, found: ResendResult) -> ResendResult {
        self.quotas.charge(Operation::Guess, caller).await.map_or_else(ResendResult::Quota, |()| found)
    }

    /// Whether the previous message said that there is no account. Also read for contacts with an account: both cases
    /// cost the same.
    async fn was_no_account_notice(&self, row: &Verification, channel: Channel) -> Result<bool, Fault> {
        if !self.notifies_unknown(row.purpose, row.contact_kind, channel) {
            return Ok(false);
        }
        let before = self.store.delivery(&row.delivery_id).await?;
        Ok(before.is_some_and(|before| before.kind == Notice::NoAccount.kind()))
    }

    fn resend_delivery(
        &self,
        row: &Verification,
        to: Contact,
        channel: Channel,
        id: DeliveryId,
        unknown: bool,
    ) -> OutgoingMessage {
        // The owner of the contact got a notice in place of the code, and gets it again: a second message that is not
        // DELIVERED would reveal the difference.
        let is_notice = row.decoy && row.account_id.is_some() && row.closed_at.is_none();
        let notice = match (is_notice, unknown) {
            (true, _) => Some(Notice::AccountExists),
            (false, true) => Some(Notice::NoAccount),
            (false, false) => None,
        };
        OutgoingMessage {
            id,
            verification: Some(row.id.clone()),
            channel,
            to,
            locale: Locale::parse(&row.locale).unwrap_or(Locale::Ko),
            decoy: row.decoy && notice.is_none(),
            content: notice.map_or_else(|| Content::Code(spec(row)), Content::Notice),
            discreet: self.is_discreet(row.purpose, channel),
            scenario: row.scenario.clone(),
            expires_at: row.expires_at,
        }
    }

    /// Whether the newest message failed because the provider permanently rejects this contact. Reads the database only
    /// if a message has failed.
    async fn rejected_permanently(&self, row: &Verification) -> Result<Option<ResendResult>, Fault> {
        if row.delivery_status != DeliveryStatus::Failed || row.contact_kind == ContactKind::Email {
            return Ok(None);
        }
        let delivery = self.store.delivery(&row.delivery_id).await?;
        let refused = delivery.filter(|delivery| delivery.refused);
        Ok(refused.map(|delivery| ResendResult::DeliveryRefused { provider_code: delivery.reason }))
    }
}

/// Sends the message to the address as stored with the account: the entered one may differ in case, and then be another
/// person's mailbox.
fn to_stored_form(delivery: Delivery, holder: Option<Account>, account: Option<&AccountId>) -> Delivery {
    match holder.filter(|holder| account == Some(&holder.id)).and_then(|holder| holder.email) {
        Some(contact) => Delivery { contact, ..delivery },
        None => delivery,
    }
}

/// Sends the message to the account's e-mail address in place of its phone. Without an account or an address it becomes
/// a decoy, which looks the same.
fn to_own_address(delivery: Delivery, holder: Option<Account>, account: Option<&AccountId>) -> Delivery {
    let holder = holder.filter(|holder| account == Some(&holder.id) && holder.email_verified_at.is_some());
    match holder.and_then(|holder| holder.email) {
        Some(contact) => Delivery { contact_kind: ContactKind::Email, contact, ..delivery },
        None => Delivery { decoy: true, ..delivery },
    }
}
