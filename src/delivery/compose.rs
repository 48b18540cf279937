//! Composes the message to send from a row of the outbox. Codes are derived here, immediately before sending.

use std::time::Duration;

use super::{
    message::{self, Code, Composer, MessageContent, MessageRequest, Undo, UndoHint},
    notices::undo_token,
    outbox::Content,
};
use domain::{
    Timestamp,
    contact::{Contact, ContactKind},
    delivery::Delivery,
    locale::Locale,
    notice::{ContactChanged, Notice},
    stored_text::StoredText,
};
use platform::keys::ServerKeys;
use providers::Outgoing;

/// Why a message can't be composed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ComposeError {
    /// The row is malformed.
    MalformedRow,
    /// It needs a server key that this process does not have, but another one may.
    KeyUnknown,
}

/// How long a notice waits for a process that can derive its token; after that it is sent without the token.
const MAX_KEY_WAIT: Duration = Duration::from_secs(10 * 60);

/// Composes messages from rows.
#[derive(Clone)]
pub struct MessageWriter {
    pub composer: Composer,
    pub keys: ServerKeys,
    /// The locale for rows whose own locale is no longer supported.
    pub default_locale: Locale,
}

impl MessageWriter {
    /// Composes the message of a row.
    ///
    /// # Errors
    /// Why it can't be composed.
    pub(super) fn write(&self, row: &Delivery, now: Timestamp) -> Result<Outgoing, ComposeError> {
        let content: Content = serde_json::from_str(&row.content).map_err(|_| ComposeError::MalformedRow)?;
        let to = Contact::from_stored(row.contact_kind, &row.contact).ok_or(ComposeError::MalformedRow)?;
        let locale = Locale::parse(&row.locale).unwrap_or(self.default_locale);
        let (occasion, code) = match content {
            Content::Code(spec) => {
                let id = row.verification_id.as_ref().ok_or(ComposeError::MalformedRow)?;
                let code = spec.derive(id, &self.keys).ok_or(ComposeError::KeyUnknown)?;
                // Counted from this message: a resend states the remaining lifetime.
                let lifetime = (row.expires_at - row.created_at).to_std().unwrap_or_default();
                (MessageContent::Code(Code { purpose: spec.purpose, code: code.clone(), lifetime }), Some(code))
            }
            Content::Notice(notice) => {
                let is_new = (now - row.created_at).to_std().is_ok_and(|age| age < MAX_KEY_WAIT);
                if is_new && notice.key_id().is_some_and(|id| self.keys.get(id).is_none()) {
                    return Err(ComposeError::KeyUnknown);
                }
                (MessageContent::Notice(to_message_notice(notice, &self.keys).ok_or(ComposeError::MalformedRow)?), None)
            }
        };
        let composed =
            self.composer.compose(&MessageRequest { content: occasion, channel: row.channel, to: to.clone(), locale });
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

fn to_message_notice(notice: Notice, keys: &ServerKeys) -> Option<message::Notice> {
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
            let new = Contact::from_stored(ContactKind::from_text(&kind)?, &new)?;
            // The key is gone from all running processes: the notice is sent without the undo token.
            let undo = keys
                .get(&key_id)
                .filter(|_| !without_undo)
                .map(|key| Undo { token: undo_token(&change, key), lifetime: Duration::from_secs(undo_seconds) });
            let undo = match undo {
                Some(undo) => UndoHint::ThisMessage(undo),
                None if final_change => UndoHint::NotPossible,
                None => UndoHint::OtherContact,
            };
            message::Notice::ContactChanged { new, undo }
        }
    })
}
