//! Sending a code for any purpose: who is asked for, and who that turns out to be.

use super::{
    Accounts, NoStepUp, Parts, Required,
    recent::{for_step_up, step_up},
    rules::{self, Turned},
};
use crate::{
    caller::Caller,
    channel::Channel,
    contact::{Contact, ContactKind},
    fault::Fault,
    ids::VerificationId,
    purpose::Purpose,
    quota::{Act, Refused},
    session::{
        Opaque,
        established::Established,
        gate::SignedIn,
        rules::{Standing, standing},
    },
    store::{Identifier, entity::account::AccountStatus},
    telemetry::audit,
    texts::Locale,
    verification::{Audience, Resent, Start, Started, Verification},
};

/// What somebody wants to be sent.
#[derive(Clone, Debug)]
pub struct Request {
    pub purpose: Purpose,
    pub to: Contact,
    pub channel: Channel,
    pub locale: Locale,
    pub idempotency_key: Option<String>,
    /// What the device was known by when it signed in before.
    pub device: Option<Opaque>,
}

/// What became of it.
pub enum Sent {
    Sent(Verification),
    Quota(Refused),
    ContactTaken,
    /// The contact is the account's already.
    ContactUnchanged,
    IdentityNotFound,
    AccountNotActive(AccountStatus),
    /// The purpose is for somebody who is signed in.
    SignedOut,
    /// `SIGN_IN_BY_EMAIL_CODE` is off. It depends on the input alone, so it says nothing of the account.
    SignInByEmailOff,
    /// The purpose is another act's to ask for.
    NotRequestable,
    /// The purpose needs a recent authentication.
    ReauthenticationRequired(Required),
    /// The contact can't be used to authenticate again.
    NoStepUp(NoStepUp),
}

/// What became of a resend.
pub enum SentAgain {
    Resent(Resent),
    /// The code is for an account, and whoever asks is not signed in to it.
    SignedOut,
    /// The purpose needs a recent authentication.
    ReauthenticationRequired(Required),
    /// The contact can't be used to authenticate again.
    NoStepUp(NoStepUp),
}

impl From<Started<Turned>> for Sent {
    fn from(started: Started<Turned>) -> Self {
        match started {
            Started::Sent(verification) => Sent::Sent(verification),
            Started::Quota(refusal) => Sent::Quota(refusal),
            Started::Refused(Turned::ContactTaken) => Sent::ContactTaken,
            Started::Refused(Turned::IdentityNotFound) => Sent::IdentityNotFound,
            Started::Refused(Turned::AccountNotActive(status)) => Sent::AccountNotActive(status),
            Started::Refused(Turned::NoStepUp(NoStepUp::Gone)) => Sent::SignedOut,
            Started::Refused(Turned::NoStepUp(why)) => Sent::NoStepUp(why),
        }
    }
}

impl Parts {
    /// Whether the session of a request is live, as the database has it.
    ///
    /// # Errors
    /// A fault of the database.
    pub(super) async fn is_live(&self, asking: &SignedIn) -> Result<bool, Fault> {
        let session = self.store.session(&asking.session).await?;
        Ok(session.is_some_and(|session| standing(&session, self.clock.now()) == Standing::Live))
    }
}

impl Accounts {
    /// Sends a code.
    ///
    /// # Errors
    /// A fault of the rooms below.
    pub async fn send_code(
        &self,
        caller: &Caller,
        signed_in: Option<&SignedIn>,
        request: Request,
    ) -> Result<Sent, Fault> {
        let act = audit::Act::SendVerificationCode;
        let audience = match self.audience(signed_in, &request).await? {
            Ok(audience) => audience,
            Err(refusal) => {
                let event = self.0.event(caller, act).maybe_account(signed_in.map(|asking| asking.account.clone()));
                // A contact that is looked up costs what any other look costs.
                if matches!(refusal, Sent::ContactUnchanged)
                    && let Err(refused) = self.0.quotas.charge(Act::Lookup, caller).await
                {
                    return self.0.ended(event, audit::QUOTA_EXCEEDED, Sent::Quota(refused)).await;
                }
                let outcome = refusal.outcome().unwrap_or(audit::OK);
                return self.0.ended(event, outcome, refusal).await;
            }
        };
        let known_client = self.knows(signed_in, request.device.as_ref(), request.channel, &request.to).await?;
        let Request { purpose, to, channel, locale, idempotency_key, device: _ } = request;
        let start = Start { purpose, to, channel, locale, idempotency_key, audience, known_client, act };
        let sent = Sent::from(self.0.verifications.start(caller, start).await?);
        self.record_refused(caller, act, &sent).await;
        Ok(sent)
    }

    /// Who stands behind the contact that a code is asked for, or why none is sent.
    async fn audience(
        &self,
        signed_in: Option<&SignedIn>,
        request: &Request,
    ) -> Result<Result<Audience<Turned>, Sent>, Fault> {
        let (disclosed, kind) = (self.0.settings.disclosed, request.to.kind());
        let identifier = rules::identifier(&request.to);
        if (kind, request.purpose) == (ContactKind::Email, Purpose::SignIn)
            && !self.0.verifications.sign_in_by_email_code()
        {
            return Ok(Err(Sent::SignInByEmailOff));
        }
        Ok(Ok(match (request.purpose, signed_in) {
            // A session that is over asks as nobody, as with a token that is refused.
            (Purpose::Contact, Some(asking)) => {
                let is_live = self.0.is_live(asking).await?;
                Audience::Anyone { account: is_live.then(|| asking.account.clone()) }
            }
            (Purpose::Contact, None) => Audience::Anyone { account: None },
            (Purpose::SignUp, _) => Audience::Account {
                identifier,
                judge: Box::new(move |account| rules::for_newcomer(account, kind, disclosed)),
            },
            (Purpose::SignIn | Purpose::PasswordReset, _) => Audience::Account {
                identifier,
                judge: Box::new(move |account| rules::for_holder(account, kind, disclosed)),
            },
            (Purpose::ContactUndo, _) => return Ok(Err(Sent::NotRequestable)),
            (Purpose::PhoneChange | Purpose::EmailChange | Purpose::StepUp, None) => return Ok(Err(Sent::SignedOut)),
            (Purpose::PhoneChange | Purpose::EmailChange, Some(asking)) => {
                if let Some(required) = self.0.required(asking).await? {
                    return Ok(Err(Sent::ReauthenticationRequired(required)));
                }
                if self.is_theirs(asking, &request.to).await? {
                    return Ok(Err(Sent::ContactUnchanged));
                }
                let (asking, now) = (asking.clone(), self.0.clock.now());
                Audience::Newcomer(Box::new(move |tx| {
                    Box::pin(async move {
                        if !tx.is_live(&asking.session, now).await? {
                            return Ok(Err(Turned::NoStepUp(NoStepUp::Gone)));
                        }
                        let holder = tx.account(&identifier).await?;
                        Ok(rules::for_mover(holder.as_ref(), kind, asking.account, disclosed))
                    })
                }))
            }
            (Purpose::StepUp, Some(asking)) => {
                if let Some(why) = self.no_step_up(asking, &request.to).await? {
                    return Ok(Err(Sent::from(Started::Refused(Turned::NoStepUp(why)))));
                }
                let (asking, to, now) = (asking.clone(), request.to.clone(), self.0.clock.now());
                // Again in the transaction of the send: the contact may have been changed in between.
                Audience::Newcomer(Box::new(move |tx| {
                    Box::pin(async move { Ok(step_up(tx, &asking, &to, now).await?.map_err(Turned::NoStepUp)) })
                }))
            }
        }))
    }

    /// Sends the code of a verification once more. Where its purpose needs somebody signed in, so does this.
    ///
    /// # Errors
    /// A fault of the rooms below.
    pub async fn resend_code(
        &self,
        caller: &Caller,
        signed_in: Option<&SignedIn>,
        id: &VerificationId,
        channel: Option<Channel>,
    ) -> Result<SentAgain, Fault> {
        if let Some(refusal) = self.may_resend(signed_in, id).await? {
            let event = self.0.event(caller, audit::Act::ResendVerificationCode);
            let event = event.maybe_account(signed_in.map(|asking| asking.account.clone()));
            let outcome = match refusal {
                SentAgain::ReauthenticationRequired(_) => audit::REAUTHENTICATION_REQUIRED,
                SentAgain::NoStepUp(_) => audit::INVALID_INPUT,
                SentAgain::SignedOut | SentAgain::Resent(_) => audit::UNAUTHENTICATED,
            };
            return self.0.ended(event, outcome, refusal).await;
        }
        Ok(SentAgain::Resent(self.0.verifications.resend(caller, id, channel).await?))
    }

    /// Why a code is not sent once more to whoever asks; none: the verification decides.
    async fn may_resend(&self, signed_in: Option<&SignedIn>, id: &VerificationId) -> Result<Option<SentAgain>, Fault> {
        let Some(found) = self.0.verifications.get(id).await? else { return Ok(None) };
        Ok(match (found.purpose(), signed_in) {
            // Whoever has the id of a CONTACT_UNDO verification was given it for the undo token.
            (
                Purpose::Contact | Purpose::SignUp | Purpose::SignIn | Purpose::PasswordReset | Purpose::ContactUndo,
                _,
            ) => None,
            (Purpose::PhoneChange | Purpose::EmailChange | Purpose::StepUp, None) => Some(SentAgain::SignedOut),
            (Purpose::PhoneChange | Purpose::EmailChange | Purpose::StepUp, Some(asking))
                if !self.0.is_live(asking).await? =>
            {
                Some(SentAgain::SignedOut)
            }
            // Not compared with the account that the code is for: an answer would tell a code from what is sent in place
            // of one.
            (Purpose::PhoneChange | Purpose::EmailChange, Some(asking)) => {
                self.0.required(asking).await?.map(SentAgain::ReauthenticationRequired)
            }
            // One that a security act closed names no account any more, and goes on to look like any other.
            (Purpose::StepUp, Some(asking)) => match (found.contact(), found.account()) {
                (Some(to), account) if account.is_none_or(|account| *account == asking.account) => {
                    self.no_step_up(asking, &to).await?.map(SentAgain::NoStepUp)
                }
                _ => Some(SentAgain::SignedOut),
            },
        })
    }

    /// Whether the client is known to the account that has the contact: signed in to it, or on a device that signed in to
    /// it before. It is looked up only where a provider makes codes, and costs the same without an account.
    pub(super) async fn knows(
        &self,
        signed_in: Option<&SignedIn>,
        device: Option<&Opaque>,
        channel: Channel,
        to: &Contact,
    ) -> Result<bool, Fault> {
        if !self.0.verifications.needs_known_client(channel, to) {
            return Ok(false);
        }
        let holder = self.0.store.account(&rules::identifier(to)).await?.map(|account| account.id);
        let on_device = match device {
            Some(token) => self.0.store.knows_device(&token.hash(), holder.as_ref()).await?,
            None => false,
        };
        let own = match signed_in {
            Some(asking) if holder.as_ref() == Some(&asking.account) => self.0.is_live(asking).await?,
            _ => false,
        };
        Ok(on_device || own)
    }

    /// Writes into the trail why nobody was asked for a code; what was asked for stands there already.
    pub(super) async fn record_refused(&self, caller: &Caller, act: audit::Act, sent: &Sent) {
        if let (Some(outcome), false) = (sent.outcome(), matches!(sent, Sent::Quota(_))) {
            self.0.store.record(self.0.event(caller, act).outcome(outcome)).await;
        }
    }

    /// Whether a contact is the one that the account has already.
    async fn is_theirs(&self, signed_in: &SignedIn, contact: &Contact) -> Result<bool, Fault> {
        let account = self.0.store.account(&Identifier::Id(signed_in.account.clone())).await?;
        Ok(account.is_some_and(|account| match contact {
            Contact::Phone(number) => account.phone.as_deref() == Some(number.as_str()),
            Contact::Email(address) => account.email_key.as_deref() == Some(address.key()),
        }))
    }

    /// Why no STEP_UP code goes to this contact of somebody who is signed in. None: one may.
    async fn no_step_up(&self, signed_in: &SignedIn, contact: &Contact) -> Result<Option<NoStepUp>, Fault> {
        let id = &signed_in.account;
        let Some(account) = self.0.store.account(&Identifier::Id(id.clone())).await? else {
            return Ok(Some(NoStepUp::Gone));
        };
        let changes = self.0.store.contact_changes(id).await?;
        let established = Established::of(&account, &changes, self.0.clock.now());
        Ok(for_step_up(&account, established, contact).err())
    }
}

impl Sent {
    /// Its name in the audit trail. None: what was asked for was sent.
    fn outcome(&self) -> Option<&'static str> {
        Some(match self {
            Sent::Sent(_) => return None,
            Sent::Quota(_) => audit::QUOTA_EXCEEDED,
            Sent::ContactTaken => "contact_taken",
            Sent::ContactUnchanged => "contact_unchanged",
            Sent::IdentityNotFound => "identity_not_found",
            Sent::AccountNotActive(_) => "account_not_active",
            Sent::SignedOut => audit::UNAUTHENTICATED,
            Sent::ReauthenticationRequired(_) => audit::REAUTHENTICATION_REQUIRED,
            Sent::NoStepUp(_) | Sent::SignInByEmailOff | Sent::NotRequestable => audit::INVALID_INPUT,
        })
    }
}
