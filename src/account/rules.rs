//! The rules of accounts, as functions of what was found.

use crate::{
    contact::{BirthDate, Contact, ContactKind, EmailAddress, PersonName},
    delivery::{Notice, notices},
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

/// What an account's contacts are told when an administrator gives it this status. None: nobody can set it.
pub fn status_notice(status: AccountStatus) -> Option<Notice> {
    match status {
        AccountStatus::PendingVerification => None,
        AccountStatus::PendingApproval => Some(Notice::AccountAwaitsApproval),
        AccountStatus::Active => Some(Notice::AccountActivated),
        AccountStatus::Suspended => Some(Notice::AccountSuspended),
    }
}

/// Whether the service can do without this account: it must not lose its last administrator, by mistake or by a thief.
///
/// # Errors
/// [`Forbidden::LastAdministrator`].
pub fn may_leave(account: &AccountId, administrators: &[AccountId]) -> Result<(), Forbidden> {
    if administrators == std::slice::from_ref(account) { Err(Forbidden::LastAdministrator) } else { Ok(()) }
}

/// The contacts of an account after changes of it were undone, of the kinds that these changed: as they were before
/// the first of them. `undone`: oldest first.
pub fn restored(undone: &[contact_change::Model]) -> Vec<Held> {
    [ContactKind::Phone, ContactKind::Email].into_iter().filter_map(|kind| before(undone, kind)).collect()
}

/// What undoing a new change of this kind restores. Where the present contact was brought by a change that can still be
/// undone, it is what undoing that one restores. `open`: the changes that can be undone, oldest first.
pub fn restored_by(account: &Model, open: &[contact_change::Model], kind: ContactKind) -> Held {
    before(open, kind).unwrap_or_else(|| match kind {
        ContactKind::Phone => Held {
            kind,
            contact: account.phone.clone().map(|number| (number.clone(), number)),
            verified_at: account.phone_verified_at,
        },
        ContactKind::Email => Held {
            kind,
            contact: account.email.clone().zip(account.email_key.clone()),
            verified_at: account.email_verified_at,
        },
    })
}

/// The contact of this kind from before these changes. None: they did not change it.
fn before(changes: &[contact_change::Model], kind: ContactKind) -> Option<Held> {
    let first = changes.iter().find(|change| change.contact_kind == kind)?;
    let contact = first.old_contact.clone().zip(first.old_contact_key.clone());
    Some(Held { kind, contact, verified_at: first.old_verified_at })
}

/// A contact that was proved before all of these changes and that none of them changed: whoever took the others may
/// not have this one. `changes`: oldest first.
pub fn untouched(account: &Model, changes: &[contact_change::Model]) -> Option<Contact> {
    let oldest = changes.first()?.created_at;
    let proved_at = |kind: ContactKind| match kind {
        ContactKind::Phone => account.phone_verified_at,
        ContactKind::Email => account.email_verified_at,
    };
    let stays = |kind: &ContactKind| {
        let changed = changes.iter().any(|change| change.contact_kind == *kind);
        !changed && proved_at(*kind).is_some_and(|proved| proved <= oldest)
    };
    [ContactKind::Email, ContactKind::Phone].into_iter().find(stays).and_then(|kind| own(account, kind))
}

/// Everybody who had a contact of this account while the changes were made: before them, in between, and now.
pub fn all_contacts(account: &Model, changes: &[contact_change::Model]) -> Vec<Contact> {
    let proved =
        |change: &contact_change::Model| change.old_contact.clone().filter(|_| change.old_verified_at.is_some());
    let old = changes.iter().flat_map(|change| {
        let stored = [proved(change), change.replaced_contact.clone()].into_iter().flatten();
        stored.filter_map(|text| Contact::from_stored(change.contact_kind, &text))
    });
    let mut all: Vec<Contact> = Vec::new();
    for contact in notices::proved(account).into_iter().chain(old) {
        if all.iter().all(|known| known.key() != contact.key()) {
            all.push(contact);
        }
    }
    all
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::{Entropy, Timestamp},
        ids::ContactChangeId,
        store::entity::account::Role,
    };

    const HOUR: std::time::Duration = std::time::Duration::from_secs(3600);

    fn account(phone_at: Option<Timestamp>, email_at: Option<Timestamp>) -> Model {
        let id = AccountId::new(&Entropy::seeded(1));
        Model {
            username: "hong".to_owned(),
            username_key: "hong".to_owned(),
            id,
            name: None,
            name_key: None,
            nickname: None,
            nickname_key: None,
            birth_date: None,
            phone: Some("+821012345678".to_owned()),
            phone_verified_at: phone_at,
            email: Some("hong@example.com".to_owned()),
            email_key: Some("hong@example.com".to_owned()),
            claimed_email_key: None,
            email_verified_at: email_at,
            profile_image_url: None,
            locale: "en".to_owned(),
            status: AccountStatus::Active,
            role: Role::User,
            password_hash: None,
            password_changed_at: None,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn change(kind: ContactKind, at: Timestamp, old: Option<&str>) -> contact_change::Model {
        contact_change::Model {
            id: ContactChangeId::new(&Entropy::System),
            token_hash: String::new(),
            account_id: AccountId::new(&Entropy::seeded(1)),
            contact_kind: kind,
            old_contact: old.map(str::to_owned),
            old_contact_key: old.map(str::to_owned),
            old_verified_at: old.map(|_| Timestamp::UNIX_EPOCH),
            created_at: at,
            expires_at: at + HOUR * 72,
            undone_at: None,
            password_changed_at: None,
            replaced_contact: None,
        }
    }

    #[test]
    fn a_contact_confirms_an_undo_if_it_was_proved_before_and_not_changed_since() {
        let start = Timestamp::UNIX_EPOCH;
        let (before, after) = (Some(start), Some(start + HOUR * 2));
        let phone = || change(ContactKind::Phone, start + HOUR, Some("+821099990000"));
        let email = || change(ContactKind::Email, start + HOUR * 2, None);
        let kind = |account: &Model, changes: &[_]| untouched(account, changes).map(|contact| contact.kind());
        assert_eq!(kind(&account(after, before), &[phone()]), Some(ContactKind::Email));
        assert_eq!(kind(&account(after, after), &[phone()]), None, "proved after the oldest change");
        assert_eq!(kind(&account(after, None), &[phone()]), None, "never proved");
        assert_eq!(kind(&account(after, after), &[phone(), email()]), None, "both were changed");
        assert_eq!(kind(&account(before, after), &[email()]), Some(ContactKind::Phone));
        assert_eq!(kind(&account(before, before), &[]), None);
    }

    #[test]
    fn everybody_who_had_a_contact_is_told_once() {
        let start = Timestamp::UNIX_EPOCH;
        let changes = [
            change(ContactKind::Phone, start, Some("+821099990000")),
            change(ContactKind::Phone, start + HOUR, Some("+821088880000")),
            change(ContactKind::Phone, start + HOUR * 2, Some("+821099990000")),
            change(ContactKind::Email, start + HOUR * 2, None),
        ];
        let mut told: Vec<_> = all_contacts(&account(Some(start), Some(start)), &changes)
            .iter()
            .map(|contact| contact.key().to_owned())
            .collect();
        told.sort();
        assert_eq!(told, ["+821012345678", "+821088880000", "+821099990000", "hong@example.com"]);
    }
}
