//! Judging a guess: counted and decided in one transaction, whatever else asks at the same time.

use super::{
    Attestation, Parts, ProofToken, Verification, Verifications,
    attestation::Subject,
    checked::Checked,
    draft::spec,
    rules::{self, Standing},
};
use crate::{
    caller::Caller,
    clock::Timestamp,
    code,
    config::{Scenario, Secret},
    contact::Contact,
    fault::Fault,
    ids::VerificationId,
    purpose::Purpose,
    quota::{Act, Alarm, Refused},
    status::Status,
    store::{
        Activation, Judgement,
        entity::{self, verification::Model},
    },
    telemetry::{
        audit::{self, Event},
        metrics::{self, End},
    },
};

/// What became of a guess.
pub enum Confirmation {
    Confirmed {
        verification: Verification,
        proof: Box<Proof>,
    },
    /// The right code once more: the proof that was answered before.
    Repeated {
        verification: Verification,
        proof: Box<Proof>,
    },
    /// Wrong; this many attempts are left.
    Mismatch {
        attempts_remaining: i32,
    },
    NotFound,
    /// It is over: verified, expired, locked or canceled.
    NotPending(Verification),
    Quota(Refused),
}

/// What a right guess is exchanged for.
pub struct Proof {
    pub purpose: Purpose,
    pub token: ProofToken,
    pub expires_at: Timestamp,
    /// The same fact as a signed JWT.
    pub attestation: Secret,
}

impl Confirmation {
    /// Its name in the audit trail.
    fn outcome(&self) -> &'static str {
        match self {
            Confirmation::Confirmed { .. } | Confirmation::Repeated { .. } => audit::OK,
            Confirmation::Mismatch { .. } => MISMATCH,
            Confirmation::NotFound => "verification_not_found",
            Confirmation::NotPending(_) => "verification_not_pending",
            Confirmation::Quota(_) => audit::QUOTA_EXCEEDED,
        }
    }
}

const MISMATCH: &str = "code_mismatch";

/// A guess, compared.
struct Guess {
    right: bool,
    /// Its attempt was counted before.
    taken: bool,
}

enum Judged {
    Right(Box<Model>),
    Wrong(Box<Model>),
    /// It is over, or the contact's guesses of the day are used up.
    No,
}

impl Verifications {
    /// Judges a guess at the code of a verification.
    ///
    /// The code is compared before the transaction and counted in it: what the comparison said leaves this function
    /// only if the attempt was there to be taken. So a hundred guesses at once learn `max_attempts` answers, and a
    /// hundred right ones get one proof.
    ///
    /// # Errors
    /// A fault of the store or of the quotas.
    pub async fn confirm(&self, caller: &Caller, id: &VerificationId, guess: &str) -> Result<Confirmation, Fault> {
        let event = Event::new(caller, audit::Act::ConfirmVerificationCode, audit::OK, self.0.clock.now());
        let confirmation = self.judge(caller, id, guess, event.clone()).await?;
        match confirmation {
            // A guess that was judged stands in the trail with what it changed.
            Confirmation::Confirmed { .. } | Confirmation::Repeated { .. } | Confirmation::Mismatch { .. } => {}
            _ => self.0.store.record(event.outcome(confirmation.outcome())).await,
        }
        Ok(confirmation)
    }

    async fn judge(
        &self,
        caller: &Caller,
        id: &VerificationId,
        guess: &str,
        event: Event,
    ) -> Result<Confirmation, Fault> {
        let parts = &self.0;
        let Some(row) = parts.store.verification(id).await? else {
            return Ok(match parts.quotas.charge(Act::Guess, caller).await {
                Ok(()) => Confirmation::NotFound,
                Err(refused) => Confirmation::Quota(refused),
            });
        };
        if row.scenario.is_none()
            && let Err(refused) = parts.quotas.charge(Act::Guess, caller).await
        {
            return Ok(Confirmation::Quota(refused));
        }
        let now = parts.clock.now();
        let repeatable = rules::is_repeatable(&row, now);
        if !repeatable && rules::standing(row.status, row.expires_at, now) != Standing::Pending {
            return Ok(Confirmation::NotPending(parts.view(row)));
        }
        let token = parts.token(&row, guess)?;
        if repeatable {
            return self.repeat(row, token, event, now).await;
        }
        let (right, taken) = match self.check_elsewhere(&row, guess, now).await? {
            Checked::CodeIsOurs => (parts.is_right(&row, guess)?, false),
            Checked::Judged { right } => (right, true),
            Checked::Over(confirmation) => return Ok(confirmation),
        };
        let judged = parts.judge(row, Guess { right, taken }, token.hash(), event.clone(), now).await?;
        match judged {
            Judged::Right(row) => {
                parts.note_guess(&row, true, &event).await;
                let proof = parts.proof(&row, token, now, now + parts.settings.proof_ttl)?;
                Ok(Confirmation::Confirmed { verification: parts.published(*row), proof: Box::new(proof) })
            }
            Judged::Wrong(row) => {
                parts.note_guess(&row, false, &event).await;
                let verification = parts.published(*row);
                Ok(Confirmation::Mismatch { attempts_remaining: verification.attempts_remaining() })
            }
            Judged::No => self.not_judged(id, right, token, event, now).await,
        }
    }

    /// Why a guess was not judged, read after it could not be.
    async fn not_judged(
        &self,
        id: &VerificationId,
        right: bool,
        token: ProofToken,
        event: Event,
        now: Timestamp,
    ) -> Result<Confirmation, Fault> {
        let Some(found) = self.get(id).await? else { return Ok(Confirmation::NotFound) };
        if found.standing().is_over() {
            // The same code at the same time: another request was first.
            let repeatable = rules::is_repeatable(found.row(), now);
            return match repeatable {
                true => self.repeat(found.row().clone(), token, event, now).await,
                false => Ok(Confirmation::NotPending(found)),
            };
        }
        // It became a decoy while it was judged (`Tx::close_verifications`): no guess at it is right.
        if right && found.row().decoy {
            return Ok(Confirmation::Mismatch { attempts_remaining: found.attempts_remaining() });
        }
        // It was there to be judged, so it was the count that stood against it.
        Ok(Confirmation::Quota(self.0.guesses_used_up(now)))
    }
}

impl Parts {
    /// The token that a guess is exchanged for if it is right.
    fn token(&self, row: &Model, guess: &str) -> Result<ProofToken, Fault> {
        // Another process may have the key already, or this one may have it no longer: that is no wrong guess.
        let key =
            self.keys.get(&row.key_id).ok_or_else(|| Fault::unavailable("a verification names an unknown key"))?;
        Ok(ProofToken::derive(key, &row.id, row.purpose, row.generation, guess))
    }

    /// Counts a judged guess for the guard against SMS pumping and for the alarm for guessing across accounts. Nothing is
    /// sent to a test contact, so it says nothing of either.
    async fn note_guess(&self, row: &Model, right: bool, event: &Event) {
        if row.scenario.is_some() {
            return;
        }
        if right && let Some(Contact::Phone(phone)) = Contact::from_stored(row.contact_kind, &row.contact) {
            self.quotas.note_confirmed(&phone.prefix()).await;
        }
        let Some(alarm) = self.quotas.note_guess(right).await else { return };
        let act = if alarm.raised { audit::Act::GuessingSuspected } else { audit::Act::GuessingOver };
        let Alarm { raised, guesses, confirmed } = alarm;
        tracing::warn!(raised, guesses, confirmed, "the share of codes that are right passed GUESSING_MIN_CONFIRMED");
        // It is about the service: the request that made it show may be anybody's.
        self.store.record(Event::internal(event.request_id.clone(), act, audit::OK, event.at)).await;
    }

    /// Nobody was sent the code of a decoy, so no guess at it is right; it is compared all the same, for the time it
    /// takes.
    ///
    /// # Errors
    /// The code was derived with a key that this process does not have. That says nothing of the guess: another process
    /// can check it, so no attempt is counted.
    fn is_right(&self, row: &Model, guess: &str) -> Result<bool, Fault> {
        let contact = Contact::from_stored(row.contact_kind, &row.contact);
        let test = contact.as_ref().filter(|_| row.scenario.is_some()).and_then(|to| self.test_contact(to));
        let right = match test {
            Some(test) => code::is_same(&test.code, guess) && test.scenario != Scenario::Locked,
            None => {
                let unknown = || Fault::unavailable("the code's server key is not known to this process");
                spec(row).matches(&row.id, &self.keys, guess).ok_or_else(unknown)?
            }
        };
        Ok(right & !row.decoy)
    }

    async fn judge(
        &self,
        row: Model,
        Guess { right, taken }: Guess,
        token_hash: String,
        event: Event,
        now: Timestamp,
    ) -> Result<Judged, Fault> {
        let limits = (row.scenario.is_none() && !taken).then(|| self.guess_limits(now));
        let event = event.maybe_account(row.account_id.clone());
        let event = match Contact::from_stored(row.contact_kind, &row.contact) {
            Some(contact) => event.contact(contact.masked()),
            None => event,
        };
        let event = if right { event } else { event.outcome(MISMATCH) };
        let locked = Event { act: audit::Act::VerificationLocked, outcome: audit::OK, ..event.clone() };
        let judgement = Judgement {
            verification: row.id.clone(),
            usage_key: Self::usage_key(&row),
            limits,
            taken,
            activation: self.activation(&row).filter(|_| right),
            proof: right.then(|| self.proof_row(row, token_hash, now)),
            event: event.clone(),
            locked: locked.clone(),
        };
        let Some(row) = self.store.judge(judgement, now).await? else { return Ok(Judged::No) };
        event.log();
        if right {
            Self::ended(&row, End::Verified);
            let waited = (now - row.created_at).to_std().unwrap_or_default();
            metrics::confirmed(row.purpose, row.delivery_channel, waited);
            return Ok(Judged::Right(Box::new(row)));
        }
        if row.status == Status::Locked {
            Self::ended(&row, End::Locked);
            self.withdraw(&row);
            locked.log();
        }
        Ok(Judged::Wrong(Box::new(row)))
    }

    /// The account that signed up with this address and waits for its code.
    fn activation(&self, row: &Model) -> Option<Activation> {
        let account = row.account_id.clone().filter(|_| row.purpose == Purpose::SignUp)?;
        Some(Activation { account, email_key: row.contact_key.clone(), status: self.activated })
    }

    fn proof_row(&self, row: Model, token_hash: String, now: Timestamp) -> entity::proof::Model {
        entity::proof::Model {
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
        row: &Model,
        token: ProofToken,
        issued_at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Proof, Fault> {
        // What a letter told says nothing of the phone: only that the account's own contacts are in these hands.
        let subject = match &row.account_id {
            Some(account) if row.by_letter => Subject::Account(account),
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
        Ok(Proof { purpose: row.purpose, token, expires_at, attestation })
    }
}
