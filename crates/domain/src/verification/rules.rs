//! Rules of verifications, as pure functions of state and time.

use std::time::Duration;

use crate::{
    Timestamp, channel::Channel, contact::ContactKind, purpose::Purpose, status::Status, verification::Verification,
};

/// Effective status of a verification: the stored status, with expiry applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EffectiveStatus {
    Pending,
    Verified,
    Expired,
    Locked,
    Canceled,
}

impl EffectiveStatus {
    /// Whether the status is final.
    pub fn is_final(self) -> bool {
        self != EffectiveStatus::Pending
    }
}

/// The effective status of a verification. Expiry is not stored: a pending verification expires with time.
pub fn effective_status(status: Status, expires_at: Timestamp, now: Timestamp) -> EffectiveStatus {
    match status {
        Status::Pending if now >= expires_at => EffectiveStatus::Expired,
        Status::Pending => EffectiveStatus::Pending,
        Status::Verified => EffectiveStatus::Verified,
        Status::Locked => EffectiveStatus::Locked,
        Status::Canceled => EffectiveStatus::Canceled,
    }
}

/// How long after the confirmation the correct code returns the same proof again.
pub const REPEATABLE: Duration = Duration::from_secs(60);

/// Whether the code may be confirmed again to get the same proof. The store decides; this avoids a query.
pub fn is_repeatable(row: &Verification, now: Timestamp) -> bool {
    row.status == Status::Verified && row.ended_at.is_some_and(|ended| now < ended + REPEATABLE)
}

/// The channel for a contact of this kind. None: the channel cannot be used for it.
pub fn channel(wanted: Option<Channel>, kind: ContactKind) -> Option<Channel> {
    match (kind, wanted) {
        (ContactKind::Phone, None) => Some(Channel::Sms),
        (ContactKind::Email, None) => Some(Channel::Email),
        (ContactKind::Phone, Some(Channel::Sms | Channel::Voice)) | (ContactKind::Email, Some(Channel::Email)) => {
            wanted
        }
        _ => None,
    }
}

/// Whether the code for a phone may also be sent to the e-mail address of its account. Only if the code grants access
/// to the account, since both contacts are the account's. Otherwise the code proves control of the phone, which an
/// e-mail would not.
pub fn may_use_account_email(purpose: Purpose) -> bool {
    Purpose::GRANTING_ACCESS.contains(&purpose)
}

/// Whether the delivery status is hidden from the client, because it would reveal whether the contact has an account:
/// no message is sent to an unknown contact, so none could be delivered or fail. If a contact for sign-up or contact
/// change already has an account, its owner gets a notice in place of the code; a channel that cannot carry notices
/// (`notices_carried`) would show it as failed.
pub fn is_discreet(purpose: Purpose, accounts_disclosed: bool, notices_carried: bool) -> bool {
    let reveals_account = match purpose {
        Purpose::SignIn | Purpose::PasswordReset => true,
        Purpose::SignUp | Purpose::PhoneChange | Purpose::EmailChange => !notices_carried,
        // STEP_UP codes go to the caller's own contact. Callers of CONTACT_UNDO have the undo token and know that the
        // account exists.
        Purpose::Contact | Purpose::StepUp | Purpose::ContactUndo => false,
    };
    reveals_account && !accounts_disclosed
}

/// When a resend is accepted. None: it will not be accepted any more.
pub fn resend_available_at(row: &Verification, cooldown: Duration, now: Timestamp) -> Option<Timestamp> {
    let pending = effective_status(row.status, row.expires_at, now) == EffectiveStatus::Pending;
    let cooldown_end = row.last_sent_at + cooldown;
    (pending && cooldown_end < row.expires_at).then_some(cooldown_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pending_verification_expires_at_its_expiry_time() {
        let end = Timestamp::UNIX_EPOCH;
        assert_eq!(effective_status(Status::Pending, end, end - Duration::from_millis(1)), EffectiveStatus::Pending);
        assert_eq!(effective_status(Status::Pending, end, end), EffectiveStatus::Expired);
        assert_eq!(effective_status(Status::Verified, end, end), EffectiveStatus::Verified);
    }

    #[test]
    fn channels_match_contact_kinds() {
        use Channel::{Email, Sms, Voice};
        assert_eq!(channel(None, ContactKind::Phone), Some(Sms));
        assert_eq!(channel(Some(Voice), ContactKind::Phone), Some(Voice));
        assert_eq!(channel(Some(Email), ContactKind::Phone), None);
        assert_eq!(channel(None, ContactKind::Email), Some(Email));
        assert_eq!(channel(Some(Sms), ContactKind::Email), None);
    }
}
