//! Judging a guess: counted and decided in one transaction, whatever else asks at the same time.

use super::{
    Attestation, Parts, ProofToken, Verification, Verifications,
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
    store::{
        Ending, Reserved, UsageLimits,
        entity::{self, verification::Model},
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
        let right = parts.is_right(&row, guess);
        let token = ProofToken::new(&parts.entropy);
        match parts.judge(row, right, token.hash(), now).await? {
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

    async fn judge(&self, row: Model, right: bool, token_hash: String, now: Instant) -> Result<Judged, Fault> {
        let limits = row.scenario.is_none().then(|| UsageLimits {
            day: self.today(now),
            daily: self.limits.daily_guesses,
            cooled_down_since: None,
        });
        let proof_expires_at = now + self.settings.proof_ttl;
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(limits) = limits
                        && tx.reserve_guess(&row.contact_key, limits).await? == Reserved::Refused
                    {
                        return Ok(Ending::Rollback(Judged::UsedUp));
                    }
                    let Some(judged) = tx.judge_attempt(&row.id, right, now).await? else {
                        return Ok(Ending::Rollback(Judged::Over));
                    };
                    if !right {
                        return Ok(Ending::Commit(Judged::Wrong(Box::new(judged))));
                    }
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
                        spent_at: None,
                    })
                    .await?;
                    Ok(Ending::Commit(Judged::Right(Box::new(judged))))
                })
            })
            .await
    }

    fn proof(&self, row: &Model, token: ProofToken, now: Instant) -> Result<Proof, Fault> {
        let expires_at = now + self.settings.proof_ttl;
        let attestation = self.attestor.attest(&Attestation {
            verification: &row.id,
            contact: &row.contact,
            kind: row.contact_kind,
            purpose: row.purpose,
            channel: row.delivery_channel,
            issued_at: now,
            expires_at,
        })?;
        Ok(Proof { purpose: row.purpose, token, expires_at, attestation })
    }
}
