//! Signing in: by password, or by a code in its place.

use super::{Counted, Device, Method, Opened, Opening, Sessions, Subjects, Tokens, Used, established};
use crate::{
    caller::Caller,
    clock::Timestamp,
    contact::{ContactKind, EmailAddress, NumberRules, PhoneNumber, Username},
    fault::Fault,
    ids::AccountId,
    password::{PasswordHash, Verdict},
    purpose::Purpose,
    quota::{Act, Refused},
    secret::Secret,
    store::{
        Ending, Identifier, Tx,
        entity::{
            account::{AccountStatus, Model},
            proof,
        },
    },
    telemetry::audit::{self, Event},
    verification::{self, ProofToken, Rejection},
};

/// What became of a sign-in.
pub enum SignIn {
    SignedIn {
        account: Box<Model>,
        tokens: Box<Tokens>,
    },
    /// Unknown and wrong are one.
    CredentialsRejected,
    /// Told to who gave the right password or proved the contact.
    AccountNotActive(AccountStatus),
    AccountLocked {
        unlocks_at: Timestamp,
    },
    ProofRejected(Rejection),
    Quota(Refused),
}

impl SignIn {
    /// Its name in the audit trail.
    fn outcome(&self) -> &'static str {
        match self {
            SignIn::SignedIn { .. } => audit::OK,
            SignIn::CredentialsRejected => "credentials_rejected",
            SignIn::AccountNotActive(_) => "account_not_active",
            SignIn::AccountLocked { .. } => "account_locked",
            SignIn::ProofRejected(_) => "proof_rejected",
            SignIn::Quota(_) => audit::QUOTA_EXCEEDED,
        }
    }
}

enum Written {
    Opened(Box<Model>, Box<Opened>),
    NotActive(AccountStatus),
    /// The account, its password or its contact is not what it was when it was judged.
    Gone,
    Rejected(Rejection),
}

/// What a typed identifier names. An address has an at sign and a username a letter, so no text is two of them. None:
/// nobody can have it.
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
    // Not judged as a new one is: rules may have become stricter since it was taken.
    Some(Identifier::Username(Username::from_stored(typed).key().to_owned()))
}

impl Sessions {
    /// Signs in with an identifier (username, phone number or e-mail address) and a password.
    ///
    /// An unknown identifier and a wrong password have one answer and take one time: both are counted, both are hashed.
    ///
    /// # Errors
    /// A fault of the rooms below; also where the hashing pool is full.
    pub async fn sign_in(
        &self,
        caller: &Caller,
        identifier: &str,
        password: &Secret,
        device: Device,
    ) -> Result<SignIn, Fault> {
        if let Err(refused) = self.0.quotas.charge(Act::SignIn, caller).await {
            return Ok(self.ended(caller, audit::Act::SignIn, SignIn::Quota(refused), None).await);
        }
        let place = self.0.hasher.reserve()?;
        let named = identify(identifier, self.0.numbers);
        let found = match &named {
            Some(named) => self.0.store.account(named).await?,
            None => None,
        };
        // A contact that was typed at sign-up and never proved names nobody.
        let account = found.filter(|account| names(account, named.as_ref()));
        let subjects = self.subjects(identifier, named.as_ref(), account.as_ref(), &device).await?;
        let id = account.as_ref().map(|account| account.id.clone());
        let (barred, locks, subjects) = match self.count_try(&subjects).await? {
            Counted::Granted { locks } => (false, locks, subjects),
            Counted::Barred { locks } => (true, locks, subjects.without_hidden()),
            Counted::Locked { until: unlocks_at } => {
                let refusal = SignIn::AccountLocked { unlocks_at };
                return Ok(self.ended(caller, audit::Act::SignIn, refusal, id).await);
            }
        };
        let stored = account.as_ref().and_then(|account| account.password_hash.as_deref());
        let stored = stored.and_then(PasswordHash::from_stored);
        let decoy = decoy_name(identifier, named.as_ref(), account.as_ref());
        let verdict = match self.0.hasher.verify_at(place, password, stored.as_ref(), &decoy).await {
            Ok(verdict) => verdict,
            Err(fault) => {
                self.take_try_back(&subjects).await?;
                return Err(fault);
            }
        };
        let Some(account) = account.clone().filter(|_| verdict.is_right() && !barred) else {
            if locks {
                // Written for an unknown name as well: one write more would tell a known one by the time (invariant 5).
                self.record(caller, audit::Act::AccountLocked, audit::OK, id.clone()).await;
            }
            let ended = self.ended(caller, audit::Act::SignIn, SignIn::CredentialsRejected, id).await;
            // Last, so that no write of this request waits for those of the notice.
            if locks && let Some(account) = account {
                self.tell_of_lock(account);
            }
            return Ok(ended);
        };
        let rehashed = match verdict {
            // Not worth failing for: it is tried again at the next sign-in.
            Verdict::RightButRehash => self.0.hasher.hash(password).await.ok(),
            Verdict::Right | Verdict::Wrong => None,
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
                        // It was changed while it was judged: whoever changed it wanted this one to be worth nothing.
                        _ => return Ok(Ending::Rollback(Written::Gone)),
                    };
                    tx.forget_tries(&subjects.names()).await?;
                    if let Some(rehashed) = &rehashed {
                        tx.rehash_password(&account.id, rehashed.as_str()).await?;
                    }
                    let counts = established::of(tx, &account, now).await?.password;
                    let used = Used { methods: vec![Method::Password], counts };
                    open(tx, account, opening, used, &entry).await
                })
            })
            .await?;
        self.welcomed(caller, event, written, id).await
    }

    /// Signs in with a confirmed code in place of a password.
    ///
    /// # Errors
    /// A fault of the rooms below.
    pub async fn sign_in_with_proof(
        &self,
        caller: &Caller,
        token: Option<ProofToken>,
        device: Device,
    ) -> Result<SignIn, Fault> {
        const ACT: audit::Act = audit::Act::SignInWithProof;
        if let Err(refused) = self.0.quotas.charge(Act::SignIn, caller).await {
            return Ok(self.ended(caller, ACT, SignIn::Quota(refused), None).await);
        }
        let rejected = |reason| self.ended(caller, ACT, SignIn::ProofRejected(reason), None);
        let Some(token_hash) = token.map(|token| token.hash()) else { return Ok(rejected(Rejection::Unknown).await) };
        let proof = match self.0.verifications.look_at_proof(&token_hash, Purpose::SignIn).await? {
            // Confirmed while it was allowed, or at a process that still allows it.
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
        // The account was erased since.
        let Some(account) = account else { return Ok(rejected(Rejection::Unknown).await) };
        let id = account.id.clone();
        let opening = self.prepare(caller, &account, device, true).by_code_to(&proof.contact_key);
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
                    let proof = match verification::spent(spending, Purpose::SignIn, now) {
                        Ok(proof) => proof,
                        Err(reason) => return Ok(Ending::Rollback(Written::Rejected(reason))),
                    };
                    match tx.lock_account(&account_id).await? {
                        Some(account) if still_holds(&account, &proof) => {
                            let used = established::by_code(tx, &account, &proof, now).await?;
                            open(tx, account, opening, used, &entry).await
                        }
                        _ => Ok(Ending::Rollback(Written::Rejected(Rejection::Unknown))),
                    }
                })
            })
            .await?;
        self.welcomed(caller, event, written, Some(id)).await
    }

    /// By what a try at this account's password is counted.
    async fn subjects(
        &self,
        identifier: &str,
        named: Option<&Identifier>,
        account: Option<&Model>,
        device: &Device,
    ) -> Result<Subjects, Fault> {
        let id = account.map(|account| &account.id);
        if let Some(token) = &device.token {
            let token_hash = token.hash();
            if self.0.store.knows_device(&token_hash, id).await?
                && let Some(id) = id
            {
                return Ok(Subjects::device(id, &token_hash));
            }
        }
        Ok(self.0.stranger(identifier, named, id))
    }

    async fn welcomed(
        &self,
        caller: &Caller,
        event: Event,
        written: Written,
        id: Option<AccountId>,
    ) -> Result<SignIn, Fault> {
        let refusal = match written {
            Written::Opened(account, opened) => {
                event.log();
                let tokens = self.welcome(&account, &opened)?;
                return Ok(SignIn::SignedIn { account, tokens: Box::new(tokens) });
            }
            Written::NotActive(status) => SignIn::AccountNotActive(status),
            Written::Gone => SignIn::CredentialsRejected,
            Written::Rejected(reason) => SignIn::ProofRejected(reason),
        };
        Ok(self.ended(caller, event.act, refusal, id).await)
    }

    async fn ended(&self, caller: &Caller, act: audit::Act, ended: SignIn, account: Option<AccountId>) -> SignIn {
        self.record(caller, act, ended.outcome(), account).await;
        ended
    }

    pub(super) fn event(
        &self,
        caller: &Caller,
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
        caller: &Caller,
        act: audit::Act,
        outcome: &'static str,
        account: Option<AccountId>,
    ) {
        self.0.store.record(self.event(caller, act, outcome, account)).await;
    }
}

async fn open(tx: &Tx, account: Model, opening: Opening, used: Used, entry: &Event) -> Result<Ending<Written>, Fault> {
    if account.status != AccountStatus::Active {
        // What was spent stays spent, and the count is forgotten: the password was right.
        return Ok(Ending::Commit(Written::NotActive(account.status)));
    }
    let opened = opening.write(tx, used).await?;
    tx.insert_audit(entry).await?;
    Ok(Ending::Commit(Written::Opened(Box::new(account), Box::new(opened))))
}

/// Whether an account may be named by this: by a contact only if it was proved. Otherwise somebody who signs up with a
/// stranger's address could tell by signing in with it whether the stranger has an account.
pub(super) fn names(account: &Model, named: Option<&Identifier>) -> bool {
    match named {
        Some(Identifier::Phone(_)) => account.phone_verified_at.is_some(),
        Some(Identifier::Email(_)) => account.email_verified_at.is_some(),
        _ => true,
    }
}

/// What the decoy is chosen by, where there is no password to verify: the account, by whichever identifier, or what
/// names none.
fn decoy_name(typed: &str, named: Option<&Identifier>, account: Option<&Model>) -> String {
    if let Some(account) = account {
        return account.id.as_str().to_owned();
    }
    match named {
        Some(Identifier::Username(key) | Identifier::Phone(key) | Identifier::Email(key)) => key.clone(),
        Some(Identifier::Id(_) | Identifier::Nickname(_)) | None => typed.trim().to_lowercase(),
    }
}

/// Whether the contact that was proved is still the account's.
fn still_holds(account: &Model, proof: &proof::Model) -> bool {
    match proof.contact_kind {
        ContactKind::Phone => account.phone.as_deref() == Some(&proof.contact_key),
        ContactKind::Email => account.email_key.as_deref() == Some(&proof.contact_key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::Region;

    #[test]
    fn one_text_names_one_kind_of_thing() {
        let korea = Region::parse("KR").unwrap();
        let named = |text| identify(text, korea);
        assert_eq!(named("Hong.Gildong"), Some(Identifier::Username("hong.gildong".to_owned())));
        assert_eq!(named(" 010-1234-5678 "), Some(Identifier::Phone("+821012345678".to_owned())));
        assert_eq!(named("+82 10 1234 5678"), Some(Identifier::Phone("+821012345678".to_owned())));
        assert_eq!(named("Hong@Example.com"), Some(Identifier::Email("hong@example.com".to_owned())));
        for nobody in ["", "   ", "\0", "a\nb", "@", "12", &"a".repeat(400)] {
            assert_eq!(named(nobody), None, "{nobody:?}");
        }
    }

    #[test]
    fn one_identifier_has_one_decoy_however_it_is_typed() {
        let korea = Region::parse("KR").unwrap();
        let decoy = |typed| decoy_name(typed, identify(typed, korea).as_ref(), None);
        assert_eq!(decoy("010-1234-5678"), decoy(" +82 10 1234 5678"));
        assert_eq!(decoy("Hong.Gildong"), decoy("hong.gildong "));
        assert_eq!(decoy("Hong@Example.com"), decoy("hong@example.com"));
        assert_ne!(decoy("hong"), decoy("hong2"));
    }
}
