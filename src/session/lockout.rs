//! Password lockout. Attempts are counted before the password is checked, so that concurrent guesses count like
//! sequential ones.
//!
//! A known device has its own counter, so attempts of others do not lock it out. Attempts from unknown clients are
//! counted twice: by identifier, whether or not an account has it, and by account. Only a lock of the identifier is
//! disclosed. The lock of the account keeps its three identifiers from allowing three times the guesses. An attempt
//! that it blocks is counted by identifier, hashed, and gets the response of a wrong password: any difference would reveal that
//! an identifier belongs to an account that was locked through another identifier (invariant 5).

use super::{Deps, Sessions, access_token_verifier::SignedIn, sign_in::is_identified_by};
use crate::delivery::notices;
use domain::{
    Timestamp,
    account::{Account, Identifier},
    ids::AccountId,
    notice::Notice,
    session::rules,
};
use platform::{fault::Fault, keys::ServerKey, telemetry};
use store::{Tx, TxOutcome, device_subject};

/// The keys that an attempt is counted by.
#[derive(Clone, Debug)]
pub struct LockoutKeys {
    account: Option<AccountId>,
    /// The key whose lock is disclosed.
    disclosed_key: String,
    /// The key whose lock looks like a wrong password.
    hidden_key: Option<String>,
}

/// Result of counting an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptDecision {
    /// The password may be checked. `locks`: if it is wrong, the account is locked.
    Allowed { locks: bool },
    /// The attempt fails in any case, and must look as if the password was checked.
    HiddenLock { locks: bool },
    /// The attempt is rejected, and the lock is disclosed.
    Locked { until: Timestamp },
}

impl LockoutKeys {
    /// The keys for a signed-in user who enters the password again. Counted by session, so that an attacker with one
    /// session cannot lock out the owner's others.
    pub fn for_session(signed_in: &SignedIn) -> Self {
        let disclosed_key = format!("confirm:{}", signed_in.session.as_str());
        Self { account: Some(signed_in.account.clone()), disclosed_key, hidden_key: None }
    }

    /// The keys for a device that has signed in to the account before.
    pub(super) fn for_device(account: &AccountId, token_hash: &str) -> Self {
        let disclosed_key = device_subject(account, token_hash);
        Self { account: Some(account.clone()), disclosed_key, hidden_key: None }
    }

    /// The keys that were counted for an attempt that the hidden lock blocked.
    pub(super) fn without_hidden(self) -> Self {
        Self { hidden_key: None, ..self }
    }

    fn all(&self) -> impl Iterator<Item = (&String, bool)> {
        std::iter::once((&self.disclosed_key, true)).chain(self.hidden_key.iter().map(|hidden_key| (hidden_key, false)))
    }

    /// Their names in the store.
    pub fn names(&self) -> Vec<String> {
        self.all().map(|(name, _)| name.clone()).collect()
    }
}

impl Sessions {
    /// Counts an attempt, unless a lock is in effect.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn count_attempt(&self, subjects: &LockoutKeys) -> Result<AttemptDecision, Fault> {
        self.0.try_count_attempt(subjects).await
    }

    /// Uncounts an attempt that could not be checked because the server was overloaded.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn uncount_attempt(&self, subjects: &LockoutKeys) -> Result<(), Fault> {
        self.0.return_login_attempt(subjects).await
    }

    /// Resets the counters after a correct password.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn reset_attempts(&self, subjects: &LockoutKeys) -> Result<(), Fault> {
        let names = subjects.names();
        self.0
            .store
            .write(move |tx| {
                Box::pin(async move {
                    tx.clear_failures(&names).await?;
                    Ok(TxOutcome::Commit(()))
                })
            })
            .await
    }
}

impl Sessions {
    /// Resets every failed-login counter of an account: of its devices and sessions, of the account itself, and of its
    /// current identifiers. An identifier may have been locked before the account had it. That lock is kept when an
    /// account signs up with the identifier or changes to it: if the lock vanished, the client that caused it would
    /// learn that the identifier now has an account (invariant 5).
    ///
    /// The caller has locked the account.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn clear_lockouts(&self, tx: &Tx, id: &AccountId) -> Result<(), Fault> {
        let account = tx.account(&Identifier::Id(id.clone())).await?;
        let typed = account.map(|account| self.0.typed_names(&account)).unwrap_or_default();
        tx.unlock(id, &typed).await
    }

    /// Notifies an account's contacts that failed logins locked it, at most once a day. Runs in the background: its
    /// duration would distinguish known from unknown accounts (invariant 5).
    pub fn notify_of_lock(&self, account: Account) {
        let sessions = self.clone();
        tokio::spawn(async move {
            if let Err(fault) = sessions.queue_lock_notice(&account).await {
                telemetry::report(&fault);
            }
        });
    }

    async fn queue_lock_notice(&self, account: &Account) -> Result<(), Fault> {
        let deps = &self.0;
        let now = deps.clock.now();
        let messages = notices::to_all_contacts(account, &Notice::AccountLocked, &deps.entropy, now);
        let id = account.id.clone();
        let queued = deps.store.write(move |tx| {
            Box::pin(async move {
                // The account may have been deleted in the meantime.
                if tx.account(&Identifier::Id(id.clone())).await?.is_none() {
                    return Ok(TxOutcome::Rollback(Vec::new()));
                }
                Ok(TxOutcome::Commit(notices::enqueue(tx, &id, messages, now).await?))
            })
        });
        for notice in queued.await? {
            deps.outbox.dispatch(notice);
        }
        Ok(())
    }
}

impl Deps {
    /// The keys for an unknown client that entered `identifier`. Unknown identifiers use as many rows, for the same
    /// time.
    pub(super) fn lockout_keys_for_identifier(
        &self,
        identifier: &str,
        named: Option<&Identifier>,
        account: Option<&AccountId>,
    ) -> LockoutKeys {
        // The text may be a password entered in the wrong field, so only its keyed hash is stored.
        let folded = identifier.trim().to_lowercase();
        let digest = digest(self.keys.current(), named, &folded);
        let hidden_key =
            account.map_or_else(|| format!("nobody:{digest}"), |account| format!("account:{}", account.as_str()));
        LockoutKeys { account: account.cloned(), disclosed_key: typed_subject(&digest), hidden_key: Some(hidden_key) }
    }

    /// The names that attempts of unknown clients at this account are counted by, for each of its identifiers and each
    /// server key: a process with another current key counts under that key.
    fn typed_names(&self, account: &Account) -> Vec<String> {
        let identifiers = [
            Some(Identifier::Username(account.username_key.clone())),
            account.phone.clone().map(Identifier::Phone),
            account.email_key.clone().map(Identifier::Email),
        ];
        let named: Vec<_> =
            identifiers.into_iter().flatten().filter(|named| is_identified_by(account, Some(named))).collect();
        let digests = self.keys.all().flat_map(|key| named.iter().map(move |named| digest(key, Some(named), "")));
        digests.map(|digest| typed_subject(&digest)).collect()
    }

    async fn try_count_attempt(&self, subjects: &LockoutKeys) -> Result<AttemptDecision, Fault> {
        let fault = match self.count_attempt_in_tx(subjects).await {
            Ok(counted) => return Ok(counted),
            Err(fault) => fault,
        };
        let Some(account) = &subjects.account else { return Err(fault) };
        if self.store.account(&Identifier::Id(account.clone())).await?.is_some() {
            return Err(fault);
        }
        // The account was deleted after the lookup, and no row can refer to it any more. The attempt is counted as for
        // an unknown identifier.
        self.count_attempt_in_tx(&LockoutKeys { account: None, ..subjects.clone() }).await
    }

    async fn count_attempt_in_tx(&self, subjects: &LockoutKeys) -> Result<AttemptDecision, Fault> {
        let now = self.clock.now();
        let lockout = self.settings.lockout;
        let disclosed = self.accounts_disclosed;
        let subjects = subjects.clone();
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    let mut locks = false;
                    for (subject, is_disclosed) in subjects.all() {
                        let account = subjects.account.as_ref();
                        let Some(row) = tx.count_attempt(subject, account, now - rules::FAILURE_WINDOW, now).await?
                        else {
                            if !is_disclosed && !disclosed {
                                return Ok(TxOutcome::Commit(AttemptDecision::HiddenLock { locks }));
                            }
                            let until = tx.lockout(subject).await?.and_then(|row| row.locked_until).unwrap_or(now);
                            return Ok(TxOutcome::Rollback(AttemptDecision::Locked { until }));
                        };
                        if let Some(duration) = rules::lock_duration(row.failures, &lockout) {
                            tx.set_lockout(subject, now + duration).await?;
                            locks = true;
                        }
                    }
                    Ok(TxOutcome::Commit(AttemptDecision::Allowed { locks }))
                })
            })
            .await
    }

    async fn return_login_attempt(&self, subjects: &LockoutKeys) -> Result<(), Fault> {
        let names = subjects.names();
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    for name in &names {
                        tx.return_login_attempt(name).await?;
                    }
                    Ok(TxOutcome::Commit(()))
                })
            })
            .await
    }
}

/// The keyed hash of an identifier, or of a text that is not an identifier.
fn digest(key: &ServerKey, named: Option<&Identifier>, text: &str) -> String {
    let typed: (&str, &str) = match named {
        Some(Identifier::Username(key)) => ("username", key),
        Some(Identifier::Phone(key)) => ("phone", key),
        Some(Identifier::Email(key)) => ("email", key),
        Some(Identifier::Id(_) | Identifier::Nickname(_)) | None => ("", text),
    };
    hex::encode(key.derive("lockout/1", &[typed.0.as_bytes(), typed.1.as_bytes()]))
}

fn typed_subject(digest: &str) -> String {
    format!("typed:{digest}")
}
