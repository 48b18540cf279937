//! Sending a code: quotas, the row, its message in the outbox, all in one transaction.

use std::pin::Pin;

use super::{
    Parts, Verification, Verifications,
    draft::{idempotency_hash, order},
    number::Turn,
    rules,
};
use crate::{
    caller::Caller,
    channel::Channel,
    clock::Instant,
    contact::{Contact, ContactKind},
    delivery::Notice,
    fault::Fault,
    ids::AccountId,
    purpose::Purpose,
    quota::{self, Act, Refused},
    store::{
        Ending, Identifier, Reserved, Sending, Tx, UsageLimits,
        entity::{account, verification::Model},
    },
    telemetry::{
        audit::{self, Event},
        metrics::{self, End},
    },
    texts::Locale,
};

/// What somebody wants to be sent.
pub struct Start<R> {
    pub purpose: Purpose,
    pub to: Contact,
    /// By which channel; it must lead to the contact ([`rules::channel`]).
    pub channel: Channel,
    /// The language of the message.
    pub locale: Locale,
    /// The client's own key: the same one names the same verification.
    pub idempotency_key: Option<String>,
    pub audience: Audience<R>,
    /// The client is signed in to the account that has the contact, or on a device that signed in to it before.
    pub known_client: bool,
    /// What it is called in the audit trail.
    pub act: audit::Act,
}

/// Who stands behind the contact, as far as the purpose cares.
pub enum Audience<R> {
    /// Whoever holds it.
    Anyone { account: Option<AccountId> },
    /// An account that this names. It is looked up after the quotas, in the same transaction, and judged then: by a
    /// pure function, since a transaction is open.
    Account { identifier: Identifier, judge: Judge<R> },
    /// An account that is written, or looked at with more than one statement, in the same transaction, after the quotas.
    Newcomer(Writing<R>),
}

/// Writes what a code is to be sent for, and says who gets what. Nothing but SQL may happen in it.
pub type Writing<R> = Box<
    dyn for<'t> FnOnce(&'t Tx) -> Pin<Box<dyn Future<Output = Result<Result<Recipient, R>, Fault>> + Send + 't>> + Send,
>;

/// Decides who gets what; only where accounts are disclosed, why nobody does, in the asker's own words.
pub type Judge<R> = Box<dyn FnOnce(Option<&account::Model>) -> Result<Recipient, R> + Send>;

/// Who gets what.
pub enum Recipient {
    /// The code; where the account has a contact for it, to that one as the account has it. What was typed may differ in
    /// case, and then be somebody else's mailbox.
    Holder { account: Option<AccountId>, to: Option<Contact> },
    /// Nobody gets anything, and the answer looks like any other.
    Decoy,
    /// The contact is told that it has no account, in place of a code; the answer looks like any other.
    Unknown,
    /// The account's holder is told something in place of a code, at this contact of theirs; the answer looks like any
    /// other.
    Told { account: AccountId, to: Option<Contact>, notice: Notice },
}

/// What became of it.
pub enum Started<R> {
    /// It is on its way; or was already, under the same idempotency key.
    Sent(Verification),
    Quota(Refused),
    Refused(R),
}

impl Verifications {
    /// Starts a verification and sends its code. The audit trail has it, but for what the audience refused: its asker
    /// knows what that is called.
    ///
    /// # Errors
    /// A fault of the store or of the quotas.
    pub async fn start<R: Send + 'static>(&self, caller: &Caller, start: Start<R>) -> Result<Started<R>, Fault> {
        let parts = &self.0;
        let key = start.idempotency_key.as_deref().map(|key| idempotency_hash(key, start.purpose, &start.to));
        let event = Event::new(caller, start.act, audit::OK, parts.clock.now()).contact(start.to.masked());
        let _turn = match &key {
            Some(key) => Some(parts.turns.wait(key).await),
            None => None,
        };
        if let Some(known) = parts.known(key.as_deref()).await? {
            // It sends nothing, and may be asked as often as anything else that is only looked up.
            if let Err(refused) = parts.quotas.charge(Act::Lookup, caller).await {
                parts.store.record(event.outcome(audit::QUOTA_EXCEEDED)).await;
                return Ok(Started::Quota(refused));
            }
            parts.store.record(event).await;
            return Ok(Started::Sent(known));
        }
        let test = parts.test_contact(&start.to).is_some();
        let destination = destination(&start.to);
        if !test {
            let act = Act::SendCode { destination: destination.as_deref() };
            if let Err(refused) = parts.quotas.charge(act, caller).await {
                parts.store.record(event.outcome(audit::QUOTA_EXCEEDED)).await;
                return Ok(Started::Quota(refused));
            }
        }
        let now = parts.clock.now();
        let usage_key = start.purpose.usage_key(&start.to);
        let written = parts.write_start(start, key.clone(), event.clone(), now).await?;
        if !test && !matches!(written, Written::New { .. }) {
            parts.quotas.give_back_send(destination.as_deref(), caller).await;
        }
        match written {
            Written::New { row, displaced } => Ok(Started::Sent(parts.started(*row, displaced, event))),
            Written::Refused(refusal) => Ok(Started::Refused(refusal)),
            // Two requests with one key at once: the other one was first, so its verification is the answer.
            Written::KeyTaken | Written::UsedUp | Written::NumberInUse { .. } => {
                if let Some(known) = parts.known(key.as_deref()).await? {
                    parts.store.record(event).await;
                    return Ok(Started::Sent(known));
                }
                parts.store.record(event.outcome(audit::QUOTA_EXCEEDED)).await;
                Ok(Started::Quota(match written {
                    Written::NumberInUse { until } => Parts::number_in_use(until),
                    _ => parts.why_refused(&usage_key, now).await?,
                }))
            }
        }
    }
}

impl Parts {
    /// Gets what was written on its way, and shows that another verification was canceled for it.
    fn started(&self, row: Model, displaced: Option<Box<Model>>, event: Event) -> Verification {
        if let Some(canceled) = displaced {
            Self::ended(&canceled, End::Canceled);
            self.published(*canceled);
        }
        if !row.decoy {
            metrics::verification_started(row.purpose, row.delivery_channel);
        }
        event.maybe_account(row.account_id.clone()).log();
        self.outbox.dispatch(row.delivery_id.clone());
        self.view(row)
    }

    /// Writes the verification, the message that it owes, the contact's count and the trail; or nothing.
    async fn write_start<R: Send + 'static>(
        &self,
        start: Start<R>,
        key: Option<String>,
        entry: Event,
        now: Instant,
    ) -> Result<Written<R>, Fault> {
        let draft = self.draft(&start, key, now);
        let limits = draft.scenario.is_none().then(|| self.send_limits(now));
        let discreet = self.is_discreet(start.purpose, start.channel);
        let tells = draft.scenario.is_none() && self.tells_unknown(start.purpose, start.to.kind(), start.channel);
        let usage_key = start.purpose.usage_key(&start.to);
        let making = self.making(&start);
        let Start { to, locale, audience, .. } = start;
        match (limits, audience) {
            // Nothing is read first and nothing can come between: all of it at once.
            (Some(limits), Audience::Anyone { account }) if draft.idempotency_key.is_none() && making.is_none() => {
                let verification = Model { account_id: account.clone(), ..draft };
                let recipient = Recipient::Holder { account: account.clone(), to: None };
                let delivery = order(&verification, recipient, to, locale, discreet).into_row(now);
                let event = entry.maybe_account(account);
                let sending = Sending { limits, usage_key, verification: verification.clone(), delivery, event };
                Ok(match self.store.write_sending(sending, now).await? {
                    true => Written::New { row: Box::new(verification), displaced: None },
                    false => Written::UsedUp,
                })
            }
            (limits, audience) => {
                let written = self.store.write(move |tx| {
                    Box::pin(async move {
                        let mut row = draft;
                        let mut displaced = None;
                        if let Some(making) = making {
                            match making.take(tx, &mut row, &entry, now).await? {
                                Turn::Granted { displaced: canceled } => displaced = canceled,
                                Turn::Refused { until } => return Ok(Ending::Rollback(Written::NumberInUse { until })),
                            }
                        }
                        if let Some(refused) = reserve(tx, &usage_key, now, limits).await? {
                            return Ok(Ending::Rollback(refused));
                        }
                        let recipient = match recipient(tx, audience, tells).await? {
                            Ok(recipient) => recipient,
                            Err(refusal) => return Ok(Ending::Rollback(Written::Refused(refusal))),
                        };
                        row.account_id = recipient.account().cloned();
                        // What can't be confirmed is marked: nobody was sent its code.
                        row.decoy = !matches!(recipient, Recipient::Holder { .. });
                        if !tx.insert_verification(row.clone()).await? {
                            return Ok(Ending::Rollback(Written::KeyTaken));
                        }
                        tx.insert_delivery(order(&row, recipient, to, locale, discreet).into_row(now)).await?;
                        tx.insert_audit(&entry.maybe_account(row.account_id.clone())).await?;
                        Ok(Ending::Commit(Written::New { row: Box::new(row), displaced }))
                    })
                });
                written.await
            }
        }
    }
}

enum Written<R> {
    New {
        row: Box<Model>,
        /// The verification that was canceled for it.
        displaced: Option<Box<Model>>,
    },
    /// The contact's cooldown or day stands against it.
    UsedUp,
    KeyTaken,
    /// Another verification has the number at the provider that makes codes, until then.
    NumberInUse {
        until: Instant,
    },
    Refused(R),
}

async fn reserve<R>(
    tx: &Tx,
    usage_key: &str,
    now: Instant,
    limits: Option<UsageLimits>,
) -> Result<Option<Written<R>>, Fault> {
    let Some(limits) = limits else { return Ok(None) };
    let reserved = tx.reserve_send(usage_key, now, limits).await?;
    Ok((reserved == Reserved::Refused).then_some(Written::UsedUp))
}

impl Recipient {
    fn account(&self) -> Option<&AccountId> {
        match self {
            Recipient::Holder { account, .. } => account.as_ref(),
            Recipient::Told { account, .. } => Some(account),
            Recipient::Decoy | Recipient::Unknown => None,
        }
    }
}

async fn recipient<R>(tx: &Tx, audience: Audience<R>, tells: bool) -> Result<Result<Recipient, R>, Fault> {
    match audience {
        Audience::Anyone { account } => Ok(Ok(Recipient::Holder { account, to: None })),
        Audience::Account { identifier, judge } => {
            let account = tx.account(&identifier).await?;
            let judged = judge(account.as_ref());
            Ok(judged.map(|recipient| match recipient {
                Recipient::Decoy if tells && account.is_none() => Recipient::Unknown,
                recipient => recipient,
            }))
        }
        Audience::Newcomer(write) => write(tx).await,
    }
}

/// Numbers that begin alike are counted together. An e-mail costs nothing to speak of.
pub(super) fn destination(to: &Contact) -> Option<String> {
    match to {
        Contact::Phone(number) => Some(number.prefix()),
        Contact::Email(_) => None,
    }
}

impl Parts {
    pub(super) fn is_discreet(&self, purpose: Purpose, channel: Channel) -> bool {
        rules::is_discreet(purpose, self.accounts_disclosed, self.routes.carry_notices(channel))
    }

    /// Whether a contact that has no account is told so: it gets a message as any other gets its code, so that an honest
    /// newcomer does not wait in vain. Where its provider carries codes alone, nothing is sent.
    pub(super) fn tells_unknown(&self, purpose: Purpose, kind: ContactKind, channel: Channel) -> bool {
        Purpose::OPENING.contains(&purpose)
            && !self.accounts_disclosed
            && self.tell_unknown.includes(kind)
            && self.routes.carry_notices(channel)
    }

    /// The verification that an idempotency key names within the life of its code, whatever became of it: a click that
    /// comes late shall not send again. After that it gives its key up.
    async fn known(&self, key: Option<&str>) -> Result<Option<Verification>, Fault> {
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
                    Ok(Ending::Commit(()))
                })
            })
            .await?;
        Ok(None)
    }

    /// Which bound stands against a send, read after it was refused. Where two do, the one that stands longer: a person
    /// who waits as long as we say is not to be refused again.
    pub(super) async fn why_refused(&self, usage_key: &str, now: Instant) -> Result<Refused, Fault> {
        let usage = self.store.contact_usage(usage_key).await?;
        let last_sent_at = usage.as_ref().and_then(|usage| usage.last_sent_at);
        let today = self.today(now);
        let sends = usage.filter(|usage| usage.day >= today).map_or(0, |usage| usage.sends.unsigned_abs());
        let cooldown = quota::rules::cooldown(last_sent_at, now, self.limits.resend_cooldown).err();
        let day = quota::rules::daily(sends, self.limits.daily_sends, now, self.limits.time_zone).err();
        let longest = [cooldown, day].into_iter().flatten().max_by_key(|refused| refused.retry_at);
        // Neither stands any more: it was over between the refusal and this look.
        let refused = longest.unwrap_or(Refused { quota: quota::Quota::ResendCooldown, retry_at: now });
        metrics::quota_refused("send_code", refused.quota.as_str());
        Ok(refused)
    }

    fn number_in_use(retry_at: Instant) -> Refused {
        metrics::quota_refused("send_code", quota::Quota::ResendCooldown.as_str());
        Refused { quota: quota::Quota::ResendCooldown, retry_at }
    }

    /// The contact's guesses of the day are used up: it ends at midnight.
    pub(super) fn guesses_used_up(&self, now: Instant) -> Refused {
        let retry_at = quota::rules::next_midnight(now, self.limits.time_zone);
        metrics::quota_refused("guess", quota::Quota::ContactDaily.as_str());
        Refused { quota: quota::Quota::ContactDaily, retry_at }
    }
}
