//! Reauthentication while signed in: with the password, or with a code sent to an established contact.

use super::{Accounts, change_password::PasswordCheck, recent_authentication::RequiredReauthentication};
use crate::{
    quota::Operation,
    session::{AuthenticationResult, Method, Reauthenticated, access_token_verifier::SignedIn, established},
    verification::{self, ProofToken, Rejection},
};
use domain::{
    Timestamp,
    account::{Account, AccountStatus, rules},
    caller::RequestInfo,
    proof::Proof,
    purpose::Purpose,
    quota::Refused,
    session::{
        Session,
        rules::{EffectiveStatus, effective_status},
    },
};
use platform::{
    fault::Fault,
    secret::Secret,
    telemetry::audit::{self, Event},
};
use store::{Tx, TxOutcome};

/// Evidence for a reauthentication.
pub enum Evidence {
    Password(Secret),
    /// The proof of a STEP_UP verification. None: the text sent is not in the format of a proof.
    Proof(Option<ProofToken>),
}

/// Result of a reauthentication.
pub enum ReauthenticateOutcome {
    Done(Box<Reauthenticated>),
    CredentialsRejected,
    ProofRejected(Rejection),
    /// The evidence is valid, but does not count for this account.
    Required(RequiredReauthentication),
    Quota(Refused),
    /// The account or the session no longer exists, or may not be used.
    SignedOut,
}

impl ReauthenticateOutcome {
    fn outcome(&self) -> &'static str {
        match self {
            ReauthenticateOutcome::Done(_) => audit::OK,
            ReauthenticateOutcome::CredentialsRejected => "credentials_rejected",
            ReauthenticateOutcome::ProofRejected(_) => "proof_rejected",
            ReauthenticateOutcome::Required(_) => audit::REAUTHENTICATION_REQUIRED,
            ReauthenticateOutcome::Quota(_) => audit::QUOTA_EXCEEDED,
            ReauthenticateOutcome::SignedOut => audit::UNAUTHENTICATED,
        }
    }
}

/// Evidence that was checked as far as possible outside the transaction.
enum Checked {
    /// The password matched this hash.
    Password(Option<String>),
    Proof {
        token_hash: String,
    },
}

enum WriteResult {
    Done { account: Box<Account>, session: Box<Session>, methods: Vec<Method> },
    DoesNotCount,
    PasswordChanged,
    ProofRejected(Rejection),
    Gone,
}

impl Accounts {
    /// Returns an access token that carries a fresh authentication. The session itself is not changed.
    ///
    /// # Errors
    /// A fault of the store, the quotas or the password hasher.
    pub async fn reauthenticate(
        &self,
        caller: &RequestInfo,
        signed_in: &SignedIn,
        evidence: Evidence,
    ) -> Result<ReauthenticateOutcome, Fault> {
        let event = self.0.event(caller, audit::Act::Reauthenticate).account(signed_in.account.clone());
        let ended = match self.checked(caller, signed_in, evidence).await? {
            Ok(checked) => self.write_reauthentication(signed_in, checked, event.clone()).await?,
            Err(refusal) => refusal,
        };
        match ended {
            // Already in the audit trail.
            ReauthenticateOutcome::Done(_) => Ok(ended),
            refusal => self.0.record_outcome(event, refusal.outcome(), refusal).await,
        }
    }

    async fn checked(
        &self,
        caller: &RequestInfo,
        signed_in: &SignedIn,
        evidence: Evidence,
    ) -> Result<Result<Checked, ReauthenticateOutcome>, Fault> {
        let deps = &self.0;
        Ok(match evidence {
            Evidence::Password(password) => match deps.confirm_password(caller, signed_in, &password).await? {
                PasswordCheck::Correct(account) => Ok(Checked::Password(account.password_hash)),
                PasswordCheck::Wrong => Err(ReauthenticateOutcome::CredentialsRejected),
                PasswordCheck::AccountDeleted => Err(ReauthenticateOutcome::SignedOut),
                PasswordCheck::Quota(refused) => Err(ReauthenticateOutcome::Quota(refused)),
            },
            Evidence::Proof(token) => match (deps.quotas.charge(Operation::SpendProof, caller).await, token) {
                (Err(refused), _) => Err(ReauthenticateOutcome::Quota(refused)),
                (Ok(()), Some(token)) => Ok(Checked::Proof { token_hash: token.hash() }),
                (Ok(()), None) => Err(ReauthenticateOutcome::ProofRejected(Rejection::Unknown)),
            },
        })
    }

    async fn write_reauthentication(
        &self,
        signed_in: &SignedIn,
        checked: Checked,
        event: Event,
    ) -> Result<ReauthenticateOutcome, Fault> {
        let deps = &self.0;
        let now = deps.clock.now();
        let (user, entry) = (signed_in.clone(), event.clone());
        let work = deps.store.write(move |tx| Box::pin(async move { write(tx, &user, checked, &entry, now).await }));
        Ok(match work.await? {
            WriteResult::Done { account, session, methods } => {
                event.log();
                let tokens = deps.sessions.reauthenticated(&account, &session, signed_in.generation, methods, now)?;
                ReauthenticateOutcome::Done(Box::new(tokens))
            }
            WriteResult::DoesNotCount => {
                ReauthenticateOutcome::Required(deps.required_reauthentication(&signed_in.account).await?)
            }
            WriteResult::PasswordChanged => ReauthenticateOutcome::CredentialsRejected,
            WriteResult::ProofRejected(reason) => ReauthenticateOutcome::ProofRejected(reason),
            WriteResult::Gone => ReauthenticateOutcome::SignedOut,
        })
    }
}

/// Decides whether the evidence counts, with the account locked. A proof is spent only if it does.
async fn write(
    tx: &Tx,
    user: &SignedIn,
    checked: Checked,
    entry: &Event,
    now: Timestamp,
) -> Result<TxOutcome<WriteResult>, Fault> {
    let refused = |refusal| Ok(TxOutcome::Rollback(refusal));
    let (hash, proof) = match checked {
        Checked::Password(hash) => (hash, None),
        Checked::Proof { token_hash } => {
            let spending = tx.spend_proof(&token_hash, Purpose::StepUp, now).await?;
            match verification::spent_proof(spending, Purpose::StepUp, now) {
                Ok(proof) => (None, Some(proof)),
                Err(reason) => return refused(WriteResult::ProofRejected(reason)),
            }
        }
    };
    let account = tx.lock_account(&user.account).await?.filter(|account| account.status == AccountStatus::Active);
    let Some(account) = account else { return refused(WriteResult::Gone) };
    let session =
        tx.lock_session(&user.session).await?.filter(|session| effective_status(session, now) == EffectiveStatus::Live);
    let Some(session) = session else { return refused(WriteResult::Gone) };
    let used = match &proof {
        Some(proof) if !belongs_to(&account, proof) => return refused(WriteResult::ProofRejected(Rejection::Unknown)),
        Some(proof) => established::authentication_by_code(tx, &account, proof, now).await?,
        // The password changed while it was checked.
        None if account.password_hash != hash => return refused(WriteResult::PasswordChanged),
        None => AuthenticationResult {
            methods: vec![Method::Password],
            is_established: established::of(tx, &account, now).await?.password,
        },
    };
    if !used.is_established {
        return refused(WriteResult::DoesNotCount);
    }
    tx.insert_audit(entry).await?;
    let (account, session) = (Box::new(account), Box::new(session));
    Ok(TxOutcome::Commit(WriteResult::Done { account, session, methods: used.methods }))
}

/// Whether a proof was made for this account, for a contact that it still has.
fn belongs_to(account: &Account, proof: &Proof) -> bool {
    proof.account_id.as_ref() == Some(&account.id) && rules::has_proof_contact(account, proof)
}
