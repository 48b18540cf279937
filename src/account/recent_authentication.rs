//! Recent authentication: required before an operation that decides who owns an account (invariant 8).

use super::Deps;
use crate::session::{
    access_token_verifier::SignedIn,
    established::{self, Established},
};
use domain::{
    Timestamp,
    account::{
        Account, AccountStatus, Identifier,
        rules::{self, StepUpRejection},
    },
    channel::Channel,
    contact::{Contact, ContactKind},
    ids::AccountId,
    verification::Recipient,
};
use platform::fault::Fault;
use store::Tx;

/// A method of reauthentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReauthenticationMethod {
    Password,
    /// A code to the account's phone.
    PhoneCode,
    /// A code to the account's e-mail address.
    EmailCode,
}

/// A recent authentication is required and missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredReauthentication {
    /// The methods that would count for this account now.
    pub methods: Vec<ReauthenticationMethod>,
    /// When the contact changes that keep other methods from counting can no longer be undone. None: there are no such
    /// changes.
    pub held_until: Option<Timestamp>,
}

impl Deps {
    /// The reauthentication that is required for this access token. None: its authentication is recent.
    pub(super) async fn check_recent_authentication(
        &self,
        signed_in: &SignedIn,
    ) -> Result<Option<RequiredReauthentication>, Fault> {
        match self.sessions.is_recently_authenticated(signed_in) {
            true => Ok(None),
            false => Ok(Some(self.required_reauthentication(&signed_in.account).await?)),
        }
    }

    /// The methods that would count as an authentication of this account now.
    pub(super) async fn required_reauthentication(&self, id: &AccountId) -> Result<RequiredReauthentication, Fault> {
        let Some(account) = self.store.account(&Identifier::Id(id.clone())).await? else {
            return Ok(RequiredReauthentication { methods: Vec::new(), held_until: None });
        };
        let changes = self.store.contact_changes(id).await?;
        let established = Established::load(&account, &changes, self.clock.now());
        let has_channel =
            |channels: &[Channel]| channels.iter().any(|channel| self.verifications.has_provider_for(*channel));
        let phone = established.phone && has_channel(&[Channel::Sms, Channel::Voice]);
        let email = established.email && has_channel(&[Channel::Email]);
        let candidates = [
            (ReauthenticationMethod::Password, established.password),
            (ReauthenticationMethod::PhoneCode, phone),
            (ReauthenticationMethod::EmailCode, email),
        ];
        Ok(RequiredReauthentication {
            methods: candidates.into_iter().filter(|(_, counts)| *counts).map(|(method, _)| method).collect(),
            held_until: established.held_until,
        })
    }
}

/// The recipient of a STEP_UP code: the account, if the contact is a verified and established one of it. The address is
/// taken from the account.
///
/// # Errors
/// Why no code is sent.
pub fn recipient_for_step_up(
    account: &Account,
    established: Established,
    contact: &Contact,
) -> Result<Recipient, StepUpRejection> {
    let kind = contact.kind();
    let (key, verified_at) = match kind {
        ContactKind::Phone => (account.phone.as_deref(), account.phone_verified_at),
        ContactKind::Email => (account.email_key.as_deref(), account.email_verified_at),
    };
    if account.status != AccountStatus::Active {
        return Err(StepUpRejection::InvalidSession);
    }
    if key != Some(contact.key()) || verified_at.is_none() {
        return Err(StepUpRejection::UnverifiedContact(kind));
    }
    if !established.contact(kind) {
        return Err(StepUpRejection::RecentlyChanged(kind));
    }
    Ok(Recipient::Code { account: Some(account.id.clone()), to: rules::stored_contact(account, kind) })
}

/// Same as [`recipient_for_step_up`], with the account and the session as seen in a transaction.
///
/// # Errors
/// A fault of the database.
pub(super) async fn step_up_recipient_in_tx(
    tx: &Tx,
    user: &SignedIn,
    contact: &Contact,
    now: Timestamp,
) -> Result<Result<Recipient, StepUpRejection>, Fault> {
    if !tx.is_live(&user.session, now).await? {
        return Ok(Err(StepUpRejection::InvalidSession));
    }
    let Some(account) = tx.account(&Identifier::Id(user.account.clone())).await? else {
        return Ok(Err(StepUpRejection::InvalidSession));
    };
    let established = established::of(tx, &account, now).await?;
    Ok(recipient_for_step_up(&account, established, contact))
}
