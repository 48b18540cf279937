//! Accounts.

pub mod rules;

use chrono::NaiveDate;

use crate::{
    Timestamp,
    contact::{Contact, ContactKind},
    ids::AccountId,
    stored_text::stored_text,
};

/// Whether an account may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccountStatus {
    PendingVerification,
    PendingApproval,
    Active,
    Suspended,
}

stored_text!(AccountStatus {
    PendingVerification => "PENDING_VERIFICATION",
    PendingApproval => "PENDING_APPROVAL",
    Active => "ACTIVE",
    Suspended => "SUSPENDED",
});

/// The permissions of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    User,
    Admin,
}

stored_text!(Role { User => "USER", Admin => "ADMIN" });

/// An account. Fields named `…_key` contain the normalised form that is unique.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub id: AccountId,
    pub username: String,
    pub username_key: String,
    pub name: Option<String>,
    pub name_key: Option<String>,
    pub nickname: Option<String>,
    pub nickname_key: Option<String>,
    pub birth_date: Option<NaiveDate>,
    /// E.164.
    pub phone: Option<String>,
    pub phone_verified_at: Option<Timestamp>,
    pub email: Option<String>,
    pub email_key: Option<String>,
    /// The key of the address typed at sign-up, while the account is pending verification. It is also set if another
    /// account has that address; this account then has no `email_key` and can never be activated.
    pub claimed_email_key: Option<String>,
    pub email_verified_at: Option<Timestamp>,
    pub profile_image_url: Option<String>,
    pub locale: String,
    pub status: AccountStatus,
    pub role: Role,
    /// A PHC string. None: the account signs in by code only.
    pub password_hash: Option<String>,
    pub password_changed_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Account {
    /// Sets the contact of a draft.
    pub fn set_contact(&mut self, contact: &Contact, verified_at: Option<Timestamp>) {
        match contact {
            Contact::Phone(number) => {
                self.phone = Some(number.as_str().to_owned());
                self.phone_verified_at = verified_at;
            }
            Contact::Email(address) => {
                self.email = Some(address.as_str().to_owned());
                self.email_key = Some(address.key().to_owned());
                self.email_verified_at = verified_at;
            }
        }
    }
}

/// A key to look up an account by, in its normalised form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identifier {
    Id(AccountId),
    Username(String),
    Nickname(String),
    Phone(String),
    Email(String),
}

/// A contact of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountContact {
    pub kind: ContactKind,
    /// The form used for delivery and the form used for comparison. None: the account has no contact of this kind.
    pub contact: Option<(String, String)>,
    pub verified_at: Option<Timestamp>,
}

impl AccountContact {
    /// The identifier for finding accounts with the same contact; None if there is no contact.
    pub fn identifier(&self) -> Option<Identifier> {
        let (_, key) = self.contact.clone()?;
        Some(match self.kind {
            ContactKind::Phone => Identifier::Phone(key),
            ContactKind::Email => Identifier::Email(key),
        })
    }
}
