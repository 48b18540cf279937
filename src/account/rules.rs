//! Who gets a code, as functions of the account that was found.

use crate::{
    contact::{BirthDate, Contact, ContactKind, PersonName},
    delivery::Notice,
    ids::AccountId,
    store::{
        Identifier,
        entity::account::{AccountStatus, Model},
    },
    verification::Recipient,
};

/// Why nobody gets a code. Told only where accounts are disclosed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    ContactTaken,
    IdentityNotFound,
    AccountNotActive(AccountStatus),
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

/// A code to sign in or to choose a new password goes to the holder of an account in use, and to nobody else.
///
/// # Errors
/// Where accounts are disclosed: why not.
pub fn for_holder(account: Option<&Model>, kind: ContactKind, disclosed: bool) -> Result<Recipient, Turned> {
    let turned = match account.filter(|account| holds(account, kind)) {
        None => Turned::IdentityNotFound,
        Some(account) if account.status == AccountStatus::Active => {
            return Ok(Recipient::Holder { account: Some(account.id.clone()) });
        }
        Some(account) => Turned::AccountNotActive(account.status),
    };
    if disclosed { Err(turned) } else { Ok(Recipient::Decoy) }
}

/// The same, for somebody who says who they are: all of it must be the account's.
///
/// # Errors
/// Where accounts are disclosed: why not.
pub fn for_identity(
    account: Option<&Model>,
    name: &PersonName,
    birth_date: BirthDate,
    disclosed: bool,
) -> Result<Recipient, Turned> {
    let account = account.filter(|account| {
        account.name_key.as_deref() == Some(name.key().as_str()) && account.birth_date == Some(birth_date.date())
    });
    for_holder(account, ContactKind::Phone, disclosed)
}

/// A code to sign up goes to a contact that is nobody's. Where it is somebody's, they are told in place of a code.
///
/// # Errors
/// Where accounts are disclosed: that the contact is taken.
pub fn for_newcomer(account: Option<&Model>, kind: ContactKind, disclosed: bool) -> Result<Recipient, Turned> {
    match account.filter(|account| holds(account, kind)) {
        None => Ok(Recipient::Holder { account: None }),
        Some(_) if disclosed => Err(Turned::ContactTaken),
        Some(account) => Ok(Recipient::Told { account: account.id.clone(), notice: Notice::AccountExists }),
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
        Recipient::Holder { .. } => Ok(Recipient::Holder { account: Some(mover) }),
        told => Ok(told),
    }
}
