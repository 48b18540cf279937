//! Sending a code for any purpose, and choosing its recipient.

use super::{
    Accounts, Deps, RequiredReauthentication,
    recent_authentication::{recipient_for_step_up, step_up_recipient_in_tx},
};
use crate::{
    quota::Operation,
    session::{OpaqueToken, access_token_verifier::SignedIn, established::Established},
    verification::{RecipientSource, ResendResult, Start, StartOutcome, VerificationView},
};
use domain::{
    account::{
        AccountStatus, Identifier,
        rules::{self, SendRejection, StepUpRejection},
    },
    caller::RequestInfo,
    channel::Channel,
    contact::{Contact, ContactKind},
    ids::VerificationId,
    locale::Locale,
    purpose::Purpose,
    quota::Refused,
    session::rules::{EffectiveStatus, effective_status},
};
use platform::{fault::Fault, telemetry::audit};

/// A request to send a code.
#[derive(Clone, Debug)]
pub struct SendRequest {
    pub purpose: Purpose,
    pub to: Contact,
    pub channel: Channel,
    pub locale: Locale,
    pub idempotency_key: Option<String>,
    /// The device token of an earlier sign-in.
    pub device: Option<OpaqueToken>,
}

/// Result of sending a code.
pub enum SendOutcome {
    Sent(VerificationView),
    Quota(Refused),
    ContactTaken,
    /// The contact is already the account's.
    ContactUnchanged,
    IdentityNotFound,
    AccountNotActive(AccountStatus),
    /// The purpose requires a signed-in user.
    SignedOut,
    /// `SIGN_IN_BY_EMAIL_CODE` is off. Depends only on the input, so it reveals nothing about the account.
    SignInByEmailOff,
    /// Codes for this purpose are requested by another operation.
    NotRequestable,
    /// The purpose requires a recent authentication.
    ReauthenticationRequired(RequiredReauthentication),
    /// The contact cannot be used for reauthentication.
    NoStepUp(StepUpRejection),
}

/// Result of resending a code.
pub enum ResendOutcome {
    Resent(ResendResult),
    /// The code is for an account, and the caller is not signed in to it.
    SignedOut,
    /// The purpose requires a recent authentication.
    ReauthenticationRequired(RequiredReauthentication),
    /// The contact cannot be used for reauthentication.
    NoStepUp(StepUpRejection),
}

impl From<StartOutcome<SendRejection>> for SendOutcome {
    fn from(started: StartOutcome<SendRejection>) -> Self {
        match started {
            StartOutcome::Sent(verification) => SendOutcome::Sent(verification),
            StartOutcome::Quota(refusal) => SendOutcome::Quota(refusal),
            StartOutcome::Refused(SendRejection::ContactTaken) => SendOutcome::ContactTaken,
            StartOutcome::Refused(SendRejection::IdentityNotFound) => SendOutcome::IdentityNotFound,
            StartOutcome::Refused(SendRejection::AccountNotActive(status)) => SendOutcome::AccountNotActive(status),
            StartOutcome::Refused(SendRejection::NoStepUp(StepUpRejection::InvalidSession)) => SendOutcome::SignedOut,
            StartOutcome::Refused(SendRejection::NoStepUp(reason)) => SendOutcome::NoStepUp(reason),
        }
    }
}

impl Deps {
    /// Whether the session of a request is live, according to the database.
    ///
    /// # Errors
    /// A fault of the database.
    pub(super) async fn is_live(&self, user: &SignedIn) -> Result<bool, Fault> {
        let session = self.store.session(&user.session).await?;
        Ok(session.is_some_and(|session| effective_status(&session, self.clock.now()) == EffectiveStatus::Live))
    }
}

impl Accounts {
    /// Sends a code.
    ///
    /// # Errors
    /// A fault of the store or of the quotas.
    pub async fn send_code(
        &self,
        caller: &RequestInfo,
        signed_in: Option<&SignedIn>,
        request: SendRequest,
    ) -> Result<SendOutcome, Fault> {
        let act = audit::Act::SendVerificationCode;
        let recipient_source = match self.recipient_source(signed_in, &request).await? {
            Ok(recipient_source) => recipient_source,
            Err(refusal) => {
                let event = self.0.event(caller, act).account_opt(signed_in.map(|user| user.account.clone()));
                // Revealing that a contact is the account's own costs the same as any other lookup.
                if matches!(refusal, SendOutcome::ContactUnchanged)
                    && let Err(refused) = self.0.quotas.charge(Operation::Lookup, caller).await
                {
                    return self.0.record_outcome(event, audit::QUOTA_EXCEEDED, SendOutcome::Quota(refused)).await;
                }
                let outcome = refusal.outcome().unwrap_or(audit::OK);
                return self.0.record_outcome(event, outcome, refusal).await;
            }
        };
        let known_client =
            self.is_known_client(signed_in, request.device.as_ref(), request.channel, &request.to).await?;
        let SendRequest { purpose, to, channel, locale, idempotency_key, device: _ } = request;
        let start = Start { purpose, to, channel, locale, idempotency_key, recipient_source, known_client, act };
        let sent = SendOutcome::from(self.0.verifications.start(caller, start).await?);
        self.record_rejection(caller, act, &sent).await;
        Ok(sent)
    }

    /// The recipient source of a requested code, or why no code is sent.
    async fn recipient_source(
        &self,
        signed_in: Option<&SignedIn>,
        request: &SendRequest,
    ) -> Result<Result<RecipientSource<SendRejection>, SendOutcome>, Fault> {
        let (disclosed, kind) = (self.0.settings.discloses_accounts, request.to.kind());
        let identifier = rules::identifier(&request.to);
        if (kind, request.purpose) == (ContactKind::Email, Purpose::SignIn)
            && !self.0.verifications.sign_in_by_email_code()
        {
            return Ok(Err(SendOutcome::SignInByEmailOff));
        }
        Ok(Ok(match (request.purpose, signed_in) {
            // A request with an ended session is treated as anonymous, like one with a rejected token.
            (Purpose::Contact, Some(user)) => {
                let is_live = self.0.is_live(user).await?;
                RecipientSource::Anyone { account: is_live.then(|| user.account.clone()) }
            }
            (Purpose::Contact, None) => RecipientSource::Anyone { account: None },
            (Purpose::SignUp, _) => RecipientSource::Account {
                identifier,
                resolve: Box::new(move |account| rules::recipient_for_sign_up(account, kind, disclosed)),
            },
            (Purpose::SignIn | Purpose::PasswordReset, _) => RecipientSource::Account {
                identifier,
                resolve: Box::new(move |account| rules::recipient_for_sign_in(account, kind, disclosed)),
            },
            (Purpose::ContactUndo, _) => return Ok(Err(SendOutcome::NotRequestable)),
            (Purpose::PhoneChange | Purpose::EmailChange | Purpose::StepUp, None) => {
                return Ok(Err(SendOutcome::SignedOut));
            }
            (Purpose::PhoneChange | Purpose::EmailChange, Some(user)) => {
                return self.contact_change_recipient(user, &request.to).await;
            }
            (Purpose::StepUp, Some(user)) => {
                if let Some(reason) = self.no_step_up(user, &request.to).await? {
                    return Ok(Err(SendOutcome::from(StartOutcome::Refused(SendRejection::NoStepUp(reason)))));
                }
                let (user, to, now) = (user.clone(), request.to.clone(), self.0.clock.now());
                // Checked again in the transaction of the send: the contact may have changed in the meantime.
                RecipientSource::InTransaction(Box::new(move |tx| {
                    Box::pin(async move {
                        Ok(step_up_recipient_in_tx(tx, &user, &to, now).await?.map_err(SendRejection::NoStepUp))
                    })
                }))
            }
        }))
    }

    async fn contact_change_recipient(
        &self,
        user: &SignedIn,
        to: &Contact,
    ) -> Result<Result<RecipientSource<SendRejection>, SendOutcome>, Fault> {
        if let Some(required) = self.0.check_recent_authentication(user).await? {
            return Ok(Err(SendOutcome::ReauthenticationRequired(required)));
        }
        if self.is_own_contact(user, to).await? {
            return Ok(Err(SendOutcome::ContactUnchanged));
        }
        let (disclosed, kind, identifier) = (self.0.settings.discloses_accounts, to.kind(), rules::identifier(to));
        let (user, now) = (user.clone(), self.0.clock.now());
        Ok(Ok(RecipientSource::InTransaction(Box::new(move |tx| {
            Box::pin(async move {
                if !tx.is_live(&user.session, now).await? {
                    return Ok(Err(SendRejection::NoStepUp(StepUpRejection::InvalidSession)));
                }
                let holder = tx.account(&identifier).await?;
                Ok(rules::recipient_for_contact_change(holder.as_ref(), kind, user.account, disclosed))
            })
        }))))
    }

    /// Resends the code of a verification. If its purpose requires a signed-in user, so does this.
    ///
    /// # Errors
    /// A fault of the store or of the quotas.
    pub async fn resend_code(
        &self,
        caller: &RequestInfo,
        signed_in: Option<&SignedIn>,
        id: &VerificationId,
        channel: Option<Channel>,
    ) -> Result<ResendOutcome, Fault> {
        if let Some(refusal) = self.may_resend(signed_in, id).await? {
            let event = self.0.event(caller, audit::Act::ResendVerificationCode);
            let event = event.account_opt(signed_in.map(|user| user.account.clone()));
            let outcome = match refusal {
                ResendOutcome::ReauthenticationRequired(_) => audit::REAUTHENTICATION_REQUIRED,
                ResendOutcome::NoStepUp(_) => audit::INVALID_INPUT,
                ResendOutcome::SignedOut | ResendOutcome::Resent(_) => audit::UNAUTHENTICATED,
            };
            return self.0.record_outcome(event, outcome, refusal).await;
        }
        Ok(ResendOutcome::Resent(self.0.verifications.resend(caller, id, channel).await?))
    }

    /// Why a code is not resent to this caller. None: the verification decides.
    async fn may_resend(
        &self,
        signed_in: Option<&SignedIn>,
        id: &VerificationId,
    ) -> Result<Option<ResendOutcome>, Fault> {
        let Some(found) = self.0.verifications.get(id).await? else { return Ok(None) };
        Ok(match (found.purpose(), signed_in) {
            // The id of a CONTACT_UNDO verification is only given to a client with the undo token.
            (
                Purpose::Contact | Purpose::SignUp | Purpose::SignIn | Purpose::PasswordReset | Purpose::ContactUndo,
                _,
            ) => None,
            (Purpose::PhoneChange | Purpose::EmailChange | Purpose::StepUp, None) => Some(ResendOutcome::SignedOut),
            (Purpose::PhoneChange | Purpose::EmailChange | Purpose::StepUp, Some(user))
                if !self.0.is_live(user).await? =>
            {
                Some(ResendOutcome::SignedOut)
            }
            // Not compared with the account of the code: the response would distinguish a code from the notice that is
            // sent in its place.
            (Purpose::PhoneChange | Purpose::EmailChange, Some(user)) => {
                self.0.check_recent_authentication(user).await?.map(ResendOutcome::ReauthenticationRequired)
            }
            // A verification closed by a security act has no account any more and must look like any other.
            (Purpose::StepUp, Some(user)) => match (found.contact(), found.account()) {
                (Some(to), account) if account.is_none_or(|account| *account == user.account) => {
                    self.no_step_up(user, &to).await?.map(ResendOutcome::NoStepUp)
                }
                _ => Some(ResendOutcome::SignedOut),
            },
        })
    }

    /// Whether the client is known to the account of the contact: signed in to it, or on a device that signed in to it
    /// before. Only looked up where a provider generates codes; takes the same time without an account.
    pub(super) async fn is_known_client(
        &self,
        signed_in: Option<&SignedIn>,
        device: Option<&OpaqueToken>,
        channel: Channel,
        to: &Contact,
    ) -> Result<bool, Fault> {
        if !self.0.verifications.needs_known_client(channel, to) {
            return Ok(false);
        }
        let owner = self.0.store.account(&rules::identifier(to)).await?.map(|account| account.id);
        let known_device = match device {
            Some(token) => self.0.store.is_known_device(&token.hash(), owner.as_ref()).await?,
            None => false,
        };
        let owner_session = match signed_in {
            Some(client) if owner.as_ref() == Some(&client.account) => self.0.is_live(client).await?,
            _ => false,
        };
        Ok(known_device || owner_session)
    }

    /// Records why no code was sent. Requests that were accepted, or over quota, are already in the audit trail.
    pub(super) async fn record_rejection(&self, caller: &RequestInfo, act: audit::Act, sent: &SendOutcome) {
        if let (Some(outcome), false) = (sent.outcome(), matches!(sent, SendOutcome::Quota(_))) {
            self.0.store.record(self.0.event(caller, act).outcome(outcome)).await;
        }
    }

    /// Whether the account already has this contact.
    async fn is_own_contact(&self, signed_in: &SignedIn, contact: &Contact) -> Result<bool, Fault> {
        let account = self.0.store.account(&Identifier::Id(signed_in.account.clone())).await?;
        Ok(account.is_some_and(|account| match contact {
            Contact::Phone(number) => account.phone.as_deref() == Some(number.as_str()),
            Contact::Email(address) => account.email_key.as_deref() == Some(address.key()),
        }))
    }

    /// Why no STEP_UP code is sent to this contact of the signed-in user. None: one may be sent.
    async fn no_step_up(&self, signed_in: &SignedIn, contact: &Contact) -> Result<Option<StepUpRejection>, Fault> {
        let id = &signed_in.account;
        let Some(account) = self.0.store.account(&Identifier::Id(id.clone())).await? else {
            return Ok(Some(StepUpRejection::InvalidSession));
        };
        let changes = self.0.store.contact_changes(id).await?;
        let established = Established::load(&account, &changes, self.0.clock.now());
        Ok(recipient_for_step_up(&account, established, contact).err())
    }
}

impl SendOutcome {
    /// The outcome in the audit trail. None: the code was sent.
    fn outcome(&self) -> Option<&'static str> {
        Some(match self {
            SendOutcome::Sent(_) => return None,
            SendOutcome::Quota(_) => audit::QUOTA_EXCEEDED,
            SendOutcome::ContactTaken => "contact_taken",
            SendOutcome::ContactUnchanged => "contact_unchanged",
            SendOutcome::IdentityNotFound => "identity_not_found",
            SendOutcome::AccountNotActive(_) => "account_not_active",
            SendOutcome::SignedOut => audit::UNAUTHENTICATED,
            SendOutcome::ReauthenticationRequired(_) => audit::REAUTHENTICATION_REQUIRED,
            SendOutcome::NoStepUp(_) | SendOutcome::SignInByEmailOff | SendOutcome::NotRequestable => {
                audit::INVALID_INPUT
            }
        })
    }
}
