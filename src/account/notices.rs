//! What an account's contacts are told.

use std::time::Duration;

use crate::{
    channel::Channel,
    clock::{Entropy, Instant},
    contact::{Contact, ContactKind},
    delivery::{Content, Notice, Order},
    ids::DeliveryId,
    store::entity::account::Model,
    texts::Locale,
};

/// How long a notice is worth sending: it must not get lost, and has time.
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// That the password was changed, to every contact that the account has proved to hold.
pub fn password_changed(account: &Model, entropy: &Entropy, now: Instant) -> Vec<Order> {
    to_all(account, &Notice::PasswordChanged, entropy, now)
}

fn to_all(account: &Model, notice: &Notice, entropy: &Entropy, now: Instant) -> Vec<Order> {
    let phone = account.phone.as_deref().filter(|_| account.phone_verified_at.is_some());
    let email = account.email.as_deref().filter(|_| account.email_verified_at.is_some());
    let contacts = [(ContactKind::Phone, Channel::Sms, phone), (ContactKind::Email, Channel::Email, email)];
    let known =
        contacts.into_iter().filter_map(|(kind, channel, text)| Some((channel, Contact::from_stored(kind, text?)?)));
    known
        .map(|(channel, to)| Order {
            id: DeliveryId::new(entropy),
            verification: None,
            channel,
            to,
            locale: Locale::parse(&account.locale).unwrap_or(Locale::Ko),
            content: Content::Notice(notice.clone()),
            decoy: false,
            discreet: false,
            scenario: None,
            expires_at: now + LIFE,
        })
        .collect()
}
