//! Choosing a new password when the old one is lost.

use super::{
    Accounts, notices,
    rules::{self, Turned},
    send::Sent,
};
use crate::{
    caller::Caller,
    channel::Channel,
    clock::Instant,
    contact::{BirthDate, Contact, PersonName, PhoneNumber},
    delivery::Order,
    fault::Fault,
    ids::DeliveryId,
    password::{Context, PasswordHash, Violation},
    purpose::Purpose,
    quota::{Act, Refused},
    secret::Secret,
    store::{Ending, Identifier, Tx, entity},
    texts::Locale,
    verification::{self, Audience, ProofToken, Rejection, Start},
};

/// Who says that the account is theirs.
#[derive(Clone, Debug)]
pub enum Claim {
    Identity(Identity),
    Contact(Contact),
}

/// A person, as they say it.
#[derive(Clone, Debug)]
pub struct Identity {
    pub name: PersonName,
    pub birth_date: BirthDate,
    pub phone: PhoneNumber,
}

impl Claim {
    /// Where the code would go.
    pub fn contact(&self) -> Contact {
        match self {
            Claim::Identity(identity) => Contact::Phone(identity.phone.clone()),
            Claim::Contact(contact) => contact.clone(),
        }
    }
}

/// What became of a reset.
pub enum Reset {
    Reset { sessions_ended: usize, notification_queued: bool },
    ProofRejected(Rejection),
    PasswordRejected(Vec<Violation>),
    Quota(Refused),
}

enum Written {
    Changed { sessions_ended: usize, notices: Vec<DeliveryId> },
    Rejected(Rejection),
}

impl Accounts {
    /// Sends a code to choose a new password with, if the claim is an account's.
    ///
    /// # Errors
    /// A fault of the rooms below.
    pub async fn request_password_reset(
        &self,
        caller: &Caller,
        claim: Claim,
        channel: Channel,
        locale: Locale,
    ) -> Result<Sent, Fault> {
        let disclosed = self.0.settings.disclosed;
        let to = claim.contact();
        let kind = to.kind();
        let audience: Audience<Turned> = Audience::Account {
            identifier: rules::identifier(&to),
            judge: Box::new(move |account| match claim {
                Claim::Identity(Identity { name, birth_date, .. }) => {
                    rules::for_identity(account, &name, birth_date, disclosed)
                }
                Claim::Contact(_) => rules::for_holder(account, kind, disclosed),
            }),
        };
        let start = Start { purpose: Purpose::PasswordReset, to, channel, locale, idempotency_key: None, audience };
        Ok(self.0.verifications.start(caller, start).await?.into())
    }

    /// Sets a new password for the account that a proof was made for, ends its sessions and tells its contacts.
    ///
    /// The new password is judged before the proof is spent, so that a weak one costs nothing; and hashed before the
    /// transaction begins, since hashing takes long.
    ///
    /// # Errors
    /// A fault of the rooms below.
    pub async fn reset_password(
        &self,
        caller: &Caller,
        token: Option<ProofToken>,
        password: &Secret,
    ) -> Result<Reset, Fault> {
        let parts = &self.0;
        if let Err(refused) = parts.quotas.charge(Act::SpendProof, caller).await {
            return Ok(Reset::Quota(refused));
        }
        let Some(token_hash) = token.map(|token| token.hash()) else {
            return Ok(Reset::ProofRejected(Rejection::Unknown));
        };
        let now = parts.clock.now();
        let account = match parts.verifications.look_at_proof(&token_hash, Purpose::PasswordReset).await? {
            Err(reason) => return Ok(Reset::ProofRejected(reason)),
            Ok(proof) => match proof.account_id {
                Some(id) => parts.store.account(&Identifier::Id(id)).await?,
                None => None,
            },
        };
        // The account was erased since.
        let Some(account) = account else { return Ok(Reset::ProofRejected(Rejection::Unknown)) };
        let violations = self.violations(password, &account).await?;
        if !violations.is_empty() {
            return Ok(Reset::PasswordRejected(violations));
        }
        let hash = parts.hasher.hash(password).await?;
        let notices = notices::password_changed(&account, &parts.entropy, now);
        let written = parts
            .store
            .write(move |tx| Box::pin(async move { change(tx, &token_hash, &hash, notices, now).await }))
            .await?;
        match written {
            Written::Rejected(reason) => Ok(Reset::ProofRejected(reason)),
            Written::Changed { sessions_ended, notices } => {
                let notification_queued = !notices.is_empty();
                for notice in notices {
                    parts.outbox.dispatch(notice);
                }
                Ok(Reset::Reset { sessions_ended, notification_queued })
            }
        }
    }

    /// Everything that is wrong with a new password of this account.
    async fn violations(&self, password: &Secret, account: &entity::account::Model) -> Result<Vec<Violation>, Fault> {
        let parts = &self.0;
        let mut violations = parts.policy.judge(password, &context(account)).await?;
        // Only a password that would do is compared with the present one: comparing costs a hash.
        if violations.is_empty()
            && let Some(hash) = account.password_hash.as_deref().and_then(PasswordHash::from_stored)
            && parts.hasher.verify(password, Some(&hash)).await?.is_right()
        {
            violations.push(Violation::SameAsCurrent);
        }
        Ok(violations)
    }
}

/// What a password of this account must not contain.
fn context(account: &entity::account::Model) -> Context {
    let words = [Some(&account.username), account.name.as_ref(), account.phone.as_ref(), account.email.as_ref()];
    Context::new(words.into_iter().flatten().cloned())
}

async fn change(
    tx: &Tx,
    token_hash: &str,
    hash: &PasswordHash,
    notices: Vec<Order>,
    now: Instant,
) -> Result<Ending<Written>, Fault> {
    let spending = tx.spend_proof(token_hash, Purpose::PasswordReset, now).await?;
    let proof = match verification::spent(spending, Purpose::PasswordReset, now) {
        Ok(proof) => proof,
        Err(reason) => return Ok(Ending::Rollback(Written::Rejected(reason))),
    };
    let Some(id) = proof.account_id else { return Ok(Ending::Rollback(Written::Rejected(Rejection::Unknown))) };
    let Some(account) = tx.set_password(&id, hash.as_str(), now).await? else {
        return Ok(Ending::Rollback(Written::Rejected(Rejection::Unknown)));
    };
    let sessions_ended = tx.end_sessions(&account.id, None, now).await?.len();
    let ids = notices.iter().map(|notice| notice.id.clone()).collect();
    for notice in notices {
        tx.insert_delivery(notice.into_row(now)).await?;
    }
    Ok(Ending::Commit(Written::Changed { sessions_ended, notices: ids }))
}
