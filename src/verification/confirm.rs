//! Confirming a code: the attempt is counted and decided in one transaction, which serializes concurrent guesses.

use super::{
    Attestation, Deps, ProofToken, VerificationView, Verifications, attestation::Subject, checked::ProviderCheckResult,
    draft::spec,
};
use crate::{
    code,
    quota::{Alarm, Operation},
};
use domain::{
    Timestamp,
    caller::RequestInfo,
    contact::Contact,
    ids::VerificationId,
    proof::Proof,
    purpose::Purpose,
    quota::Refused,
    status::Status,
    verification::{
        Verification,
        rules::{self, EffectiveStatus},
    },
};
use platform::{
    config::{Scenario, Secret},
    fault::Fault,
    telemetry::{
        audit::{self, Event},
        metrics::{self, End},
    },
};
use store::{Activation, AttemptResult};

/// Result of a guess.
pub enum ConfirmOutcome {
    Confirmed {
        verification: VerificationView,
        proof: Box<IssuedProof>,
    },
    /// The correct code was sent again: the same proof is returned.
    Repeated {
        verification: VerificationView,
        proof: Box<IssuedProof>,
    },
    /// Wrong code.
    Mismatch {
        attempts_remaining: i32,
    },
    NotFound,
    /// It is over: verified, expired, locked or canceled.
    NotPending(VerificationView),
    Quota(Refused),
}

/// The proof that a correct code is exchanged for.
pub struct IssuedProof {
    pub purpose: Purpose,
    pub token: ProofToken,
    pub expires_at: Timestamp,
    /// The same confirmation as a signed JWT.
    pub attestation: Secret,
}

impl ConfirmOutcome {
    /// The outcome in the audit trail.
    fn outcome(&self) -> &'static str {
        match self {
            ConfirmOutcome::Confirmed { .. } | ConfirmOutcome::Repeated { .. } => audit::OK,
            ConfirmOutcome::Mismatch { .. } => MISMATCH,
            ConfirmOutcome::NotFound => "verification_not_found",
            ConfirmOutcome::NotPending(_) => "verification_not_pending",
            ConfirmOutcome::Quota(_) => audit::QUOTA_EXCEEDED,
        }
    }
}

const MISMATCH: &str = "code_mismatch";

/// A guess and the result of its comparison.
struct Guess {
    is_correct: bool,
    /// Its attempt is already counted.
    attempt_reserved: bool,
}

enum CheckResult {
    Correct(Box<Verification>),
    Wrong(Box<Verification>),
    /// The verification is over, or the contact's daily quota of guesses is used up.
    NotAccepted,
}

impl Verifications {
    /// Checks a guess at the code of a verification.
    ///
    /// The code is compared before the transaction and counted in it: the result of the comparison is only returned if
    /// an attempt could be taken. So a hundred concurrent guesses learn at most `max_attempts` results, and a hundred
    /// correct ones get one proof.
    ///
    /// # Errors
    /// A fault of the store or of the quotas.
    pub async fn confirm(
        &self,
        caller: &RequestInfo,
        id: &VerificationId,
        guess: &str,
    ) -> Result<ConfirmOutcome, Fault> {
        let event = Event::new(caller, audit::Act::ConfirmVerificationCode, audit::OK, self.0.clock.now());
        let confirmation = self.check_code(caller, id, guess, event.clone()).await?;
        match confirmation {
            // The store wrote these to the audit trail with the change.
            ConfirmOutcome::Confirmed { .. } | ConfirmOutcome::Repeated { .. } | ConfirmOutcome::Mismatch { .. } => {}
            _ => self.0.store.record(event.outcome(confirmation.outcome())).await,
        }
        Ok(confirmation)
    }

    async fn check_code(
        &self,
        caller: &RequestInfo,
        id: &VerificationId,
        guess: &str,
        event: Event,
    ) -> Result<ConfirmOutcome, Fault> {
        let deps = &self.0;
        let Some(row) = deps.store.verification(id).await? else {
            return Ok(match deps.quotas.charge(Operation::Guess, caller).await {
                Ok(()) => ConfirmOutcome::NotFound,
                Err(refused) => ConfirmOutcome::Quota(refused),
            });
        };
        if row.scenario.is_none()
            && let Err(refused) = deps.quotas.charge(Operation::Guess, caller).await
        {
            return Ok(ConfirmOutcome::Quota(refused));
        }
        let now = deps.clock.now();
        let repeatable = rules::is_repeatable(&row, now);
        if !repeatable && rules::effective_status(row.status, row.expires_at, now) != EffectiveStatus::Pending {
            return Ok(ConfirmOutcome::NotPending(deps.view(row)));
        }
        let token = deps.token(&row, guess)?;
        if repeatable {
            return self.repeat(row, token, event, now).await;
        }
        let (is_correct, reserved) = match self.check_with_provider(&row, guess, now).await? {
            ProviderCheckResult::LocalCode => (deps.is_correct(&row, guess)?, false),
            ProviderCheckResult::Checked { right } => (right, true),
            ProviderCheckResult::Ended(confirmation) => return Ok(confirmation),
        };
        let checked = deps
            .write_result(row, Guess { is_correct, attempt_reserved: reserved }, token.hash(), event.clone(), now)
            .await?;
        match checked {
            CheckResult::Correct(row) => {
                deps.count_guess(&row, true, &event).await;
                let proof = deps.proof(&row, token, now, now + deps.settings.proof_ttl)?;
                Ok(ConfirmOutcome::Confirmed { verification: deps.publish(*row), proof: Box::new(proof) })
            }
            CheckResult::Wrong(row) => {
                deps.count_guess(&row, false, &event).await;
                let verification = deps.publish(*row);
                Ok(ConfirmOutcome::Mismatch { attempts_remaining: verification.attempts_remaining() })
            }
            CheckResult::NotAccepted => self.not_accepted(id, is_correct, token, event, now).await,
        }
    }

    /// Why a guess was not accepted, from the current state of the verification.
    async fn not_accepted(
        &self,
        id: &VerificationId,
        is_correct: bool,
        token: ProofToken,
        event: Event,
        now: Timestamp,
    ) -> Result<ConfirmOutcome, Fault> {
        let Some(found) = self.get(id).await? else { return Ok(ConfirmOutcome::NotFound) };
        if found.effective_status().is_final() {
            // A concurrent request with the same code was first.
            let repeatable = rules::is_repeatable(found.row(), now);
            return match repeatable {
                true => self.repeat(found.row().clone(), token, event, now).await,
                false => Ok(ConfirmOutcome::NotPending(found)),
            };
        }
        // It became a decoy during the check (`Tx::close_verifications`): no guess is correct.
        if is_correct && found.row().decoy {
            return Ok(ConfirmOutcome::Mismatch { attempts_remaining: found.attempts_remaining() });
        }
        // The verification is still pending, so the quota of guesses was exceeded.
        Ok(ConfirmOutcome::Quota(self.0.daily_guesses_exceeded(now)))
    }
}

impl Deps {
    /// The token that a guess is exchanged for if it is correct.
    fn token(&self, row: &Verification, guess: &str) -> Result<ProofToken, Fault> {
        // A missing key is not a wrong guess: it may be known to another process, or have been removed from this one.
        let key =
            self.keys.get(&row.key_id).ok_or_else(|| Fault::unavailable("unknown server key of a verification"))?;
        Ok(ProofToken::derive(key, &row.id, row.purpose, row.generation, guess))
    }

    /// Counts a guess for the SMS pumping guard and for the alarm on guessing across accounts. Test contacts are not
    /// counted.
    async fn count_guess(&self, row: &Verification, is_correct: bool, event: &Event) {
        if row.scenario.is_some() {
            return;
        }
        if is_correct && let Some(Contact::Phone(phone)) = Contact::from_stored(row.contact_kind, &row.contact) {
            self.quotas.count_confirmed(&phone.prefix()).await;
        }
        let Some(alarm) = self.quotas.count_guess(is_correct).await else { return };
        let act = if alarm.raised { audit::Act::GuessingSuspected } else { audit::Act::GuessingOver };
        let Alarm { raised, guesses, confirmed } = alarm;
        tracing::warn!(raised, guesses, confirmed, "share of correct codes crossed GUESSING_MIN_CONFIRMED");
        // The alarm concerns the service, so the event has no account or address of the request.
        self.store.record(Event::internal(event.request_id.clone(), act, audit::OK, event.at)).await;
    }

    /// Whether a guess is correct. No guess is correct for a decoy; the comparison is done anyway, for equal timing.
    ///
    /// # Errors
    /// The code was derived with a key that this process does not have. Another process can check the guess, so no
    /// attempt is counted.
    fn is_correct(&self, row: &Verification, guess: &str) -> Result<bool, Fault> {
        let contact = Contact::from_stored(row.contact_kind, &row.contact);
        let test = contact.as_ref().filter(|_| row.scenario.is_some()).and_then(|to| self.test_contact(to));
        let is_correct = match test {
            Some(test) => code::matches_code(&test.code, guess) && test.scenario != Scenario::Locked,
            None => {
                let unknown = || Fault::unavailable("unknown server key of a code");
                spec(row).matches(&row.id, &self.keys, guess).ok_or_else(unknown)?
            }
        };
        Ok(is_correct & !row.decoy)
    }

    async fn write_result(
        &self,
        row: Verification,
        Guess { is_correct, attempt_reserved: reserved }: Guess,
        token_hash: String,
        event: Event,
        now: Timestamp,
    ) -> Result<CheckResult, Fault> {
        let limits = (row.scenario.is_none() && !reserved).then(|| self.guess_limits(now));
        let event = event.account_opt(row.account_id.clone());
        let event = match Contact::from_stored(row.contact_kind, &row.contact) {
            Some(contact) => event.contact(contact.masked()),
            None => event,
        };
        let event = if is_correct { event } else { event.outcome(MISMATCH) };
        let locked = Event { act: audit::Act::VerificationLocked, outcome: audit::OK, ..event.clone() };
        let result = AttemptResult {
            verification: row.id.clone(),
            usage_key: Self::usage_key(&row),
            limits,
            attempt_reserved: reserved,
            activation: self.activation(&row).filter(|_| is_correct),
            proof: is_correct.then(|| self.proof_row(row, token_hash, now)),
            event: event.clone(),
            locked: locked.clone(),
        };
        let Some(row) = self.store.write_attempt_result(result, now).await? else {
            return Ok(CheckResult::NotAccepted);
        };
        event.log();
        if is_correct {
            Self::count_end(&row, End::Verified);
            let waited = (now - row.created_at).to_std().unwrap_or_default();
            metrics::confirmed(row.purpose, row.delivery_channel, waited);
            return Ok(CheckResult::Correct(Box::new(row)));
        }
        if row.status == Status::Locked {
            Self::count_end(&row, End::Locked);
            self.cancel_at_provider(&row);
            locked.log();
        }
        Ok(CheckResult::Wrong(Box::new(row)))
    }

    /// The account that signed up with this address and waits for its code.
    fn activation(&self, row: &Verification) -> Option<Activation> {
        let account = row.account_id.clone().filter(|_| row.purpose == Purpose::SignUp)?;
        Some(Activation { account, email_key: row.contact_key.clone(), status: self.activated_status })
    }

    fn proof_row(&self, row: Verification, token_hash: String, now: Timestamp) -> Proof {
        Proof {
            token_hash,
            verification_id: row.id,
            purpose: row.purpose,
            contact_kind: row.contact_kind,
            contact: row.contact,
            contact_key: row.contact_key,
            account_id: row.account_id,
            created_at: now,
            expires_at: now + self.settings.proof_ttl,
            spent_at: None,
        }
    }

    pub(super) fn proof(
        &self,
        row: &Verification,
        token: ProofToken,
        issued_at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<IssuedProof, Fault> {
        // A code sent to the account's e-mail address does not prove control of the phone, only of the account's
        // contacts.
        let subject = match &row.account_id {
            Some(account) if row.via_account_email => Subject::Account(account),
            _ => Subject::Contact(row.contact_kind, &row.contact),
        };
        let attestation = self.attestor.attest(&Attestation {
            verification: &row.id,
            subject,
            purpose: row.purpose,
            channel: row.delivery_channel,
            issued_at,
            expires_at,
        })?;
        Ok(IssuedProof { purpose: row.purpose, token, expires_at, attestation })
    }
}
