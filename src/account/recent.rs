//! Recent authentication: asked for before an act that decides who owns an account (invariant 8).

use super::Parts;
use crate::{
    channel::Channel,
    clock::Timestamp,
    contact::{Contact, ContactKind},
    fault::Fault,
    ids::AccountId,
    session::{
        established::{self, Established},
        gate::SignedIn,
    },
    store::{
        Identifier, Tx,
        entity::account::{AccountStatus, Model},
    },
    verification::Recipient,
};

/// A way to authenticate again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Password,
    /// A code to the account's phone.
    PhoneCode,
    /// A code to the account's e-mail address.
    EmailCode,
}

/// A recent authentication is needed and there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Required {
    /// What would count for this account now.
    pub ways: Vec<Way>,
    /// When the contact changes that keep other ways from counting can no longer be undone. None: there are none.
    pub held_until: Option<Timestamp>,
}

impl Parts {
    /// What is asked of somebody whose token tells of no recent authentication. None: nothing.
    pub(super) async fn required(&self, signed_in: &SignedIn) -> Result<Option<Required>, Fault> {
        match self.sessions.is_fresh(signed_in) {
            true => Ok(None),
            false => Ok(Some(self.required_of(&signed_in.account).await?)),
        }
    }

    /// What would count as an authentication of this account now.
    pub(super) async fn required_of(&self, id: &AccountId) -> Result<Required, Fault> {
        let Some(account) = self.store.account(&Identifier::Id(id.clone())).await? else {
            return Ok(Required { ways: Vec::new(), held_until: None });
        };
        let changes = self.store.contact_changes(id).await?;
        let established = Established::of(&account, &changes, self.clock.now());
        let reaches = |channels: &[Channel]| channels.iter().any(|channel| self.verifications.reaches(*channel));
        let phone = established.phone && reaches(&[Channel::Sms, Channel::Voice]);
        let email = established.email && reaches(&[Channel::Email]);
        let ways = [(Way::Password, established.password), (Way::PhoneCode, phone), (Way::EmailCode, email)];
        Ok(Required {
            ways: ways.into_iter().filter(|(_, counts)| *counts).map(|(way, _)| way).collect(),
            held_until: established.held_until,
        })
    }
}

/// Why no STEP_UP code goes to a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoStepUp {
    /// It is not a verified contact of the account.
    NotTheirs(ContactKind),
    /// It was changed so recently that it does not count.
    TooNew(ContactKind),
    /// The account or the session that asks is gone, or may not be used.
    Gone,
}

/// A STEP_UP code goes to a contact that the account holds and that counts, as the account has it.
///
/// # Errors
/// Why it does not.
pub fn for_step_up(account: &Model, established: Established, contact: &Contact) -> Result<Recipient, NoStepUp> {
    let kind = contact.kind();
    let (held, proved) = match kind {
        ContactKind::Phone => (account.phone.as_deref(), account.phone_verified_at),
        ContactKind::Email => (account.email_key.as_deref(), account.email_verified_at),
    };
    if account.status != AccountStatus::Active {
        return Err(NoStepUp::Gone);
    }
    if held != Some(contact.key()) || proved.is_none() {
        return Err(NoStepUp::NotTheirs(kind));
    }
    if !established.contact(kind) {
        return Err(NoStepUp::TooNew(kind));
    }
    Ok(Recipient::Holder { account: Some(account.id.clone()), to: super::rules::own(account, kind) })
}

/// The same, of the account and the session as a transaction sees them.
///
/// # Errors
/// A fault of the database.
pub(super) async fn step_up(
    tx: &Tx,
    asking: &SignedIn,
    contact: &Contact,
    now: Timestamp,
) -> Result<Result<Recipient, NoStepUp>, Fault> {
    if !tx.is_live(&asking.session, now).await? {
        return Ok(Err(NoStepUp::Gone));
    }
    let Some(account) = tx.account(&Identifier::Id(asking.account.clone())).await? else {
        return Ok(Err(NoStepUp::Gone));
    };
    let established = established::of(tx, &account, now).await?;
    Ok(for_step_up(&account, established, contact))
}
