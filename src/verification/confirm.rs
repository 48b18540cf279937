//! Judging a guess: counted and decided in one transaction, whatever else asks at the same time.

use super::{
    Attestation, Parts, ProofToken, Verification, Verifications,
    attestation::Subject,
    checked::Checked,
    rules::{self, Standing},
    start::spec,
};
use crate::{
    caller::Caller,
    clock::Instant,
    code,
    config::{Scenario, Secret},
    contact::Contact,
    fault::Fault,
    ids::VerificationId,
    purpose::Purpose,
    quota::{Act, Refused},
    status::Status,
    store::{
        Ending, Reserved, Tx, UsageLimits,
        entity::{self, account::AccountStatus, verification::Model},
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
    pub expires_at: Instant,
    /// The same fact as a signed JWT.
    pub attestation: Secret,
}

impl Confirmation {
    /// Its name in the audit trail.
    fn outcome(&self) -> &'static str {
        match self {
            Confirmation::Confirmed { .. } => audit::OK,
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
    /// The contact's guesses of the day are used up.
    UsedUp,
    Over,
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
        // A guess that was judged stands in the trail with what it changed.
        if !matches!(confirmation, Confirmation::Confirmed { .. } | Confirmation::Mismatch { .. }) {
            self.0.store.record(event.outcome(confirmation.outcome())).await;
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
        if rules::standing(row.status, row.expires_at, now) != Standing::Pending {
            return Ok(Confirmation::NotPending(parts.view(row)));
        }
        let (right, taken) = match self.check_elsewhere(&row, guess, now).await? {
            Checked::CodeIsOurs => (parts.is_right(&row, guess), false),
            Checked::Judged { right } => (right, true),
            Checked::Over(confirmation) => return Ok(confirmation),
        };
        let token = ProofToken::new(&parts.entropy);
        match parts.judge(row, Guess { right, taken }, token.hash(), event, now).await? {
            Judged::Right(row) => {
                let proof = parts.proof(&row, token, now)?;
                // Nothing was sent to a test contact, so its confirmation says nothing of who is sent to.
                if row.scenario.is_none()
                    && let Some(Contact::Phone(phone)) = Contact::from_stored(row.contact_kind, &row.contact)
                {
                    parts.quotas.note_confirmed(&phone.prefix()).await;
                }
                Ok(Confirmation::Confirmed { verification: parts.published(*row), proof: Box::new(proof) })
            }
            Judged::Wrong(row) => {
                let verification = parts.published(*row);
                Ok(Confirmation::Mismatch { attempts_remaining: verification.attempts_remaining() })
            }
            Judged::UsedUp => Ok(Confirmation::Quota(parts.guesses_used_up(now))),
            Judged::Over => Ok(self.get(id).await?.map_or(Confirmation::NotFound, Confirmation::NotPending)),
        }
    }
}

impl Parts {
    /// Nobody was sent the code of a decoy, so no guess at it is right; it is compared all the same, for the time it
    /// takes.
    fn is_right(&self, row: &Model, guess: &str) -> bool {
        let contact = Contact::from_stored(row.contact_kind, &row.contact);
        let test = contact.as_ref().filter(|_| row.scenario.is_some()).and_then(|to| self.test_contact(to));
        let right = match test {
            Some(test) => code::is_same(&test.code, guess) && test.scenario != Scenario::Locked,
            None => spec(row).matches(&row.id, &self.keys, guess),
        };
        right & !row.decoy
    }

    async fn judge(
        &self,
        row: Model,
        Guess { right, taken }: Guess,
        token_hash: String,
        event: Event,
        now: Instant,
    ) -> Result<Judged, Fault> {
        let limits = (row.scenario.is_none() && !taken).then(|| UsageLimits {
            day: self.today(now),
            daily: self.limits.daily_guesses,
            cooled_down_since: None,
        });
        let proof_expires_at = now + self.settings.proof_ttl;
        let activated = self.activated;
        let event = event.maybe_account(row.account_id.clone());
        let event = match Contact::from_stored(row.contact_kind, &row.contact) {
            Some(contact) => event.contact(contact.masked()),
            None => event,
        };
        let event = if right { event } else { event.outcome(MISMATCH) };
        let entry = event.clone();
        let judged = self
            .store
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(limits) = limits
                        && tx.reserve_guess(&row.contact_key, limits).await? == Reserved::Refused
                    {
                        return Ok(Ending::Rollback(Judged::UsedUp));
                    }
                    let judged = match taken {
                        true => tx.judge_taken_attempt(&row.id, right, now).await?,
                        false => tx.judge_attempt(&row.id, right, now).await?,
                    };
                    let Some(judged) = judged else {
                        return Ok(Ending::Rollback(Judged::Over));
                    };
                    tx.insert_audit(&entry).await?;
                    if !right {
                        if judged.status == Status::Locked {
                            tx.insert_audit(&locked(&entry)).await?;
                        }
                        return Ok(Ending::Commit(Judged::Wrong(Box::new(judged))));
                    }
                    // An account that waited for this code is activated by it, and that is what the proof was for.
                    let spent_at = activate(tx, &row, activated, now).await?.then_some(now);
                    tx.insert_proof(entity::proof::Model {
                        token_hash,
                        verification_id: row.id,
                        purpose: row.purpose,
                        contact_kind: row.contact_kind,
                        contact: row.contact,
                        contact_key: row.contact_key,
                        account_id: row.account_id,
                        created_at: now,
                        expires_at: proof_expires_at,
                        spent_at,
                    })
                    .await?;
                    Ok(Ending::Commit(Judged::Right(Box::new(judged))))
                })
            })
            .await?;
        match &judged {
            Judged::Right(row) => {
                event.log();
                Self::ended(row, End::Verified);
                metrics::confirmed(
                    row.purpose,
                    row.delivery_channel,
                    (now - row.created_at).to_std().unwrap_or_default(),
                );
            }
            Judged::Wrong(row) => {
                event.log();
                if row.status == Status::Locked {
                    Self::ended(row, End::Locked);
                    self.withdraw(row);
                    locked(&event).log();
                }
            }
            Judged::UsedUp | Judged::Over => {}
        }
        Ok(judged)
    }

    fn proof(&self, row: &Model, token: ProofToken, now: Instant) -> Result<Proof, Fault> {
        let expires_at = now + self.settings.proof_ttl;
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
            issued_at: now,
            expires_at,
        })?;
        Ok(Proof { purpose: row.purpose, token, expires_at, attestation })
    }
}

/// The last wrong guess has an entry of its own.
fn locked(event: &Event) -> Event {
    Event { act: audit::Act::VerificationLocked, outcome: audit::OK, ..event.clone() }
}

/// Activates the account that signed up with this address and waits for its code. False: none does.
async fn activate(tx: &Tx, row: &Model, activated: AccountStatus, now: Instant) -> Result<bool, Fault> {
    match (row.purpose, &row.account_id) {
        (Purpose::SignUp, Some(account)) => tx.activate_account(account, &row.contact_key, activated, now).await,
        _ => Ok(false),
    }
}
