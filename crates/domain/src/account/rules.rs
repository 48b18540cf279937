//! Rules of accounts, as pure functions.

use crate::{
    account::{Account, AccountContact, AccountStatus, Identifier},
    contact::{BirthDate, Contact, ContactKind, EmailAddress, PersonName},
    contact_change::ContactChange,
    ids::AccountId,
    notice::Notice,
    proof::Proof,
    verification::Recipient,
};

/// Why no code is sent. All variants but the last are disclosed only if account existence is disclosed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendRejection {
    ContactTaken,
    IdentityNotFound,
    AccountNotActive(AccountStatus),
    /// No STEP_UP code is sent to the contact. Always disclosed, since the caller is signed in.
    NoStepUp(StepUpRejection),
}

/// Why no STEP_UP code is sent to a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepUpRejection {
    /// It is not a verified contact of the account.
    UnverifiedContact(ContactKind),
    /// It was changed too recently to count.
    RecentlyChanged(ContactKind),
    /// The session of the request has ended, or its account no longer exists or may not be used.
    InvalidSession,
}

/// The verified contacts of the account.
pub fn verified_contacts(account: &Account) -> Vec<Contact> {
    let phone = account.phone.as_deref().filter(|_| account.phone_verified_at.is_some());
    let email = account.email.as_deref().filter(|_| account.email_verified_at.is_some());
    let contacts = [(ContactKind::Phone, phone), (ContactKind::Email, email)];
    contacts.into_iter().filter_map(|(kind, text)| Contact::from_stored(kind, text?)).collect()
}

/// The identifier that finds the account of a contact.
pub fn identifier(contact: &Contact) -> Identifier {
    match contact.kind() {
        ContactKind::Phone => Identifier::Phone(contact.key().to_owned()),
        ContactKind::Email => Identifier::Email(contact.key().to_owned()),
    }
}

/// Whether the account has verified its contact of this kind. A contact that was only entered at sign-up gets no code
/// that grants access to the account.
fn has_verified(account: &Account, kind: ContactKind) -> bool {
    match kind {
        ContactKind::Phone => account.phone_verified_at.is_some(),
        ContactKind::Email => account.email_verified_at.is_some(),
    }
}

/// A contact as stored with the account.
pub fn stored_contact(account: &Account, kind: ContactKind) -> Option<Contact> {
    let stored = match kind {
        ContactKind::Phone => account.phone.as_deref(),
        ContactKind::Email => account.email.as_deref(),
    };
    Contact::from_stored(kind, stored?)
}

/// Initial status of an account whose contact was verified.
pub fn initial_status(approval: bool) -> AccountStatus {
    if approval { AccountStatus::PendingApproval } else { AccountStatus::Active }
}

/// Whether an account never verified any contact. Its contact may belong to another person.
pub fn is_unverified(account: &Account) -> bool {
    account.status == AccountStatus::PendingVerification
        && account.phone_verified_at.is_none()
        && account.email_verified_at.is_none()
}

/// Whether `existing` is replaced by `new_account` with the same address: neither verified it, so the later sign-up wins.
pub fn is_replaced_by(existing: &Account, new_account: &Account) -> bool {
    let key = |account: &Account| {
        let typed = account.email.as_deref().and_then(EmailAddress::from_stored);
        typed.map(|address| address.key().to_owned())
    };
    is_unverified(existing) && key(existing).is_some_and(|existing_key| key(new_account) == Some(existing_key))
}

/// Why an administrator may not do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminRejection {
    /// No administrator would be left to undo it.
    LastAdministrator,
    /// An account cannot return to PENDING_VERIFICATION, and before its contact is verified it can only be activated.
    StatusNotAllowed,
}

/// Whether an account may be given this status. `administrators` are those who can act.
///
/// An account that never verified its address can only be activated, by an administrator who vouches for the address.
/// With any other status it would keep an address that may belong to another person.
///
/// # Errors
/// The reason.
pub fn may_set_status(
    account: &Account,
    status: AccountStatus,
    administrators: &[AccountId],
) -> Result<(), AdminRejection> {
    let activates = status == AccountStatus::Active && account.email_key.is_some();
    match status {
        _ if is_unverified(account) && !activates => Err(AdminRejection::StatusNotAllowed),
        AccountStatus::PendingVerification => Err(AdminRejection::StatusNotAllowed),
        AccountStatus::Active => Ok(()),
        AccountStatus::PendingApproval | AccountStatus::Suspended => {
            require_another_administrator(&account.id, administrators)
        }
    }
}

/// The notice to an account's contacts when an administrator sets this status. None: the status cannot be set.
pub fn status_notice(status: AccountStatus) -> Option<Notice> {
    match status {
        AccountStatus::PendingVerification => None,
        AccountStatus::PendingApproval => Some(Notice::AccountAwaitsApproval),
        AccountStatus::Active => Some(Notice::AccountActivated),
        AccountStatus::Suspended => Some(Notice::AccountSuspended),
    }
}

/// Whether an account may cease to be an active administrator: the service must keep at least one, in case of a mistake
/// or an attack.
///
/// # Errors
/// [`AdminRejection::LastAdministrator`].
pub fn require_another_administrator(account: &AccountId, administrators: &[AccountId]) -> Result<(), AdminRejection> {
    if administrators == std::slice::from_ref(account) { Err(AdminRejection::LastAdministrator) } else { Ok(()) }
}

/// The contacts to restore when these changes are undone, for each kind that they changed: the values before the first
/// change. `undone`: oldest first.
pub fn contacts_before(undone: &[ContactChange]) -> Vec<AccountContact> {
    [ContactKind::Phone, ContactKind::Email].into_iter().filter_map(|kind| before(undone, kind)).collect()
}

/// The contact that undoing a new change of this kind restores. If the current contact was set by a change that can
/// still be undone, it is the contact that undoing that change restores. `open`: the changes that can be undone, oldest
/// first.
pub fn restored_by(account: &Account, open: &[ContactChange], kind: ContactKind) -> AccountContact {
    before(open, kind).unwrap_or_else(|| match kind {
        ContactKind::Phone => AccountContact {
            kind,
            contact: account.phone.clone().map(|number| (number.clone(), number)),
            verified_at: account.phone_verified_at,
        },
        ContactKind::Email => AccountContact {
            kind,
            contact: account.email.clone().zip(account.email_key.clone()),
            verified_at: account.email_verified_at,
        },
    })
}

/// The contact of this kind before these changes. None: they did not change this kind.
fn before(changes: &[ContactChange], kind: ContactKind) -> Option<AccountContact> {
    let first = changes.iter().find(|change| change.contact_kind == kind)?;
    let contact = first.old_contact.clone().zip(first.old_contact_key.clone());
    Some(AccountContact { kind, contact, verified_at: first.old_verified_at })
}

/// A contact that was verified before all of these changes and that none of them changed: an attacker who made the
/// changes may not control it. `changes`: oldest first.
pub fn unchanged_contact(account: &Account, changes: &[ContactChange]) -> Option<Contact> {
    let oldest = changes.first()?.created_at;
    let verified_at = |kind: ContactKind| match kind {
        ContactKind::Phone => account.phone_verified_at,
        ContactKind::Email => account.email_verified_at,
    };
    let is_unchanged = |kind: &ContactKind| {
        let changed = changes.iter().any(|change| change.contact_kind == *kind);
        !changed && verified_at(*kind).is_some_and(|proved| proved <= oldest)
    };
    [ContactKind::Email, ContactKind::Phone]
        .into_iter()
        .find(is_unchanged)
        .and_then(|kind| stored_contact(account, kind))
}

/// All contacts that the account had before, between and after the changes.
pub fn contacts_to_notify(account: &Account, changes: &[ContactChange]) -> Vec<Contact> {
    let proved = |change: &ContactChange| change.old_contact.clone().filter(|_| change.old_verified_at.is_some());
    let old = changes.iter().flat_map(|change| {
        let stored = [proved(change), change.replaced_contact.clone()].into_iter().flatten();
        stored.filter_map(|text| Contact::from_stored(change.contact_kind, &text))
    });
    let mut all: Vec<Contact> = Vec::new();
    for contact in verified_contacts(account).into_iter().chain(old) {
        if all.iter().all(|known| known.key() != contact.key()) {
            all.push(contact);
        }
    }
    all
}

/// Whether the contact of a proof is still a verified contact of the account.
pub fn has_proof_contact(account: &Account, proof: &Proof) -> bool {
    let stored_key = match proof.contact_kind {
        ContactKind::Phone => account.phone.as_deref(),
        ContactKind::Email => account.email_key.as_deref(),
    };
    stored_key == Some(&proof.contact_key) && has_verified(account, proof.contact_kind)
}

/// A code to sign in or to reset the password is sent only to a verified contact of an active account.
///
/// # Errors
/// The reason, if account existence is disclosed.
pub fn recipient_for_sign_in(
    account: Option<&Account>,
    kind: ContactKind,
    disclosed: bool,
) -> Result<Recipient, SendRejection> {
    let rejection = match account.filter(|account| has_verified(account, kind)) {
        None => SendRejection::IdentityNotFound,
        Some(account) if account.status == AccountStatus::Active => {
            return Ok(Recipient::Code { account: Some(account.id.clone()), to: stored_contact(account, kind) });
        }
        Some(account) => SendRejection::AccountNotActive(account.status),
    };
    if disclosed { Err(rejection) } else { Ok(Recipient::Decoy) }
}

/// Same as [`recipient_for_sign_in`], for a claim with personal data: all of it must match the account.
///
/// Names are compared by key. The account's key is computed from its name: the stored key may have been computed by an
/// earlier version's rule.
///
/// # Errors
/// The reason, if account existence is disclosed.
pub fn recipient_for_identity(
    account: Option<&Account>,
    name: &PersonName,
    birth_date: BirthDate,
    disclosed: bool,
) -> Result<Recipient, SendRejection> {
    let key = name.key();
    let account = account.filter(|account| {
        account.name.as_deref().is_some_and(|known| PersonName::from_stored(known).key() == key)
            && account.birth_date == Some(birth_date.date())
    });
    recipient_for_sign_in(account, ContactKind::Phone, disclosed)
}

/// A sign-up code is sent to a contact that no account has verified. If an account has, its owner is notified instead.
///
/// # Errors
/// That the contact is taken, if account existence is disclosed.
pub fn recipient_for_sign_up(
    account: Option<&Account>,
    kind: ContactKind,
    disclosed: bool,
) -> Result<Recipient, SendRejection> {
    match account.filter(|account| has_verified(account, kind)) {
        None => Ok(Recipient::Code { account: None, to: None }),
        Some(_) if disclosed => Err(SendRejection::ContactTaken),
        Some(account) => {
            let (account, to) = (account.id.clone(), stored_contact(account, kind));
            Ok(Recipient::NotifyOwner { account, to, notice: Notice::AccountExists })
        }
    }
}

/// A contact change code is sent to a contact that no account has verified. If another account has, its owner is
/// notified instead, and the caller cannot tell the difference.
///
/// # Errors
/// That the contact is taken, if account existence is disclosed.
pub fn recipient_for_contact_change(
    holder: Option<&Account>,
    kind: ContactKind,
    account: AccountId,
    disclosed: bool,
) -> Result<Recipient, SendRejection> {
    match recipient_for_sign_up(holder, kind, disclosed)? {
        Recipient::Code { .. } => Ok(Recipient::Code { account: Some(account), to: None }),
        notify => Ok(notify),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Timestamp, account::Role, ids::ContactChangeId, stored_text::StoredText};

    const HOUR: std::time::Duration = std::time::Duration::from_secs(3600);

    fn account(phone_at: Option<Timestamp>, email_at: Option<Timestamp>) -> Account {
        let id = AccountId::from_text("acc_1").unwrap();
        Account {
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

    fn change(kind: ContactKind, at: Timestamp, old: Option<&str>) -> ContactChange {
        ContactChange {
            id: ContactChangeId::from_text("cch_1").unwrap(),
            token_hash: String::new(),
            account_id: AccountId::from_text("acc_1").unwrap(),
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
    fn undo_is_confirmed_by_a_contact_verified_before_and_unchanged_since() {
        let start = Timestamp::UNIX_EPOCH;
        let (before, after) = (Some(start), Some(start + HOUR * 2));
        let phone = || change(ContactKind::Phone, start + HOUR, Some("+821099990000"));
        let email = || change(ContactKind::Email, start + HOUR * 2, None);
        let kind = |account: &Account, changes: &[_]| unchanged_contact(account, changes).map(|contact| contact.kind());
        assert_eq!(kind(&account(after, before), &[phone()]), Some(ContactKind::Email));
        assert_eq!(kind(&account(after, after), &[phone()]), None, "proved after the oldest change");
        assert_eq!(kind(&account(after, None), &[phone()]), None, "never proved");
        assert_eq!(kind(&account(after, after), &[phone(), email()]), None, "both were changed");
        assert_eq!(kind(&account(before, after), &[email()]), Some(ContactKind::Phone));
        assert_eq!(kind(&account(before, before), &[]), None);
    }

    #[test]
    fn all_contacts_lists_each_contact_once() {
        let start = Timestamp::UNIX_EPOCH;
        let changes = [
            change(ContactKind::Phone, start, Some("+821099990000")),
            change(ContactKind::Phone, start + HOUR, Some("+821088880000")),
            change(ContactKind::Phone, start + HOUR * 2, Some("+821099990000")),
            change(ContactKind::Email, start + HOUR * 2, None),
        ];
        let mut contacts: Vec<_> = contacts_to_notify(&account(Some(start), Some(start)), &changes)
            .iter()
            .map(|contact| contact.key().to_owned())
            .collect();
        contacts.sort();
        assert_eq!(contacts, ["+821012345678", "+821088880000", "+821099990000", "hong@example.com"]);
    }
}
