//! Contacts and other user data as value types: parsed, normalised and masked.
//!
//! A value of these types is always valid, since parsing is the only way to create it. Each type has one canonical
//! form, created before any quota, lookup or delivery, so that two spellings of a contact are equal and no spelling has
//! two forms. `Debug` is made for logs and never shows the whole value.

mod birth_date;
mod email;
mod nickname;
mod person_name;
mod phone;
mod region;
mod rejection;
mod script;
mod username;

use std::fmt;

use crate::stored_text::stored_text;

pub use birth_date::{BirthDate, BirthDateRejection};
pub use email::{EmailAddress, EmailRejection};
pub use nickname::{Nickname, NicknameRejection};
pub use person_name::{NameRejection, PersonName};
pub use phone::{NumberRules, PhoneNumber, PhoneRejection};
pub use region::Region;
pub use username::{Username, UsernameRejection};

/// The kind of a contact, as in tables and logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ContactKind {
    Phone,
    Email,
}

stored_text!(ContactKind {
    Phone => "phone",
    Email => "email",
});

/// An address that a code can be sent to.
///
/// Two contacts are equal if they are the same mailbox or the same phone number, however they were typed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Contact {
    Phone(PhoneNumber),
    Email(EmailAddress),
}

impl Contact {
    /// A contact from a stored row, without validation: rules may have become stricter since it was stored.
    ///
    /// None if the text could never have been such a contact, so the row is corrupt.
    pub fn from_stored(kind: ContactKind, text: &str) -> Option<Self> {
        match kind {
            ContactKind::Phone => PhoneNumber::from_stored(text).map(Contact::Phone),
            ContactKind::Email => EmailAddress::from_stored(text).map(Contact::Email),
        }
    }

    pub fn kind(&self) -> ContactKind {
        match self {
            Contact::Phone(_) => ContactKind::Phone,
            Contact::Email(_) => ContactKind::Email,
        }
    }

    /// The form used for delivery: E.164, or the address as its owner spells it.
    pub fn as_str(&self) -> &str {
        match self {
            Contact::Phone(number) => number.as_str(),
            Contact::Email(address) => address.as_str(),
        }
    }

    /// The form used for uniqueness and lookups. A phone number never has the key of an address, which contains an at
    /// sign.
    pub fn key(&self) -> &str {
        match self {
            Contact::Phone(number) => number.as_str(),
            Contact::Email(address) => address.key(),
        }
    }

    /// The key by which sends and guesses are counted, for most purposes
    /// ([`Purpose::usage_key`](crate::purpose::Purpose)): addresses of one mailbox share a key.
    pub fn usage_key(&self) -> String {
        match self {
            Contact::Phone(number) => number.as_str().to_owned(),
            Contact::Email(address) => address.usage_key(),
        }
    }

    /// Masked, for the client that requested a code: `+82 10-••••-5678`, `h•••@example.com`.
    pub fn masked(&self) -> String {
        match self {
            Contact::Phone(number) => number.masked(),
            Contact::Email(address) => address.masked(),
        }
    }
}

impl fmt::Debug for Contact {
    /// For logs, masked more strictly.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Contact::Phone(number) => number.fmt(f),
            Contact::Email(address) => address.fmt(f),
        }
    }
}

impl From<PhoneNumber> for Contact {
    fn from(number: PhoneNumber) -> Self {
        Contact::Phone(number)
    }
}

impl From<EmailAddress> for Contact {
    fn from(address: EmailAddress) -> Self {
        Contact::Email(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stored_text::StoredText;

    #[test]
    fn contact_is_restored_from_its_row() {
        for (kind, text) in [(ContactKind::Phone, "+821012345678"), (ContactKind::Email, "Hong@example.com")] {
            let contact = Contact::from_stored(kind, text).unwrap();
            assert_eq!((contact.kind(), contact.as_str()), (kind, text));
            assert_eq!(ContactKind::from_text(kind.as_str()), Some(kind));
        }
        assert_eq!(Contact::from_stored(ContactKind::Phone, "hong@example.com"), None);
        assert_eq!(Contact::from_stored(ContactKind::Email, "+821012345678"), None);
    }

    #[test]
    fn reasons_are_unique_snake_case_words() {
        let phone: Vec<_> = PhoneRejection::ALL.iter().map(|rejection| rejection.reason()).collect();
        let email: Vec<_> = EmailRejection::ALL.iter().map(|rejection| rejection.reason()).collect();
        let username: Vec<_> = UsernameRejection::ALL.iter().map(|rejection| rejection.reason()).collect();
        for reasons in [phone, email, username] {
            let distinct: std::collections::BTreeSet<_> = reasons.iter().collect();
            assert_eq!(distinct.len(), reasons.len());
            assert!(reasons.iter().all(|reason| reason.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')));
        }
    }
}
