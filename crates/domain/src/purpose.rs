//! Verification purposes.

use serde::{Deserialize, Serialize};

use crate::{
    contact::Contact,
    stored_text::{StoredText, stored_text},
};

/// What a confirmed code can be used for. A code and its proof are valid for one purpose only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Purpose {
    /// Proves only that the user controls the contact; another back end consumes the attestation.
    Contact,
    SignUp,
    SignIn,
    PasswordReset,
    PhoneChange,
    EmailChange,
    /// Reauthentication in a signed-in session.
    StepUp,
    /// Confirms that a contact change is to be undone. Started only by `undoContactChange`.
    ContactUndo,
}

stored_text!(Purpose {
    Contact => "CONTACT",
    SignUp => "SIGN_UP",
    SignIn => "SIGN_IN",
    PasswordReset => "PASSWORD_RESET",
    PhoneChange => "PHONE_CHANGE",
    EmailChange => "EMAIL_CHANGE",
    StepUp => "STEP_UP",
    ContactUndo => "CONTACT_UNDO",
});

/// The effect of a code or proof on an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    None,
    /// It gives or changes access to the account.
    GrantsAccess,
    /// It confirms that contact changes are undone.
    UndoesContactChange,
}

impl Purpose {
    /// The purposes whose proof alone gives access to an account.
    pub const GRANTING_ACCESS: [Self; 2] = [Purpose::SignIn, Purpose::PasswordReset];

    /// The effect of its code or proof on an account, which determines the operations that revoke it
    /// (`session::access_revocation`).
    pub fn effect(self) -> Effect {
        match self {
            // This service does not accept such a proof. Another back end may accept the attestation.
            Purpose::Contact => Effect::None,
            Purpose::SignUp
            | Purpose::SignIn
            | Purpose::PasswordReset
            | Purpose::PhoneChange
            | Purpose::EmailChange
            | Purpose::StepUp => Effect::GrantsAccess,
            Purpose::ContactUndo => Effect::UndoesContactChange,
        }
    }

    /// The purposes whose codes and proofs have this effect.
    pub fn with_effect(effect: Effect) -> Vec<Self> {
        Self::all().filter(|purpose| purpose.effect() == effect).collect()
    }

    /// The key by which sends to `contact` and guesses of its codes are counted, for a code of this purpose. Addresses
    /// of one mailbox share a key.
    ///
    /// A code that only the holder of an undo token can request has a separate key. Otherwise an attacker could use up
    /// the contact's daily limit with ordinary sends, and so prevent the owner from undoing a change in time.
    pub fn usage_key(self, contact: &Contact) -> String {
        match self {
            Purpose::ContactUndo => format!("undo:{}", contact.usage_key()),
            Purpose::Contact
            | Purpose::SignUp
            | Purpose::SignIn
            | Purpose::PasswordReset
            | Purpose::PhoneChange
            | Purpose::EmailChange
            | Purpose::StepUp => contact.usage_key(),
        }
    }
}

/// The text is not the name of a purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownPurpose;

impl std::str::FromStr for Purpose {
    type Err = UnknownPurpose;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_text(text).ok_or(UnknownPurpose)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::ContactKind;

    #[test]
    fn contact_undo_has_a_separate_usage_key() {
        let contact = Contact::from_stored(ContactKind::Email, "a@example.com").unwrap();
        for purpose in Purpose::all() {
            let shared = purpose.usage_key(&contact) == Purpose::SignIn.usage_key(&contact);
            assert_eq!(shared, purpose != Purpose::ContactUndo, "{purpose:?}");
        }
    }

    #[test]
    fn every_purpose_parses_from_its_name() {
        for purpose in Purpose::all() {
            assert_eq!(purpose.as_str().parse::<Purpose>().unwrap(), purpose);
        }
    }
}
