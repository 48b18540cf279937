//! Sending a code: quotas, the row, its message in the outbox, all in one transaction.

use std::pin::Pin;

use sha2::{Digest, Sha256};

use super::{Parts, Verification, Verifications, rules};
use crate::{
    caller::Caller,
    channel::Channel,
    clock::Instant,
    code::{self, CodeSpec},
    contact::Contact,
    delivery::{Content, Notice, Order},
    fault::Fault,
    ids::{AccountId, DeliveryId, VerificationId},
    purpose::Purpose,
    quota::{self, Act, Refused},
    status::{DeliveryStatus, Status},
    store::{
        Ending, Identifier, Reserved, Sending, Tx, UsageLimits,
        entity::{account, verification::Model},
    },
    telemetry::{
        audit::{self, Event},
        metrics,
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
    /// An account that is written in the same transaction, after the quotas.
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
    /// The code.
    Holder { account: Option<AccountId> },
    /// Nobody gets anything, and the answer looks like any other.
    Decoy,
    /// The account's holder is told something in place of a code; the answer looks like any other.
    Told { account: AccountId, notice: Notice },
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
        let test = parts.test_contact(&start.to);
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
        let destination = destination(&start.to);
        if test.is_none() {
            let act = Act::SendCode { destination: destination.as_deref() };
            if let Err(refused) = parts.quotas.charge(act, caller).await {
                parts.store.record(event.outcome(audit::QUOTA_EXCEEDED)).await;
                return Ok(Started::Quota(refused));
            }
        }
        let now = parts.clock.now();
        let limits = test.is_none().then(|| parts.send_limits(now));
        let draft = parts.draft(&start, key.clone(), now);
        let contact_key = draft.contact_key.clone();
        let Start { purpose, to, channel, locale, audience, .. } = start;
        let discreet = parts.is_discreet(purpose, channel);
        let scenario = draft.scenario.clone();
        let entry = event.clone();
        let order = move |row: &Model, recipient: Recipient| {
            let (content, decoy) = match recipient {
                Recipient::Holder { .. } => (Content::Code(spec(row)), false),
                Recipient::Decoy => (Content::Code(spec(row)), true),
                Recipient::Told { notice, .. } => (Content::Notice(notice), false),
            };
            Order {
                id: row.delivery_id.clone(),
                verification: Some(row.id.clone()),
                channel: row.delivery_channel,
                to,
                locale,
                content,
                decoy,
                discreet,
                scenario,
                expires_at: row.expires_at,
            }
            .into_row(now)
        };
        let written = match (limits, audience) {
            // Nothing is read first and nothing can come between: all of it at once.
            (Some(limits), Audience::Anyone { account }) if key.is_none() => {
                let verification = Model { account_id: account.clone(), ..draft };
                let delivery = order(&verification, Recipient::Holder { account: account.clone() });
                let event = entry.maybe_account(account);
                let sending = Sending { limits, verification: verification.clone(), delivery, event };
                match parts.store.write_sending(sending, now).await? {
                    true => Written::New(Box::new(verification)),
                    false => Written::UsedUp,
                }
            }
            (limits, audience) => {
                parts
                    .store
                    .write(move |tx| {
                        Box::pin(async move {
                            if let Some(refused) = reserve(tx, &draft.contact_key, now, limits).await? {
                                return Ok(Ending::Rollback(refused));
                            }
                            let mut row = draft;
                            let recipient = match recipient(tx, audience).await? {
                                Ok(recipient) => recipient,
                                Err(refusal) => return Ok(Ending::Rollback(Written::Refused(refusal))),
                            };
                            row.account_id = recipient.account().cloned();
                            // What can't be confirmed is marked: nobody was sent its code.
                            row.decoy = !matches!(recipient, Recipient::Holder { .. });
                            if !tx.insert_verification(row.clone()).await? {
                                return Ok(Ending::Rollback(Written::KeyTaken));
                            }
                            tx.insert_delivery(order(&row, recipient)).await?;
                            tx.insert_audit(&entry.maybe_account(row.account_id.clone())).await?;
                            Ok(Ending::Commit(Written::New(Box::new(row))))
                        })
                    })
                    .await?
            }
        };
        if test.is_none() && !matches!(written, Written::New(_)) {
            parts.quotas.give_back_send(destination.as_deref(), caller).await;
        }
        match written {
            Written::New(row) => {
                if !row.decoy {
                    metrics::verification_started(row.purpose, row.delivery_channel);
                }
                event.maybe_account(row.account_id.clone()).log();
                parts.outbox.dispatch(row.delivery_id.clone());
                Ok(Started::Sent(parts.view(*row)))
            }
            Written::Refused(refusal) => Ok(Started::Refused(refusal)),
            // Two requests with one key at once: the other one was first, so its verification is the answer.
            Written::KeyTaken | Written::UsedUp => match parts.known(key.as_deref()).await? {
                Some(known) => {
                    parts.store.record(event).await;
                    Ok(Started::Sent(known))
                }
                None => {
                    parts.store.record(event.outcome(audit::QUOTA_EXCEEDED)).await;
                    Ok(Started::Quota(parts.why_refused(&contact_key, now).await?))
                }
            },
        }
    }
}

enum Written<R> {
    New(Box<Model>),
    /// The contact's cooldown or day stands against it.
    UsedUp,
    KeyTaken,
    Refused(R),
}

async fn reserve<R>(
    tx: &Tx,
    contact_key: &str,
    now: Instant,
    limits: Option<UsageLimits>,
) -> Result<Option<Written<R>>, Fault> {
    let Some(limits) = limits else { return Ok(None) };
    let reserved = tx.reserve_send(contact_key, now, limits).await?;
    Ok((reserved == Reserved::Refused).then_some(Written::UsedUp))
}

impl Recipient {
    fn account(&self) -> Option<&AccountId> {
        match self {
            Recipient::Holder { account } => account.as_ref(),
            Recipient::Told { account, .. } => Some(account),
            Recipient::Decoy => None,
        }
    }
}

async fn recipient<R>(tx: &Tx, audience: Audience<R>) -> Result<Result<Recipient, R>, Fault> {
    match audience {
        Audience::Anyone { account } => Ok(Ok(Recipient::Holder { account })),
        Audience::Account { identifier, judge } => Ok(judge(tx.account(&identifier).await?.as_ref())),
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

/// What the code of a row is derived from.
pub(super) fn spec(row: &Model) -> CodeSpec {
    CodeSpec {
        key_id: row.key_id.clone(),
        purpose: row.purpose,
        generation: row.generation,
        length: usize::try_from(row.code_length).unwrap_or_default(),
        format: row.code_format,
    }
}

/// A client's key, bound to what it asked for, so that it names nothing else.
fn idempotency_hash(key: &str, purpose: Purpose, to: &Contact) -> String {
    let digest = [key, purpose.as_str(), to.key()]
        .into_iter()
        .fold(Sha256::new(), |digest, part| digest.chain_update((part.len() as u64).to_be_bytes()).chain_update(part));
    hex::encode(digest.finalize())
}

impl Parts {
    pub(super) fn is_discreet(&self, purpose: Purpose, channel: Channel) -> bool {
        rules::is_discreet(purpose, self.accounts_disclosed, self.routes.carry_notices(channel))
    }

    /// The living verification that an idempotency key names; a dead one gives its key up.
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

    fn draft<R>(&self, start: &Start<R>, idempotency_key: Option<String>, now: Instant) -> Model {
        let (code_format, ttl) = rules::code_shape(&self.settings, start.to.kind());
        let test = self.test_contact(&start.to);
        let code_format = test.map_or(code_format, |test| code::format_of(&test.code));
        Model {
            id: VerificationId::new(&self.entropy),
            purpose: start.purpose,
            contact_kind: start.to.kind(),
            contact: start.to.as_str().to_owned(),
            contact_key: start.to.key().to_owned(),
            account_id: None,
            decoy: false,
            scenario: test.map(|test| test.scenario.as_str().to_owned()),
            status: Status::Pending,
            attempts: 0,
            max_attempts: test.map_or(self.settings.max_attempts, |test| test.max_attempts(self.settings.max_attempts)),
            key_id: self.keys.current().id().to_owned(),
            generation: 1,
            code_length: i32::try_from(test.map_or(self.settings.code_length, |test| test.code.expose().len()))
                .unwrap_or_default(),
            code_format,
            locale: start.locale.as_str().to_owned(),
            delivery_id: DeliveryId::new(&self.entropy),
            delivery_channel: start.channel,
            delivery_status: DeliveryStatus::Queued,
            delivery_updated_at: now,
            sends: 1,
            last_sent_at: now,
            created_at: now,
            expires_at: now + ttl,
            ended_at: None,
            sequence: 1,
            idempotency_key,
            code_by: None,
            code_ref: None,
            by_letter: false,
        }
    }

    /// Which bound stands against a send, read after it was refused. Where two do, the one that stands longer: a person
    /// who waits as long as we say is not to be refused again.
    pub(super) async fn why_refused(&self, contact_key: &str, now: Instant) -> Result<Refused, Fault> {
        let usage = self.store.contact_usage(contact_key).await?;
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

    /// The contact's guesses of the day are used up: it ends at midnight.
    pub(super) fn guesses_used_up(&self, now: Instant) -> Refused {
        let retry_at = quota::rules::next_midnight(now, self.limits.time_zone);
        metrics::quota_refused("guess", quota::Quota::ContactDaily.as_str());
        Refused { quota: quota::Quota::ContactDaily, retry_at }
    }
}
