//! Which factors count as an authentication of an account (invariant 8): those that the account had before the oldest
//! contact change that can still be undone. An attacker who changed a contact cannot authenticate with anything newer.

use super::authentication::{AuthenticationResult, Method};
use domain::{Timestamp, account::Account, contact::ContactKind, contact_change::ContactChange, proof::Proof};
use platform::fault::Fault;
use store::Tx;

/// The authentication factors of an account that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Established {
    pub password: bool,
    /// The current phone number.
    pub phone: bool,
    /// The current e-mail address.
    pub email: bool,
    /// When the last contact change can no longer be undone. None: no change can be undone.
    pub held_until: Option<Timestamp>,
    /// When the account may be deleted. None: now.
    ///
    /// An undone change counts until the end of its undo period. The person who controls the unchanged contact can undo a change
    /// by themselves, and must not be able to delete the account at once as a result.
    pub deletion_held_until: Option<Timestamp>,
}

impl Established {
    /// The factors of `account` that count. `changes` are its contact changes, including undone ones.
    ///
    /// Timestamps of the account are not compared with those of changes: a change records which password the account
    /// had, and its kind says which contact it replaced.
    pub fn load(account: &Account, changes: &[ContactChange], now: Timestamp) -> Self {
        let not_undone = || changes.iter().filter(|change| change.undone_at.is_none());
        let open = || not_undone().filter(|change| change.expires_at > now);
        let oldest = open().map(|change| change.created_at).min();
        // A later change may expire before an older one, if CONTACT_UNDO was shortened in between.
        let changed = |kind: ContactKind| {
            not_undone().any(|change| change.contact_kind == kind && oldest.is_some_and(|at| change.created_at >= at))
        };
        let has_same_password = || open().all(|change| change.password_changed_at == account.password_changed_at);
        Self {
            password: account.password_hash.is_some() && has_same_password(),
            phone: account.phone.is_some() && account.phone_verified_at.is_some() && !changed(ContactKind::Phone),
            email: account.email.is_some() && account.email_verified_at.is_some() && !changed(ContactKind::Email),
            held_until: open().map(|change| change.expires_at).max(),
            deletion_held_until: changes.iter().map(|change| change.expires_at).filter(|at| *at > now).max(),
        }
    }

    /// Whether an authentication with this method counts.
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

/// The factors that count, of an account that this transaction has locked.
///
/// # Errors
/// A fault of the database.
pub async fn of(tx: &Tx, account: &Account, now: Timestamp) -> Result<Established, Fault> {
    Ok(Established::load(account, &tx.contact_changes(&account.id).await?, now))
}

/// How the user who spent this proof authenticated. The account is locked, and the contact of the proof is its contact.
///
/// # Errors
/// A fault of the database.
pub async fn authentication_by_code(
    tx: &Tx,
    account: &Account,
    proof: &Proof,
    now: Timestamp,
) -> Result<AuthenticationResult, Fault> {
    let established = of(tx, account, now).await?;
    Ok(match tx.verification(&proof.verification_id).await? {
        // The code for the phone was also sent to the e-mail address, so either may have been read: both have to count.
        Some(row) if row.via_account_email => AuthenticationResult {
            methods: vec![Method::EmailCode],
            is_established: established.phone && established.email,
        },
        Some(row) => AuthenticationResult {
            methods: vec![Method::from_channel(row.delivery_channel)],
            is_established: established.contact(proof.contact_kind),
        },
        None => AuthenticationResult { methods: Vec::new(), is_established: false },
    })
}

#[cfg(test)]
mod tests;
