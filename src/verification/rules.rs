//! The rules of verifications, as functions of what is and what time it is.

use std::time::Duration;

use crate::{
    channel::Channel,
    clock::Timestamp,
    config,
    contact::ContactKind,
    purpose::Purpose,
    status::{CodeFormat, Status},
    store::entity::verification::Model,
};

/// What became of a verification, as it is shown: what was written, and what the clock has done since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    Pending,
    Verified,
    Expired,
    Locked,
    Canceled,
}

impl Standing {
    /// Whether nothing more can become of it.
    pub fn is_over(self) -> bool {
        self != Standing::Pending
    }
}

/// How a verification stands. Expiry is written by nobody: it is what the clock says of a pending one.
pub fn standing(status: Status, expires_at: Timestamp, now: Timestamp) -> Standing {
    match status {
        Status::Pending if now >= expires_at => Standing::Expired,
        Status::Pending => Standing::Pending,
        Status::Verified => Standing::Verified,
        Status::Locked => Standing::Locked,
        Status::Canceled => Standing::Canceled,
    }
}

/// How long a right code is answered with its proof again after it was confirmed.
pub const REPEATABLE: Duration = Duration::from_secs(60);

/// Whether its code may be tried once more to get its proof again. The store decides; this saves asking it.
pub fn is_repeatable(row: &Model, now: Timestamp) -> bool {
    row.status == Status::Verified && row.ended_at.is_some_and(|ended| now < ended + REPEATABLE)
}

/// The longest life of a code by e-mail that gives access to an account (ASVS 5.0, 6.5.5).
const LONGEST_ACCESS_CODE: Duration = Duration::from_secs(10 * 60);

/// What the code for a contact of this kind is made of, and how long it is valid.
pub fn code_shape(settings: &config::Verification, kind: ContactKind, purpose: Purpose) -> (CodeFormat, Duration) {
    match (kind, purpose) {
        (ContactKind::Phone, _) => (settings.code_format, settings.code_ttl),
        (ContactKind::Email, Purpose::Contact | Purpose::SignUp) => {
            (settings.email_code_format, settings.email_code_ttl)
        }
        (ContactKind::Email, _) => (settings.email_code_format, settings.email_code_ttl.min(LONGEST_ACCESS_CODE)),
    }
}

/// How a code travels to a contact of this kind. None: this channel does not lead there.
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

/// Whether the code for a phone may also go to the e-mail address of the account behind it: where it opens that account,
/// since both are its own. Elsewhere it proves that somebody holds the phone, and a letter would prove nothing of it.
pub fn may_go_by_letter(purpose: Purpose) -> bool {
    Purpose::OPENING.contains(&purpose)
}

/// Whether a code for `purpose` may be sent by e-mail.
pub fn may_go_by_email(settings: &config::Verification, purpose: Purpose) -> bool {
    purpose != Purpose::SignIn || settings.sign_in_by_email_code
}

/// Whether what becomes of the message after it left is kept from the page, because it would tell whether an account
/// is behind the contact: an unknown one gets no message that could arrive or fail. Where somebody has the contact that
/// is signed up with or moved to, its holder is told in place of a code; a channel that can't carry that
/// (`notices_carried`) would show it as failed.
pub fn is_discreet(purpose: Purpose, accounts_disclosed: bool, notices_carried: bool) -> bool {
    let depends = match purpose {
        Purpose::SignIn | Purpose::PasswordReset => true,
        Purpose::SignUp | Purpose::PhoneChange | Purpose::EmailChange => !notices_carried,
        // Who asks for STEP_UP is signed in, and it goes to a contact of their own; who asks for CONTACT_UNDO holds the
        // undo token, and knows that there is an account.
        Purpose::Contact | Purpose::StepUp | Purpose::ContactUndo => false,
    };
    depends && !accounts_disclosed
}

/// When a resend is accepted; none once it never will be.
pub fn resend_available_at(row: &Model, cooldown: Duration, now: Timestamp) -> Option<Timestamp> {
    let pending = standing(row.status, row.expires_at, now) == Standing::Pending;
    let cooled_down = row.last_sent_at + cooldown;
    (pending && cooled_down < row.expires_at).then_some(cooled_down)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pending_one_is_expired_from_its_last_instant_on() {
        let end = Timestamp::UNIX_EPOCH;
        assert_eq!(standing(Status::Pending, end, end - Duration::from_millis(1)), Standing::Pending);
        assert_eq!(standing(Status::Pending, end, end), Standing::Expired);
        assert_eq!(standing(Status::Verified, end, end), Standing::Verified);
    }

    #[test]
    fn channels_lead_where_they_can() {
        use Channel::{Email, Sms, Voice};
        assert_eq!(channel(None, ContactKind::Phone), Some(Sms));
        assert_eq!(channel(Some(Voice), ContactKind::Phone), Some(Voice));
        assert_eq!(channel(Some(Email), ContactKind::Phone), None);
        assert_eq!(channel(None, ContactKind::Email), Some(Email));
        assert_eq!(channel(Some(Sms), ContactKind::Email), None);
    }
}
