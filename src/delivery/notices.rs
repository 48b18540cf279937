//! Which contacts of an account receive a notice, and how many notices are sent.

use std::time::Duration;

use super::{Content, OutgoingMessage};
use domain::{
    Timestamp,
    account::{Account, rules},
    channel::Channel,
    contact::{Contact, ContactKind},
    delivery::Delivery,
    ids::{AccountId, ContactChangeId, DeliveryId},
    locale::Locale,
    notice::Notice,
};
use platform::{clock::Entropy, fault::Fault, keys::ServerKey, secret::Secret};
use store::Tx;

/// The lifetime of a notice: it must not get lost, but is not urgent.
const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// One message to every verified contact of the account.
pub fn to_all_contacts(account: &Account, notice: &Notice, entropy: &Entropy, now: Timestamp) -> Vec<OutgoingMessage> {
    rules::verified_contacts(account)
        .into_iter()
        .map(|contact| message_to(contact, account, notice.clone(), entropy, now))
        .collect()
}

/// Adds the messages of one notice to the outbox, unless the account reached the limit for the kind
/// ([`Notice::limit`]). Returns the messages to dispatch after the commit.
///
/// # Errors
/// A fault of the database.
pub async fn enqueue(
    tx: &Tx,
    account: &AccountId,
    messages: Vec<OutgoingMessage>,
    now: Timestamp,
) -> Result<Vec<DeliveryId>, Fault> {
    let notice = messages.iter().find_map(|message| match &message.content {
        Content::Notice(notice) => Some(notice),
        Content::Code(_) => None,
    });
    if let Some(notice) = notice
        && let Some(limit) = notice.limit()
        && !tx.count_notice(account, notice.kind(), limit, now).await?
    {
        return Ok(Vec::new());
    }
    let mut ids = Vec::with_capacity(messages.len());
    for message in messages {
        ids.push(message.id.clone());
        let row = Delivery { account_id: Some(account.clone()), ..message.into_row(now, None) };
        tx.insert_delivery(row).await?;
    }
    Ok(ids)
}

/// A message to this contact.
pub fn message_to(
    contact: Contact,
    account: &Account,
    notice: Notice,
    entropy: &Entropy,
    now: Timestamp,
) -> OutgoingMessage {
    let channel = match contact.kind() {
        ContactKind::Phone => Channel::Sms,
        ContactKind::Email => Channel::Email,
    };
    OutgoingMessage {
        id: DeliveryId::new(entropy),
        verification: None,
        channel,
        to: contact,
        locale: Locale::parse(&account.locale).unwrap_or(Locale::Ko),
        content: Content::Notice(notice),
        decoy: false,
        discreet: false,
        scenario: None,
        expires_at: now + LIFETIME,
    }
}

/// The token that undoes a contact change: 64 hex digits. It is derived when a message is composed, and never stored.
pub fn undo_token(change: &ContactChangeId, key: &ServerKey) -> Secret {
    Secret::new(hex::encode(key.derive("contact-undo/1", &[change.as_str().as_bytes()])))
}
