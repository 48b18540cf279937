//! Sending a code for any purpose: who is asked for, and who that turns out to be.

use super::{
    Accounts,
    rules::{self, Turned},
};
use crate::{
    caller::Caller,
    channel::Channel,
    contact::{Contact, ContactKind},
    fault::Fault,
    purpose::Purpose,
    quota::{Act, Refused},
    session::gate::SignedIn,
    store::{Identifier, entity::account::AccountStatus},
    telemetry::audit,
    texts::Locale,
    verification::{Audience, Start, Started, Verification},
};

/// What somebody wants to be sent.
#[derive(Clone, Debug)]
pub struct Request {
    pub purpose: Purpose,
    pub to: Contact,
    pub channel: Channel,
    pub locale: Locale,
    pub idempotency_key: Option<String>,
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
}

impl From<Started<Turned>> for Sent {
    fn from(started: Started<Turned>) -> Self {
        match started {
            Started::Sent(verification) => Sent::Sent(verification),
            Started::Quota(refusal) => Sent::Quota(refusal),
            Started::Refused(Turned::ContactTaken) => Sent::ContactTaken,
            Started::Refused(Turned::IdentityNotFound) => Sent::IdentityNotFound,
            Started::Refused(Turned::AccountNotActive(status)) => Sent::AccountNotActive(status),
        }
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
        let disclosed = self.0.settings.disclosed;
        let kind = request.to.kind();
        if (kind, request.purpose) == (ContactKind::Email, Purpose::SignIn)
            && !self.0.verifications.sign_in_by_email_code()
        {
            self.record_refused(caller, audit::Act::SendVerificationCode, &Sent::SignInByEmailOff).await;
            return Ok(Sent::SignInByEmailOff);
        }
        let audience = match request.purpose {
            Purpose::Contact => Audience::Anyone { account: signed_in.map(|signed_in| signed_in.account.clone()) },
            Purpose::SignUp => Audience::Account {
                identifier: rules::identifier(&request.to),
                judge: Box::new(move |account| rules::for_newcomer(account, kind, disclosed)),
            },
            Purpose::SignIn | Purpose::PasswordReset => Audience::Account {
                identifier: rules::identifier(&request.to),
                judge: Box::new(move |account| rules::for_holder(account, kind, disclosed)),
            },
            Purpose::PhoneChange | Purpose::EmailChange => {
                let Some(signed_in) = signed_in else {
                    self.record_refused(caller, audit::Act::SendVerificationCode, &Sent::SignedOut).await;
                    return Ok(Sent::SignedOut);
                };
                if self.is_theirs(signed_in, &request.to).await? {
                    let event = self.0.event(caller, audit::Act::SendVerificationCode);
                    let event = event.account(signed_in.account.clone());
                    if let Err(refused) = self.0.quotas.charge(Act::Lookup, caller).await {
                        return self.0.ended(event, audit::QUOTA_EXCEEDED, Sent::Quota(refused)).await;
                    }
                    return self.0.ended(event, "contact_unchanged", Sent::ContactUnchanged).await;
                }
                let account = signed_in.account.clone();
                Audience::Account {
                    identifier: rules::identifier(&request.to),
                    judge: Box::new(move |holder| rules::for_mover(holder, kind, account, disclosed)),
                }
            }
        };
        let Request { purpose, to, channel, locale, idempotency_key } = request;
        let act = audit::Act::SendVerificationCode;
        let start = Start { purpose, to, channel, locale, idempotency_key, audience, act };
        let sent = Sent::from(self.0.verifications.start(caller, start).await?);
        self.record_refused(caller, act, &sent).await;
        Ok(sent)
    }

    /// Writes into the trail why nobody was asked for a code; what was asked for stands there already.
    pub(super) async fn record_refused(&self, caller: &Caller, act: audit::Act, sent: &Sent) {
        let outcome = match sent {
            Sent::Sent(_) | Sent::Quota(_) => return,
            Sent::ContactTaken => "contact_taken",
            Sent::ContactUnchanged => "contact_unchanged",
            Sent::IdentityNotFound => "identity_not_found",
            Sent::AccountNotActive(_) => "account_not_active",
            Sent::SignedOut => audit::UNAUTHENTICATED,
            Sent::SignInByEmailOff => audit::INVALID_INPUT,
        };
        self.0.store.record(self.0.event(caller, act).outcome(outcome)).await;
    }

    /// Whether a contact is the one that the account has already.
    async fn is_theirs(&self, signed_in: &SignedIn, contact: &Contact) -> Result<bool, Fault> {
        let account = self.0.store.account(&Identifier::Id(signed_in.account.clone())).await?;
        Ok(account.is_some_and(|account| match contact {
            Contact::Phone(number) => account.phone.as_deref() == Some(number.as_str()),
            Contact::Email(address) => account.email_key.as_deref() == Some(address.key()),
        }))
    }
}
