//! From a row of the outbox to a message that a provider can carry. Codes are derived here, at the last moment.

use std::time::Duration;

use super::{
    message::{self, Code, Composer, Letter, Occasion, Undo, UndoHint},
    notice::{ContactChanged, Notice},
    notices::undo_token,
    outbox::Content,
    provider::Outgoing,
};
use crate::store::entity::delivery::Model;
use domain::{
    Timestamp,
    contact::{Contact, ContactKind},
    locale::Locale,
};
use platform::keys::ServerKeys;

/// Why a message can't be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unwritten {
    /// Its row can't be read.
    Unreadable,
    /// It was derived with a server key that this process does not have, and another one may.
    KeyUnknown,
}

/// For how long a notice waits for a process that can derive the token in it; after that it goes without.
const WAITS_FOR_KEY: Duration = Duration::from_secs(10 * 60);

/// Writes messages out of rows.
#[derive(Clone)]
pub struct Writer {
    pub composer: Composer,
    pub keys: ServerKeys,
    /// The language of a row whose own is not spoken any more.
    pub default_locale: Locale,
}

impl Writer {
    /// The message that a row owes.
    ///
    /// # Errors
    /// Why it can't be written.
    pub(super) fn write(&self, row: &Model, now: Timestamp) -> Result<Outgoing, Unwritten> {
        let content: Content = serde_json::from_str(&row.content).map_err(|_| Unwritten::Unreadable)?;
        let to = Contact::from_stored(row.contact_kind, &row.contact).ok_or(Unwritten::Unreadable)?;
        let locale = Locale::parse(&row.locale).unwrap_or(self.default_locale);
        let (occasion, code) = match content {
            Content::Code(spec) => {
                let id = row.verification_id.as_ref().ok_or(Unwritten::Unreadable)?;
                let code = spec.derive(id, &self.keys).ok_or(Unwritten::KeyUnknown)?;
                // From this message on: a resend says what is left.
                let lifetime = (row.expires_at - row.created_at).to_std().unwrap_or_default();
                (Occasion::Code(Code { purpose: spec.purpose, code: code.clone(), lifetime }), Some(code))
            }
            Content::Notice(notice) => {
                let is_new = (now - row.created_at).to_std().is_ok_and(|age| age < WAITS_FOR_KEY);
                if is_new && notice.key_id().is_some_and(|id| self.keys.get(id).is_none()) {
                    return Err(Unwritten::KeyUnknown);
                }
                (Occasion::Notice(told(notice, &self.keys).ok_or(Unwritten::Unreadable)?), None)
            }
        };
        let composed = self.composer.compose(&Letter { occasion, channel: row.channel, to: to.clone(), locale });
        Ok(Outgoing {
            id: row.id.clone(),
            channel: row.channel,
            to,
            text: composed.text,
            subject: composed.subject,
            html: composed.html,
            code,
            locale,
            ttl: (row.expires_at - now).to_std().unwrap_or_default(),
        })
    }
}

fn told(notice: Notice, keys: &ServerKeys) -> Option<message::Notice> {
    Some(match notice {
        Notice::PasswordChanged => message::Notice::PasswordChanged,
        Notice::AccountExists => message::Notice::AccountExists,
        Notice::NoAccount => message::Notice::NoAccount,
        Notice::NewDevice { device } => message::Notice::NewDevice { device },
        Notice::ContactChangeUndone => message::Notice::ContactChangeUndone,
        Notice::AccountLocked => message::Notice::AccountLocked,
        Notice::AccountDeleted => message::Notice::AccountDeleted,
        Notice::AccountSuspended => message::Notice::AccountSuspended,
        Notice::AccountActivated => message::Notice::AccountActivated,
        Notice::AccountAwaitsApproval => message::Notice::AccountAwaitsApproval,
        Notice::AccountUnlocked => message::Notice::AccountUnlocked,
        Notice::SessionsEnded => message::Notice::SessionsEnded,
        Notice::SessionEnded { device } => message::Notice::SessionEnded { device },
        Notice::ContactChanged(ContactChanged {
            change,
            key_id,
            kind,
            new,
            undo_seconds,
            without_undo,
            final_change,
        }) => {
            let new = Contact::from_stored(ContactKind::parse(&kind)?, &new)?;
            // No process that runs has the key any more: the owner is told all the same.
            let undo = keys
                .get(&key_id)
                .filter(|_| !without_undo)
                .map(|key| Undo { token: undo_token(&change, key), lifetime: Duration::from_secs(undo_seconds) });
            let undo = match undo {
                Some(undo) => UndoHint::Here(undo),
                None if final_change => UndoHint::Nowhere,
                None => UndoHint::OtherContact,
            };
            message::Notice::ContactChanged { new, undo }
        }
    })
}
