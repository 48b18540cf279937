//! Sending the same code once more.

use super::{
    Parts, Verification, Verifications,
    draft::spec,
    rules::{self, Standing},
    start::destination,
};
use crate::{
    delivery::{Content, Notice, Order},
    fault::Fault,
    quota::{Act, Refused},
    store::{
        Ending, Identifier, Reserved,
        entity::{account, delivery, verification::Model},
    },
    telemetry::audit::{self, Event},
};
use domain::{
    caller::Caller,
    channel::Channel,
    contact::{Contact, ContactKind},
    ids::{AccountId, DeliveryId, VerificationId},
    locale::Locale,
    purpose::Purpose,
    status::DeliveryStatus,
};

/// What became of a resend.
pub enum Resent {
    Sent(Verification),
    NotFound,
    /// It is over.
    NotPending(Verification),
    /// The channel does not lead to the contact.
    WrongChannel,
    /// Nobody carries messages of this channel.
    ChannelUnavailable,
    /// The provider said that this contact can't get messages; another one would fare no better.
    DeliveryRefused {
        provider_code: Option<String>,
    },
    Quota(Refused),
}

impl Resent {
    /// Its name in the audit trail.
    fn outcome(&self) -> &'static str {
        match self {
            Resent::Sent(_) => audit::OK,
            Resent::NotFound => "verification_not_found",
            Resent::NotPending(_) => "verification_not_pending",
            Resent::WrongChannel | Resent::ChannelUnavailable => audit::INVALID_INPUT,
            Resent::DeliveryRefused { .. } => "delivery_refused",
            Resent::Quota(_) => audit::QUOTA_EXCEEDED,
        }
    }
}

enum Written {
    Again(Box<Model>),
    UsedUp,
    Over,
    /// The account has no address of its own, and that may be told.
    NoAddress,
}

impl Verifications {
    /// Sends the code of a pending verification once more, by the same or another channel. It stays the same code and
    /// dies when it would have; attempts are not refilled.
    ///
    /// # Errors
    /// A fault of the store or of the quotas.
    pub async fn resend(
        &self,
        caller: &Caller,
        id: &VerificationId,
        channel: Option<Channel>,
    ) -> Result<Resent, Fault> {
        let event = Event::new(caller, audit::Act::ResendVerificationCode, audit::OK, self.0.clock.now());
        let resent = self.send_again(caller, id, channel, event.clone()).await?;
        // What was sent again stands in the trail with it.
        if !matches!(resent, Resent::Sent(_)) {
            self.0.store.record(event.outcome(resent.outcome())).await;
        }
        Ok(resent)
    }

    async fn send_again(
        &self,
        caller: &Caller,
        id: &VerificationId,
        channel: Option<Channel>,
        event: Event,
    ) -> Result<Resent, Fault> {
        let parts = &self.0;
        let Some(row) = parts.store.verification(id).await? else {
            return Ok(parts.charged_a_guess(caller, Resent::NotFound).await);
        };
        let now = parts.clock.now();
        if rules::standing(row.status, row.expires_at, now) != Standing::Pending {
            return Ok(parts.charged_a_guess(caller, Resent::NotPending(parts.view(row))).await);
        }
        let channel = channel.unwrap_or(row.delivery_channel);
        // A code for a phone goes to the account's own address; any other channel has to lead to the contact itself.
        let by_letter = channel == Channel::Email && row.contact_kind == ContactKind::Phone;
        let leads = match by_letter {
            true => rules::may_go_by_letter(row.purpose),
            false => rules::channel(Some(channel), row.contact_kind).is_some(),
        };
        if !leads || (channel == Channel::Email && !rules::may_go_by_email(&parts.settings, row.purpose)) {
            return Ok(parts.charged_a_guess(caller, Resent::WrongChannel).await);
        }
        if !parts.routes.leads(channel) {
            return Ok(parts.charged_a_guess(caller, Resent::ChannelUnavailable).await);
        }
        let Some(to) = Contact::from_stored(row.contact_kind, &row.contact) else {
            return Err(Fault::internal("a verification's contact does not read"));
        };
        let test = row.scenario.is_some();
        let destination = destination(&to).filter(|_| !by_letter);
        if !test {
            let act = Act::SendCode { destination: destination.as_deref() };
            if let Err(refused) = parts.quotas.charge(act, caller).await {
                return Ok(Resent::Quota(refused));
            }
        }
        if let Some(refused) = parts.refused_for_good(&row).await? {
            parts.quotas.give_back_send(destination.as_deref(), caller).await;
            return Ok(refused);
        }
        let limits = (!test).then(|| parts.send_limits(now));
        let disclosed = parts.accounts_disclosed;
        let usage_key = row.purpose.usage_key(&to);
        let counted_by = usage_key.clone();
        let event = event.maybe_account(row.account_id.clone()).contact(to.masked());
        let entry = event.clone();
        let delivery = DeliveryId::new(&parts.entropy);
        let unknown = parts.was_told_unknown(&row, channel).await?;
        let mut order = parts.again(&row, to, channel, delivery, unknown).into_row(now);
        let written = parts
            .store
            .write(move |tx| {
                Box::pin(async move {
                    let Some(again) = tx.send_again(&row.id, &order.id, channel, by_letter, now).await? else {
                        return Ok(Ending::Rollback(Written::Over));
                    };
                    if let Some(limits) = limits
                        && tx.reserve_send(&counted_by, now, limits).await? == Reserved::Refused
                    {
                        return Ok(Ending::Rollback(Written::UsedUp));
                    }
                    if by_letter {
                        // Looked up by the phone, which a decoy has as well: both cost the same.
                        let holder = tx.account(&Identifier::Phone(row.contact_key.clone())).await?;
                        order = to_own_address(order, holder, row.account_id.as_ref());
                        if order.decoy && disclosed {
                            return Ok(Ending::Rollback(Written::NoAddress));
                        }
                    } else if row.contact_kind == ContactKind::Email && row.purpose != Purpose::Contact {
                        let holder = tx.account(&Identifier::Email(row.contact_key.clone())).await?;
                        order = to_stored_form(order, holder, row.account_id.as_ref());
                    }
                    tx.insert_delivery(order).await?;
                    tx.insert_audit(&entry).await?;
                    Ok(Ending::Commit(Written::Again(Box::new(again))))
                })
            })
            .await?;
        if !test && !matches!(written, Written::Again(_)) {
            parts.quotas.give_back_send(destination.as_deref(), caller).await;
        }
        match written {
            Written::Again(row) => {
                event.log();
                parts.outbox.dispatch(row.delivery_id.clone());
                Ok(Resent::Sent(parts.published(*row)))
            }
            Written::UsedUp => Ok(Resent::Quota(parts.why_refused(&usage_key, now).await?)),
            Written::NoAddress => Ok(Resent::WrongChannel),
            Written::Over => Ok(self.get(id).await?.map_or(Resent::NotFound, Resent::NotPending)),
        }
    }
}

impl Parts {
    /// What is refused before anything is sent costs what a guess costs, ids that lead nowhere too: so many can be asked,
    /// and no more.
    async fn charged_a_guess(&self, caller: &Caller, found: Resent) -> Resent {
        self.quotas.charge(Act::Guess, caller).await.map_or_else(Resent::Quota, |()| found)
    }

    /// Whether the message before told that there is no account. It is read for contacts with an account as well: both
    /// cost the same.
    async fn was_told_unknown(&self, row: &Model, channel: Channel) -> Result<bool, Fault> {
        if !self.tells_unknown(row.purpose, row.contact_kind, channel) {
            return Ok(false);
        }
        let before = self.store.delivery(&row.delivery_id).await?;
        Ok(before.is_some_and(|before| before.kind == Notice::NoAccount.kind()))
    }

    fn again(&self, row: &Model, to: Contact, channel: Channel, id: DeliveryId, unknown: bool) -> Order {
        // Whoever has the contact already was told in place of a code, and is told again: a message that stopped short
        // of DELIVERED the second time would tell.
        let told = row.decoy && row.account_id.is_some() && row.closed_at.is_none();
        let notice = match (told, unknown) {
            (true, _) => Some(Notice::AccountExists),
            (false, true) => Some(Notice::NoAccount),
            (false, false) => None,
        };
        Order {
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

    /// Whether the newest message failed because the provider will not carry anything to this contact. It costs a read
    /// only where a message has failed.
    async fn refused_for_good(&self, row: &Model) -> Result<Option<Resent>, Fault> {
        if row.delivery_status != DeliveryStatus::Failed || row.contact_kind == ContactKind::Email {
            return Ok(None);
        }
        let delivery = self.store.delivery(&row.delivery_id).await?;
        let refused = delivery.filter(|delivery| delivery.refused);
        Ok(refused.map(|delivery| Resent::DeliveryRefused { provider_code: delivery.reason }))
    }
}

/// The same message to the address as its account has it: what was typed may differ in case, and then be somebody
/// else's mailbox.
fn to_stored_form(
    order: delivery::Model,
    holder: Option<account::Model>,
    account: Option<&AccountId>,
) -> delivery::Model {
    match holder.filter(|holder| account == Some(&holder.id)).and_then(|holder| holder.email) {
        Some(contact) => delivery::Model { contact, ..order },
        None => order,
    }
}

/// The same message to the account's own address in place of its phone. Where there is none, or no account, it goes
/// nowhere and looks the same.
fn to_own_address(
    order: delivery::Model,
    holder: Option<account::Model>,
    account: Option<&AccountId>,
) -> delivery::Model {
    let holder = holder.filter(|holder| account == Some(&holder.id) && holder.email_verified_at.is_some());
    match holder.and_then(|holder| holder.email) {
        Some(contact) => delivery::Model { contact_kind: ContactKind::Email, contact, ..order },
        None => delivery::Model { decoy: true, ..order },
    }
}
