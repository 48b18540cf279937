use std::time::Duration;

use super::*;
use domain::{
    account::{AccountStatus, Role},
    ids::{AccountId, ContactChangeId},
};
use platform::clock::Entropy;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn start() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

/// An account that has had a password and both contacts since the start.
fn account() -> Account {
    Account {
        id: AccountId::new(&Entropy::seeded(1)),
        username: "hong".to_owned(),
        username_key: "hong".to_owned(),
        name: None,
        name_key: None,
        nickname: None,
        nickname_key: None,
        birth_date: None,
        phone: Some("+821012345678".to_owned()),
        phone_verified_at: Some(start()),
        email: Some("hong@example.com".to_owned()),
        email_key: Some("hong@example.com".to_owned()),
        claimed_email_key: None,
        email_verified_at: Some(start()),
        profile_image_url: None,
        locale: "en".to_owned(),
        status: AccountStatus::Active,
        role: Role::User,
        password_hash: Some("hash".to_owned()),
        password_changed_at: Some(start()),
        created_at: start(),
        updated_at: start(),
    }
}

/// A contact change made `days` after the start, which can be undone for three days.
fn change(kind: ContactKind, days: u32, account: &Account) -> ContactChange {
    let at = start() + DAY * days;
    ContactChange {
        id: ContactChangeId::new(&Entropy::seeded(days.into())),
        token_hash: String::new(),
        account_id: account.id.clone(),
        contact_kind: kind,
        old_contact: None,
        old_contact_key: None,
        old_verified_at: None,
        replaced_contact: None,
        created_at: at,
        expires_at: at + DAY * 3,
        undone_at: None,
        password_changed_at: account.password_changed_at,
    }
}

/// The factors that count `days` after the start: password, phone, e-mail.
fn counts(account: &Account, changes: &[ContactChange], days: u32) -> (bool, bool, bool) {
    let established = Established::load(account, changes, start() + DAY * days);
    (established.password, established.phone, established.email)
}

#[test]
fn everything_counts_without_undoable_changes() {
    let account = account();
    let old = change(ContactKind::Phone, 1, &account);
    let undone = ContactChange { undone_at: Some(start()), ..change(ContactKind::Email, 9, &account) };
    assert_eq!(counts(&account, &[], 0), (true, true, true));
    assert_eq!(counts(&account, &[old, undone], 10), (true, true, true));
}

#[test]
fn missing_and_unverified_factors_do_not_count() {
    let unverified = Account { phone_verified_at: None, email: None, password_hash: None, ..account() };
    assert_eq!(counts(&unverified, &[], 0), (false, false, false));
}

#[test]
fn a_changed_contact_does_not_count_until_the_change_is_final() {
    let account = account();
    let changes = [change(ContactKind::Phone, 1, &account)];
    assert_eq!(counts(&account, &changes, 1), (true, false, true));
    assert_eq!(counts(&account, &changes, 3), (true, false, true));
    assert_eq!(counts(&account, &changes, 4), (true, true, true));
}

#[test]
fn the_oldest_open_change_decides_for_both_contacts() {
    let account = account();
    let changes = [change(ContactKind::Phone, 1, &account), change(ContactKind::Email, 3, &account)];
    assert_eq!(counts(&account, &changes, 3), (true, false, false));
    // The first change is final: its contact is older than the second change.
    assert_eq!(counts(&account, &changes, 4), (true, true, false));
    let held = Established::load(&account, &changes, start() + DAY * 4);
    assert_eq!(held.held_until, Some(start() + DAY * 6));
    assert_eq!(held.deletion_held_until, held.held_until);
}

#[test]
fn an_undone_change_delays_deletion_until_the_end_of_its_undo_period() {
    let account = account();
    let undone = ContactChange { undone_at: Some(start()), ..change(ContactKind::Email, 1, &account) };
    let held = Established::load(&account, std::slice::from_ref(&undone), start() + DAY);
    assert_eq!((held.held_until, held.deletion_held_until), (None, Some(undone.expires_at)));
    let free = Established::load(&account, std::slice::from_ref(&undone), undone.expires_at);
    assert_eq!(free.deletion_held_until, None);
}

#[test]
fn a_later_change_that_expired_first_still_counts_as_later() {
    let account = account();
    let short = ContactChange { expires_at: start() + DAY * 2, ..change(ContactKind::Email, 2, &account) };
    assert_eq!(counts(&account, &[change(ContactKind::Phone, 1, &account), short], 3), (true, false, false));
}

#[test]
fn a_password_counts_if_it_is_older_than_every_open_change() {
    let before = account();
    let first = change(ContactKind::Phone, 1, &before);
    let after = Account { password_changed_at: Some(start() + DAY), ..account() };
    let second = change(ContactKind::Phone, 2, &after);
    assert_eq!(counts(&before, std::slice::from_ref(&first), 2), (true, false, true));
    assert_eq!(counts(&after, &[first.clone(), second.clone()], 3), (false, false, true));
    assert_eq!(counts(&after, &[first, second], 4), (true, false, true));
}
