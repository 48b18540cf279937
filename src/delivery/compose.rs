//! From a row of the outbox to a message that a provider can carry. Codes are derived here, at the last moment.

use std::time::Duration;

use super::{
    message::{self, Code, Composer, Letter, Occasion, Undo},
    notice::{ContactChanged, Notice},
    notices::undo_token,
    outbox::Content,
    provider::Outgoing,
};
use crate::{
    clock::Instant,
    contact::{Contact, ContactKind},
    keys::ServerKeys,
    store::entity::delivery::Model,
    texts::Locale,
};

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
    /// Why it can't be written: the reason that its failure is recorded under.
    pub(super) fn write(&self, row: &Model, now: Instant) -> Result<Outgoing, &'static str> {
        let content: Content = serde_json::from_str(&row.content).map_err(|_| "unreadable")?;
        let to = Contact::from_stored(row.contact_kind, &row.contact).ok_or("unreadable")?;
        let locale = Locale::parse(&row.locale).unwrap_or(self.default_locale);
        let (occasion, code) = match content {
            Content::Code(spec) => {
                let id = row.verification_id.as_ref().ok_or("unreadable")?;
                let code = spec.derive(id, &self.keys).ok_or("key_retired")?;
                // From this message on: a resend says what is left.
                let lifetime = (row.expires_at - row.created_at).to_std().unwrap_or_default();
                (Occasion::Code(Code { purpose: spec.purpose, code: code.clone(), lifetime }), Some(code))
            }
            Content::Notice(notice) => (Occasion::Notice(told(notice, &self.keys).ok_or("unreadable")?), None),
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
        Notice::NewDevice { device } => message::Notice::NewDevice { device },
        Notice::SessionEnded { device } => message::Notice::SessionEnded { device },
        Notice::ContactChanged(ContactChanged { change, key_id, kind, new, undo_seconds }) => {
            let new = Contact::from_stored(ContactKind::parse(&kind)?, &new)?;
            // A key that was retired since takes the way back with it, and the owner is still told.
            let undo = keys
                .get(&key_id)
                .map(|key| Undo { token: undo_token(&change, key), lifetime: Duration::from_secs(undo_seconds) });
            message::Notice::ContactChanged { new, undo }
        }
    })
}
