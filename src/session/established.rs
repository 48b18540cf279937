//! What of an account counts as an authentication, by invariant 8: what the account had before the oldest contact
//! change that can still be undone. A thief who changed a contact cannot authenticate by what came after.

use super::authentication::{Method, Used};
use crate::{
    clock::Timestamp,
    contact::ContactKind,
    fault::Fault,
    store::{
        Tx,
        entity::{account, contact_change, proof},
    },
};

/// What an account has that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Established {
    pub password: bool,
    /// The phone number that the account has now.
    pub phone: bool,
    /// The e-mail address that the account has now.
    pub email: bool,
    /// When the last contact change can no longer be undone. None: there is none that can be.
    pub held_until: Option<Timestamp>,
}

impl Established {
    /// What counts of `account`. `changes` are its contact changes that were not undone.
    ///
    /// No two clocks are compared: a change remembers which password the account had, and a contact that a change
    /// brought is one that the change's kind names.
    pub fn of(account: &account::Model, changes: &[contact_change::Model], now: Timestamp) -> Self {
        let standing = || changes.iter().filter(|change| change.undone_at.is_none());
        let open = || standing().filter(|change| change.expires_at > now);
        let oldest = open().map(|change| change.created_at).min();
        // A later change may have run out before an older one, where CONTACT_UNDO was shortened in between.
        let changed = |kind: ContactKind| {
            standing().any(|change| change.contact_kind == kind && oldest.is_some_and(|at| change.created_at >= at))
        };
        let same_password = || open().all(|change| change.password_changed_at == account.password_changed_at);
        Self {
            password: account.password_hash.is_some() && same_password(),
            phone: account.phone.is_some() && account.phone_verified_at.is_some() && !changed(ContactKind::Phone),
            email: account.email.is_some() && account.email_verified_at.is_some() && !changed(ContactKind::Email),
            held_until: open().map(|change| change.expires_at).max(),
        }
    }

    /// Whether an authentication by this method counts.
    pub fn counts(self, method: Method) -> bool {
        match method {
            Method::Password => self.password,
            Method::SmsCode | Method::VoiceCode => self.phone,
            Method::EmailCode => self.email,
        }
    }

    /// Whether a code to the contact of this kind counts.
    pub fn contact(self, kind: ContactKind) -> bool {
        match kind {
            ContactKind::Phone => self.phone,
            ContactKind::Email => self.email,
        }
    }
}

/// What counts of an account that this transaction has locked.
///
/// # Errors
/// A fault of the database.
pub async fn of(tx: &Tx, account: &account::Model, now: Timestamp) -> Result<Established, Fault> {
    Ok(Established::of(account, &tx.contact_changes(&account.id).await?, now))
}

/// How the holder of a locked account authenticated who spent this proof. The contact that it is about is the account's.
///
/// # Errors
/// A fault of the database.
pub async fn by_code(tx: &Tx, account: &account::Model, proof: &proof::Model, now: Timestamp) -> Result<Used, Fault> {
    let established = of(tx, account, now).await?;
    Ok(match tx.verification(&proof.verification_id).await? {
        // The code was for the phone and went to the e-mail address as well: whichever of them was read has to count.
        Some(row) if row.by_letter => {
            Used { methods: vec![Method::EmailCode], counts: established.phone && established.email }
        }
        Some(row) => Used {
            methods: vec![Method::of_code(row.delivery_channel)],
            counts: established.contact(proof.contact_kind),
        },
        None => Used { methods: Vec::new(), counts: false },
    })
}

#[cfg(test)]
mod tests;
