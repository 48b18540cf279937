//! The rules of accounts, as functions of what was found.

use crate::{
    contact::{BirthDate, Contact, ContactKind, EmailAddress, PersonName},
    delivery::Notice,
    ids::AccountId,
    store::{
        Held, Identifier,
        entity::{
            account::{AccountStatus, Model},
            contact_change, proof,
        },
    },
    verification::Recipient,
};

/// Why nobody gets a code. All but the last are told only where accounts are disclosed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    ContactTaken,
    IdentityNotFound,
    AccountNotActive(AccountStatus),
    /// No STEP_UP code goes to the contact; told always, since whoever asks is signed in.
    NoStepUp(super::NoStepUp),
}

/// What names the account behind a contact.
pub fn identifier(contact: &Contact) -> Identifier {
    match contact.kind() {
        ContactKind::Phone => Identifier::Phone(contact.key().to_owned()),
        ContactKind::Email => Identifier::Email(contact.key().to_owned()),
    }
}

/// Whether the account has proved to hold this contact: one that was merely typed at sign-up gets no code that opens
/// the account.
fn holds(account: &Model, kind: ContactKind) -> bool {
    match kind {
        ContactKind::Phone => account.phone_verified_at.is_some(),
        ContactKind::Email => account.email_verified_at.is_some(),
    }
}

/// A contact as the account has it.
pub fn own(account: &Model, kind: ContactKind) -> Option<Contact> {
    let stored = match kind {
        ContactKind::Phone => account.phone.as_deref(),
        ContactKind::Email => account.email.as_deref(),
    };
    Contact::from_stored(kind, stored?)
}

/// How an account starts whose contact was proved.
pub fn proved_status(approval: bool) -> AccountStatus {
    if approval { AccountStatus::PendingApproval } else { AccountStatus::Active }
}

/// Whether an account never proved any contact: it may be a stranger's, whatever it says.
pub fn is_unproved(account: &Model) -> bool {
    account.status == AccountStatus::PendingVerification
        && account.phone_verified_at.is_none()
        && account.email_verified_at.is_none()
}

/// Whether `holder` gives way to a newcomer with the same address: nobody proved it before, so the later word counts.
pub fn gives_way(holder: &Model, newcomer: &Model) -> bool {
    let key = |account: &Model| {
        let typed = account.email.as_deref().and_then(EmailAddress::from_stored);
        typed.map(|address| address.key().to_owned())
    };
    is_unproved(holder) && key(holder).is_some_and(|held| key(newcomer) == Some(held))
}

/// Why an administrator can't do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forbidden {
    /// Nobody would be left to undo it.
    LastAdministrator,
    /// An account does not go back to before its contact was proved, and before that it can't be told from a stranger's.
    NotAStatusToSet,
}

/// Whether an account may be given this status. `administrators` are those who can act.
///
/// One that never proved its address can only be activated, by somebody who vouches for the address: with any other
/// status it would keep an address that may be somebody else's for good.
///
/// # Errors
/// Why not.
pub fn may_set_status(account: &Model, status: AccountStatus, administrators: &[AccountId]) -> Result<(), Forbidden> {
    let vouched_for = status == AccountStatus::Active && account.email_key.is_some();
    match status {
        _ if is_unproved(account) && !vouched_for => Err(Forbidden::NotAStatusToSet),
        AccountStatus::PendingVerification => Err(Forbidden::NotAStatusToSet),
        AccountStatus::Active => Ok(()),
        AccountStatus::PendingApproval | AccountStatus::Suspended => may_leave(&account.id, administrators),
    }
}

/// Whether the service can do without this account: it must not lose its last administrator, by mistake or by a thief.
///
/// # Errors
/// [`Forbidden::LastAdministrator`].
pub fn may_leave(account: &AccountId, administrators: &[AccountId]) -> Result<(), Forbidden> {
    if administrators == std::slice::from_ref(account) { Err(Forbidden::LastAdministrator) } else { Ok(()) }
}

/// What a contact would be after changes of it were taken back: as it was before the first of them.
pub fn restored(undone: &[contact_change::Model]) -> Vec<Held> {
    let first = |kind: ContactKind| undone.iter().find(|change| change.contact_kind == kind);
    let held = |change: &contact_change::Model| Held {
        kind: change.contact_kind,
        contact: change.old_contact.clone().zip(change.old_contact_key.clone()),
        verified_at: change.old_verified_at,
    };
    [ContactKind::Phone, ContactKind::Email].into_iter().filter_map(first).map(held).collect()
}

/// Whether the contact that was proved is still the account's.
pub fn holds_proved(account: &Model, proof: &proof::Model) -> bool {
    let held = match proof.contact_kind {
        ContactKind::Phone => account.phone.as_deref(),
        ContactKind::Email => account.email_key.as_deref(),
    };
    held == Some(&proof.contact_key) && holds(account, proof.contact_kind)
}

/// A code to sign in or to choose a new password goes to the holder of an account in use, and to nobody else.
///
/// # Errors
/// Where accounts are disclosed: why not.
pub fn for_holder(account: Option<&Model>, kind: ContactKind, disclosed: bool) -> Result<Recipient, Turned> {
    let turned = match account.filter(|account| holds(account, kind)) {
        None => Turned::IdentityNotFound,
        Some(account) if account.status == AccountStatus::Active => {
            return Ok(Recipient::Holder { account: Some(account.id.clone()), to: own(account, kind) });
        }
        Some(account) => Turned::AccountNotActive(account.status),
    };
    if disclosed { Err(turned) } else { Ok(Recipient::Decoy) }
}

/// The same, for somebody who says who they are: all of it must be the account's.
///
/// Names are compared by their keys, and the account's is made here from its name: what is stored beside it may have
/// been made by an earlier version's rule.
///
/// # Errors
/// Where accounts are disclosed: why not.
pub fn for_identity(
    account: Option<&Model>,
    name: &PersonName,
    birth_date: BirthDate,
    disclosed: bool,
) -> Result<Recipient, Turned> {
    let key = name.key();
    let account = account.filter(|account| {
        account.name.as_deref().is_some_and(|known| PersonName::from_stored(known).key() == key)
            && account.birth_date == Some(birth_date.date())
    });
    for_holder(account, ContactKind::Phone, disclosed)
}

/// A code to sign up goes to a contact that is nobody's. Where it is somebody's, they are told in place of a code.
///
/// # Errors
/// Where accounts are disclosed: that the contact is taken.
pub fn for_newcomer(account: Option<&Model>, kind: ContactKind, disclosed: bool) -> Result<Recipient, Turned> {
    match account.filter(|account| holds(account, kind)) {
        None => Ok(Recipient::Holder { account: None, to: None }),
        Some(_) if disclosed => Err(Turned::ContactTaken),
        Some(account) => {
            let (account, to) = (account.id.clone(), own(account, kind));
            Ok(Recipient::Told { account, to, notice: Notice::AccountExists })
        }
    }
}

/// A code to change a contact goes to a new contact that is nobody's. Where it is somebody else's, they are told in
/// place of a code, and whoever asked learns nothing.
///
/// # Errors
/// Where accounts are disclosed: that the contact is taken.
pub fn for_mover(
    holder: Option<&Model>,
    kind: ContactKind,
    mover: AccountId,
    disclosed: bool,
) -> Result<Recipient, Turned> {
    match for_newcomer(holder, kind, disclosed)? {
        Recipient::Holder { .. } => Ok(Recipient::Holder { account: Some(mover), to: None }),
        told => Ok(told),
    }
}
