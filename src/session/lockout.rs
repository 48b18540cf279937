//! Wrong passwords: counted before they are judged, so that a hundred at once are no more than a hundred in a row.
//!
//! A device that signed in before has its own count, so strangers can lock strangers out and nobody else. What a
//! stranger types is counted twice: by the identifier, whether or not somebody has it, and by the account behind it.
//! Only the first lock is shown. The second one keeps three identifiers of one account from being three times the
//! guesses. What it bars is counted by the first, hashed and answered like any wrong password: whatever differed would
//! tell that an identifier belongs to an account that was locked by another one (invariant 5).

use super::{Parts, Sessions, gate::SignedIn, rules, sign_in::names};
use crate::{
    clock::Timestamp,
    delivery::{Notice, notices},
    fault::Fault,
    ids::AccountId,
    keys::ServerKey,
    store::{Ending, Identifier, Tx, device_subject, entity::account::Model},
    telemetry,
};

/// By what a try is counted.
#[derive(Clone, Debug)]
pub struct Subjects {
    account: Option<AccountId>,
    /// Whose lock is shown.
    shown: String,
    /// Whose lock looks like a wrong password.
    hidden: Option<String>,
}

/// What became of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// It may be judged. `locks`: if it is wrong, it was the last one.
    Granted { locks: bool },
    /// It is wrong, whatever it is, and has to look as if it were judged.
    Barred { locks: bool },
    /// It may not be judged, and that is told.
    Locked { until: Timestamp },
}

impl Subjects {
    /// Somebody who is signed in and asked for the password again. By session: a thief of one locks the owner's others
    /// out of nothing.
    pub fn confirming(signed_in: &SignedIn) -> Self {
        let shown = format!("confirm:{}", signed_in.session.as_str());
        Self { account: Some(signed_in.account.clone()), shown, hidden: None }
    }

    /// A device that signed in to the account before.
    pub(super) fn device(account: &AccountId, token_hash: &str) -> Self {
        let shown = device_subject(account, token_hash);
        Self { account: Some(account.clone()), shown, hidden: None }
    }

    /// What alone was counted of a try that the hidden lock barred.
    pub(super) fn without_hidden(self) -> Self {
        Self { hidden: None, ..self }
    }

    fn all(&self) -> impl Iterator<Item = (&String, bool)> {
        std::iter::once((&self.shown, true)).chain(self.hidden.iter().map(|hidden| (hidden, false)))
    }

    /// Their names in the store.
    pub fn names(&self) -> Vec<String> {
        self.all().map(|(name, _)| name.clone()).collect()
    }
}

impl Sessions {
    /// Counts one try, unless a lock stands against it.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn count_try(&self, subjects: &Subjects) -> Result<Counted, Fault> {
        self.0.count_try(subjects).await
    }

    /// Takes a try back that we were too busy to judge.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn take_try_back(&self, subjects: &Subjects) -> Result<(), Fault> {
        self.0.take_try_back(subjects).await
    }

    /// Forgets what was counted: the password was right.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn forget_tries(&self, subjects: &Subjects) -> Result<(), Fault> {
        let names = subjects.names();
        self.0
            .store
            .write(move |tx| {
                Box::pin(async move {
                    tx.forget_tries(&names).await?;
                    Ok(Ending::Commit(()))
                })
            })
            .await
    }
}

impl Sessions {
    /// Forgets every wrong password that was counted for an account: by its devices and sessions, by the account itself,
    /// and by each identifier that it has now. An identifier may have been locked before the account had it. That lock is
    /// kept when somebody signs up with the identifier or moves to it: a lock that vanished would tell the stranger who
    /// caused it that the identifier has an account now (invariant 5).
    ///
    /// The account is locked by whoever calls.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn unlock(&self, tx: &Tx, id: &AccountId) -> Result<(), Fault> {
        let account = tx.account(&Identifier::Id(id.clone())).await?;
        let typed = account.map(|account| self.0.typed_for(&account)).unwrap_or_default();
        tx.unlock(id, &typed).await
    }

    /// Tells an account's contacts that wrong passwords locked it, once a day. Not on the path of the request: what it
    /// takes would tell a known account from an unknown one (invariant 5).
    pub fn tell_of_lock(&self, account: Model) {
        let sessions = self.clone();
        tokio::spawn(async move {
            if let Err(fault) = sessions.owe_lock_notice(&account).await {
                telemetry::report(&fault);
            }
        });
    }

    async fn owe_lock_notice(&self, account: &Model) -> Result<(), Fault> {
        let parts = &self.0;
        let now = parts.clock.now();
        let orders = notices::to_all(account, &Notice::AccountLocked, &parts.entropy, now);
        let id = account.id.clone();
        let owed = parts.store.write(move |tx| {
            Box::pin(async move {
                // It may have been erased meanwhile.
                if tx.account(&Identifier::Id(id.clone())).await?.is_none() {
                    return Ok(Ending::Rollback(Vec::new()));
                }
                Ok(Ending::Commit(notices::owe(tx, &id, orders, now).await?))
            })
        });
        for notice in owed.await? {
            parts.outbox.dispatch(notice);
        }
        Ok(())
    }
}

impl Parts {
    /// A stranger who typed `identifier`. What nobody has is counted in as many rows, for the same time.
    pub(super) fn stranger(
        &self,
        identifier: &str,
        named: Option<&Identifier>,
        account: Option<&AccountId>,
    ) -> Subjects {
        // Typed in the wrong field it may be a password: only its hash under our key is kept.
        let folded = identifier.trim().to_lowercase();
        let digest = digest(self.keys.current(), named, &folded);
        let hidden =
            account.map_or_else(|| format!("nobody:{digest}"), |account| format!("account:{}", account.as_str()));
        Subjects { account: account.cloned(), shown: typed_subject(&digest), hidden: Some(hidden) }
    }

    /// What strangers' tries at this account are counted by, by whichever of its identifiers and under whichever key: a
    /// process that has another current key counts under that.
    fn typed_for(&self, account: &Model) -> Vec<String> {
        let identifiers = [
            Some(Identifier::Username(account.username_key.clone())),
            account.phone.clone().map(Identifier::Phone),
            account.email_key.clone().map(Identifier::Email),
        ];
        let named: Vec<_> = identifiers.into_iter().flatten().filter(|named| names(account, Some(named))).collect();
        let digests = self.keys.all().flat_map(|key| named.iter().map(move |named| digest(key, Some(named), "")));
        digests.map(|digest| typed_subject(&digest)).collect()
    }

    async fn count_try(&self, subjects: &Subjects) -> Result<Counted, Fault> {
        let fault = match self.count_try_of(subjects).await {
            Ok(counted) => return Ok(counted),
            Err(fault) => fault,
        };
        let Some(account) = &subjects.account else { return Err(fault) };
        if self.store.account(&Identifier::Id(account.clone())).await?.is_some() {
            return Err(fault);
        }
        // It was erased after it was found, and no row can be about it any more. The try is counted like anybody's.
        self.count_try_of(&Subjects { account: None, ..subjects.clone() }).await
    }

    async fn count_try_of(&self, subjects: &Subjects) -> Result<Counted, Fault> {
        let now = self.clock.now();
        let lockout = self.settings.lockout;
        let disclosed = self.accounts_disclosed;
        let subjects = subjects.clone();
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    let mut locks = false;
                    for (subject, shown) in subjects.all() {
                        let account = subjects.account.as_ref();
                        let Some(row) = tx.count_try(subject, account, now - rules::MEMORY, now).await? else {
                            if !shown && !disclosed {
                                return Ok(Ending::Commit(Counted::Barred { locks }));
                            }
                            let until = tx.lockout(subject).await?.and_then(|row| row.locked_until).unwrap_or(now);
                            return Ok(Ending::Rollback(Counted::Locked { until }));
                        };
                        if let Some(span) = rules::lock(row.failures, &lockout) {
                            tx.lock_out(subject, now + span).await?;
                            locks = true;
                        }
                    }
                    Ok(Ending::Commit(Counted::Granted { locks }))
                })
            })
            .await
    }

    async fn take_try_back(&self, subjects: &Subjects) -> Result<(), Fault> {
        let names = subjects.names();
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    for name in &names {
                        tx.take_try_back(name).await?;
                    }
                    Ok(Ending::Commit(()))
                })
            })
            .await
    }
}

/// What was typed, as it is kept: an identifier, or else a text that names nobody.
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
