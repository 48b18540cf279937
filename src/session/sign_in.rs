//! Sign-in with a password or a code.

use super::{
    AttemptDecision, AuthenticationResult, Device, LockoutKeys, Method, NewSession, PendingSession, Sessions, Tokens,
    established,
};
use crate::{
    quota::Operation,
    verification::{self, ProofToken, Rejection},
};
use domain::{
    Timestamp,
    account::{Account, AccountStatus, Identifier},
    caller::RequestInfo,
    contact::{ContactKind, EmailAddress, NumberRules, PhoneNumber, Username},
    ids::AccountId,
    proof::Proof,
    purpose::Purpose,
    quota::Refused,
};
use platform::{
    fault::Fault,
    password::{PasswordCheck, PasswordHash},
    secret::Secret,
    telemetry::audit::{self, Event},
};
use store::{Tx, TxOutcome};

/// Result of a sign-in.
pub enum SignInOutcome {
    SignedIn {
        account: Box<Account>,
        tokens: Box<Tokens>,
    },
    /// Unknown identifier or wrong password; the two are not distinguished.
    CredentialsRejected,
    /// Disclosed only after the correct password or a valid proof.
    AccountNotActive(AccountStatus),
    AccountLocked {
        unlocks_at: Timestamp,
    },
    ProofRejected(Rejection),
    Quota(Refused),
}

impl SignInOutcome {
    /// The outcome in the audit trail.
    fn outcome(&self) -> &'static str {
        match self {
            SignInOutcome::SignedIn { .. } => audit::OK,
            SignInOutcome::CredentialsRejected => "credentials_rejected",
            SignInOutcome::AccountNotActive(_) => "account_not_active",
            SignInOutcome::AccountLocked { .. } => "account_locked",
            SignInOutcome::ProofRejected(_) => "proof_rejected",
            SignInOutcome::Quota(_) => audit::QUOTA_EXCEEDED,
        }
    }
}

/// An attempt that was counted, with its checked password.
struct PasswordAttempt {
    account: Option<Account>,
    subjects: LockoutKeys,
    check: PasswordCheck,
    /// The attempt fails even with the correct password.
    blocked: bool,
    /// A wrong password locks the account.
    locks: bool,
}

/// The attempt was rejected, and the lock is disclosed.
struct LockedAccount {
    id: Option<AccountId>,
    unlocks_at: Timestamp,
}

enum WriteResult {
    Opened(Box<Account>, Box<NewSession>),
    NotActive(AccountStatus),
    /// The account, its password or its contact changed during the check.
    Changed,
    Rejected(Rejection),
}

/// Parses an identifier. An address has an at sign and a username a letter, so a text has only one interpretation.
/// None: no account can have it.
pub fn identify(typed: &str, numbers: impl Into<NumberRules>) -> Option<Identifier> {
    let typed = typed.trim();
    if typed.is_empty() || typed.len() > 320 || typed.chars().any(char::is_control) {
        return None;
    }
    if typed.contains(['@', '＠']) {
        return EmailAddress::parse(typed).ok().map(|address| Identifier::Email(address.key().to_owned()));
    }
    if !typed.chars().any(char::is_alphabetic) {
        let number = PhoneNumber::parse(typed, numbers).or_else(|_| PhoneNumber::parse_lenient(typed));
        return number.ok().map(|number| Identifier::Phone(number.as_str().to_owned()));
    }
    // Not validated as a new username: the rules may have become stricter since it was created.
    Some(Identifier::Username(Username::from_stored(typed).key().to_owned()))
}

impl Sessions {
    /// Signs in with an identifier (username, phone number or e-mail address) and a password.
    ///
    /// An unknown identifier and a wrong password have the same response and timing: both are counted and hashed.
    ///
    /// # Errors
    /// A fault of the store or of the quotas; also if the hashing pool is full.
    pub async fn sign_in(
        &self,
        caller: &RequestInfo,
        identifier: &str,
        password: &Secret,
        device: Device,
    ) -> Result<SignInOutcome, Fault> {
        if let Err(refused) = self.0.quotas.charge(Operation::SignIn, caller).await {
            return Ok(self.ended(caller, audit::Act::SignIn, SignInOutcome::Quota(refused), None).await);
        }
        let attempt = match self.attempt_password(identifier, password, &device).await? {
            Ok(attempt) => attempt,
            Err(LockedAccount { id, unlocks_at }) => {
                let refusal = SignInOutcome::AccountLocked { unlocks_at };
                return Ok(self.ended(caller, audit::Act::SignIn, refusal, id).await);
            }
        };
        let PasswordAttempt { account, subjects, check, blocked, locks } = attempt;
        let Some(account) = account.clone().filter(|_| check.is_correct() && !blocked) else {
            return Ok(self.reject_credentials(caller, account, locks).await);
        };
        let id = Some(account.id.clone());
        let rehashed = match check {
            // A failure is ignored: it is retried at the next sign-in.
            PasswordCheck::CorrectNeedsRehash => self.0.hasher.hash(password).await.ok(),
            PasswordCheck::Correct | PasswordCheck::Incorrect => None,
        };
        let now = self.0.clock.now();
        let opening = self.prepare(caller, &account, device, true);
        let event = self.event(caller, audit::Act::SignIn, audit::OK, Some(account.id.clone()));
        let entry = event.clone();
        let written = self
            .0
            .store
            .write(move |tx| {
                Box::pin(async move {
                    let hash = account.password_hash.as_deref();
                    let account = match tx.lock_account(&account.id).await? {
                        Some(locked) if locked.password_hash.as_deref() == hash => locked,
                        // The password changed during the check, so the old one is no longer valid.
                        _ => return Ok(TxOutcome::Rollback(WriteResult::Changed)),
                    };
                    tx.clear_failures(&subjects.names()).await?;
                    if let Some(rehashed) = &rehashed {
                        tx.rehash_password(&account.id, rehashed.as_str()).await?;
                    }
                    let counts = established::of(tx, &account, now).await?.password;
                    let used = AuthenticationResult { methods: vec![Method::Password], is_established: counts };
                    open(tx, account, opening, used, &entry).await
                })
            })
            .await?;
        self.finish(caller, event, written, id).await
    }

    /// Counts an attempt and checks the password, also without an account.
    async fn attempt_password(
        &self,
        identifier: &str,
        password: &Secret,
        device: &Device,
    ) -> Result<Result<PasswordAttempt, LockedAccount>, Fault> {
        let slot = self.0.hasher.reserve()?;
        let parsed = identify(identifier, self.0.numbers);
        let found = match &parsed {
            Some(parsed) => self.0.store.account(parsed).await?,
            None => None,
        };
        // A contact that was only entered at sign-up and never verified does not identify the account.
        let account = found.filter(|account| is_identified_by(account, parsed.as_ref()));
        let subjects = self.subjects(identifier, parsed.as_ref(), account.as_ref(), device).await?;
        let (blocked, locks, subjects) = match self.count_attempt(&subjects).await? {
            AttemptDecision::Allowed { locks } => (false, locks, subjects),
            AttemptDecision::HiddenLock { locks } => (true, locks, subjects.without_hidden()),
            AttemptDecision::Locked { until: unlocks_at } => {
                return Ok(Err(LockedAccount { id: account.map(|account| account.id), unlocks_at }));
            }
        };
        let stored = account.as_ref().and_then(|account| account.password_hash.as_deref());
        let stored = stored.and_then(PasswordHash::from_stored);
        let decoy = decoy_key(identifier, parsed.as_ref(), account.as_ref());
        match self.0.hasher.verify_in_slot(slot, password, stored.as_ref(), &decoy).await {
            Ok(check) => Ok(Ok(PasswordAttempt { account, subjects, check, blocked, locks })),
            Err(fault) => {
                self.uncount_attempt(&subjects).await?;
                Err(fault)
            }
        }
    }

    async fn reject_credentials(&self, caller: &RequestInfo, account: Option<Account>, locks: bool) -> SignInOutcome {
        let id = account.as_ref().map(|account| account.id.clone());
        if locks {
            // Also written for an unknown identifier: an extra write would reveal a known one by its timing
            // (invariant 5).
            self.record(caller, audit::Act::AccountLocked, audit::OK, id.clone()).await;
        }
        let ended = self.ended(caller, audit::Act::SignIn, SignInOutcome::CredentialsRejected, id).await;
        // Last, so that no write of this request waits for the writes of the notice.
        if locks && let Some(account) = account {
            self.notify_of_lock(account);
        }
        ended
    }

    /// Signs in with the proof of a confirmed code.
    ///
    /// # Errors
    /// A fault of the store or of the quotas.
    pub async fn sign_in_with_proof(
        &self,
        caller: &RequestInfo,
        token: Option<ProofToken>,
        device: Device,
    ) -> Result<SignInOutcome, Fault> {
        const ACT: audit::Act = audit::Act::SignInWithProof;
        if let Err(refused) = self.0.quotas.charge(Operation::SignIn, caller).await {
            return Ok(self.ended(caller, ACT, SignInOutcome::Quota(refused), None).await);
        }
        let rejected = |reason| self.ended(caller, ACT, SignInOutcome::ProofRejected(reason), None);
        let Some(token_hash) = token.map(|token| token.hash()) else { return Ok(rejected(Rejection::Unknown).await) };
        let proof = match self.0.verifications.check_proof(&token_hash, Purpose::SignIn).await? {
            // The code was confirmed while this was allowed, or by a process where it still is.
            Ok(proof) if proof.contact_kind == ContactKind::Email && !self.0.verifications.sign_in_by_email_code() => {
                return Ok(rejected(Rejection::WrongPurpose).await);
            }
            Ok(proof) => proof,
            Err(reason) => return Ok(rejected(reason).await),
        };
        let account = match proof.account_id {
            Some(id) => self.0.store.account(&Identifier::Id(id)).await?,
            None => None,
        };
        // The account was deleted in the meantime.
        let Some(account) = account else { return Ok(rejected(Rejection::Unknown).await) };
        let id = account.id.clone();
        let opening = self.prepare(caller, &account, device, true).exclude_from_notice(&proof.contact_key);
        let event = self.event(caller, ACT, audit::OK, Some(id.clone()));
        let entry = event.clone();
        let now = self.0.clock.now();
        let account_id = id.clone();
        let written = self
            .0
            .store
            .write(move |tx| {
                Box::pin(async move {
                    let spending = tx.spend_proof(&token_hash, Purpose::SignIn, now).await?;
                    let proof = match verification::spent_proof(spending, Purpose::SignIn, now) {
                        Ok(proof) => proof,
                        Err(reason) => return Ok(TxOutcome::Rollback(WriteResult::Rejected(reason))),
                    };
                    match tx.lock_account(&account_id).await? {
                        Some(account) if has_contact(&account, &proof) => {
                            let used = established::authentication_by_code(tx, &account, &proof, now).await?;
                            open(tx, account, opening, used, &entry).await
                        }
                        _ => Ok(TxOutcome::Rollback(WriteResult::Rejected(Rejection::Unknown))),
                    }
                })
            })
            .await?;
        self.finish(caller, event, written, Some(id)).await
    }

    /// The keys that an attempt at this account's password is counted by.
    async fn subjects(
        &self,
        identifier: &str,
        parsed: Option<&Identifier>,
        account: Option<&Account>,
        device: &Device,
    ) -> Result<LockoutKeys, Fault> {
        let id = account.map(|account| &account.id);
        if let Some(token) = &device.token {
            let token_hash = token.hash();
            if self.0.store.is_known_device(&token_hash, id).await?
                && let Some(id) = id
            {
                return Ok(LockoutKeys::for_device(id, &token_hash));
            }
        }
        Ok(self.0.lockout_keys_for_identifier(identifier, parsed, id))
    }

    async fn finish(
        &self,
        caller: &RequestInfo,
        event: Event,
        written: WriteResult,
        id: Option<AccountId>,
    ) -> Result<SignInOutcome, Fault> {
        let refusal = match written {
            WriteResult::Opened(account, opened) => {
                event.log();
                let tokens = self.issue_tokens(&account, &opened)?;
                return Ok(SignInOutcome::SignedIn { account, tokens: Box::new(tokens) });
            }
            WriteResult::NotActive(status) => SignInOutcome::AccountNotActive(status),
            WriteResult::Changed => SignInOutcome::CredentialsRejected,
            WriteResult::Rejected(reason) => SignInOutcome::ProofRejected(reason),
        };
        Ok(self.ended(caller, event.act, refusal, id).await)
    }

    async fn ended(
        &self,
        caller: &RequestInfo,
        act: audit::Act,
        ended: SignInOutcome,
        account: Option<AccountId>,
    ) -> SignInOutcome {
        self.record(caller, act, ended.outcome(), account).await;
        ended
    }

    pub(super) fn event(
        &self,
        caller: &RequestInfo,
        act: audit::Act,
        outcome: &'static str,
        account: Option<AccountId>,
    ) -> Event {
        let event = Event::new(caller, act, outcome, self.0.clock.now());
        match account {
            Some(account) => event.account(account),
            None => event,
        }
    }

    pub(super) async fn record(
        &self,
        caller: &RequestInfo,
        act: audit::Act,
        outcome: &'static str,
        account: Option<AccountId>,
    ) {
        self.0.store.record(self.event(caller, act, outcome, account)).await;
    }
}

async fn open(
    tx: &Tx,
    account: Account,
    opening: PendingSession,
    used: AuthenticationResult,
    entry: &Event,
) -> Result<TxOutcome<WriteResult>, Fault> {
    if account.status != AccountStatus::Active {
        // A spent proof stays spent, and the counters stay reset: the password was correct.
        return Ok(TxOutcome::Commit(WriteResult::NotActive(account.status)));
    }
    let opened = opening.write(tx, used).await?;
    tx.insert_audit(entry).await?;
    Ok(TxOutcome::Commit(WriteResult::Opened(Box::new(account), Box::new(opened))))
}

/// Whether an identifier identifies an account: a contact only if it is verified. Otherwise a client could sign up with
/// another person's address, and find out by signing in with it whether that person has an account.
pub(super) fn is_identified_by(account: &Account, parsed: Option<&Identifier>) -> bool {
    match parsed {
        Some(Identifier::Phone(_)) => account.phone_verified_at.is_some(),
        Some(Identifier::Email(_)) => account.email_verified_at.is_some(),
        _ => true,
    }
}

/// The key for choosing a decoy hash: the account id if there is an account, otherwise the identifier.
fn decoy_key(typed: &str, parsed: Option<&Identifier>, account: Option<&Account>) -> String {
    if let Some(account) = account {
        return account.id.as_str().to_owned();
    }
    match parsed {
        Some(Identifier::Username(key) | Identifier::Phone(key) | Identifier::Email(key)) => key.clone(),
        Some(Identifier::Id(_) | Identifier::Nickname(_)) | None => typed.trim().to_lowercase(),
    }
}

/// Whether the verified contact of a proof is still the account's.
fn has_contact(account: &Account, proof: &Proof) -> bool {
    match proof.contact_kind {
        ContactKind::Phone => account.phone.as_deref() == Some(&proof.contact_key),
        ContactKind::Email => account.email_key.as_deref() == Some(&proof.contact_key),
    }
}

#[cfg(test)]
mod tests;
