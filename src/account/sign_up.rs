//! Sign-up: with a verified contact, or with an e-mail address that is verified afterwards.

use super::{Accounts, Deps, password_context};
use crate::{
    quota::Operation,
    session::{AuthenticationResult, Device, Method, NewSession, PendingSession, Tokens},
    verification::{self, ProofToken, RecipientSource, Rejection, Start, StartOutcome, VerificationView},
};
use domain::{
    Timestamp,
    account::{Account, AccountStatus, Identifier, Role, rules},
    caller::RequestInfo,
    channel::Channel,
    contact::{BirthDate, Contact, ContactKind, EmailAddress, Nickname, PersonName, Username},
    ids::AccountId,
    locale::Locale,
    notice::Notice,
    proof::Proof,
    purpose::Purpose,
    quota::Refused,
    verification::Recipient,
};
use platform::{
    fault::Fault,
    password::Violation,
    secret::Secret,
    telemetry::audit::{self, Event},
};
use store::{Tx, TxOutcome};

/// The data of a sign-up.
pub struct SignUpRequest {
    pub username: Username,
    pub password: Secret,
    pub name: Option<PersonName>,
    pub nickname: Option<Nickname>,
    pub birth_date: Option<BirthDate>,
    pub profile_image_url: Option<String>,
    pub locale: Locale,
    pub device: Device,
}

/// Result of a sign-up.
pub enum SignUpOutcome {
    SignedUp {
        account: Box<Account>,
        /// None: the account waits for its address to be verified, or for approval by an administrator.
        tokens: Option<Box<Tokens>>,
        /// The verification of the address, if it is not verified yet.
        verification: Option<Box<VerificationView>>,
    },
    ProofRejected(Rejection),
    PasswordRejected(Vec<Violation>),
    UsernameTaken,
    NicknameTaken,
    ContactTaken,
    /// The service requires a proof for sign-up.
    ProofMissing,
    Quota(Refused),
}

/// The value that belongs to another account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TakenField {
    Username,
    Nickname,
    Contact,
}

impl From<TakenField> for SignUpOutcome {
    fn from(taken: TakenField) -> Self {
        match taken {
            TakenField::Username => SignUpOutcome::UsernameTaken,
            TakenField::Nickname => SignUpOutcome::NicknameTaken,
            TakenField::Contact => SignUpOutcome::ContactTaken,
        }
    }
}

impl SignUpOutcome {
    /// The outcome in the audit trail.
    fn outcome(&self) -> &'static str {
        match self {
            SignUpOutcome::SignedUp { .. } => audit::OK,
            SignUpOutcome::ProofRejected(_) => "proof_rejected",
            SignUpOutcome::PasswordRejected(_) => "password_rejected",
            SignUpOutcome::UsernameTaken => "username_taken",
            SignUpOutcome::NicknameTaken => "nickname_taken",
            SignUpOutcome::ContactTaken => "contact_taken",
            SignUpOutcome::ProofMissing => audit::INVALID_INPUT,
            SignUpOutcome::Quota(_) => audit::QUOTA_EXCEEDED,
        }
    }
}

enum WriteResult {
    Created(Option<Box<NewSession>>),
    Taken,
    Rejected(Rejection),
}

impl Accounts {
    /// Creates an account for the contact of a SIGN_UP proof. The account is active at once, unless sign-ups require
    /// approval.
    ///
    /// # Errors
    /// A fault of the store, the quotas or the password hasher.
    pub async fn sign_up(
        &self,
        caller: &RequestInfo,
        token: Option<ProofToken>,
        request: SignUpRequest,
    ) -> Result<SignUpOutcome, Fault> {
        let deps = &self.0;
        let event = deps.event(caller, audit::Act::SignUp);
        let outcome = self.sign_up_proved(caller, token, request, &event).await?;
        match &outcome {
            // Already in the audit trail.
            SignUpOutcome::SignedUp { .. } => Ok(outcome),
            refused => deps.record_outcome(event, refused.outcome(), ()).await.map(|()| outcome),
        }
    }

    async fn sign_up_proved(
        &self,
        caller: &RequestInfo,
        token: Option<ProofToken>,
        request: SignUpRequest,
        event: &Event,
    ) -> Result<SignUpOutcome, Fault> {
        let deps = &self.0;
        if let Err(refused) = deps.quotas.charge(Operation::SignUp, caller).await {
            return Ok(SignUpOutcome::Quota(refused));
        }
        let Some(token_hash) = token.map(|token| token.hash()) else {
            return Ok(SignUpOutcome::ProofRejected(Rejection::Unknown));
        };
        let proof = match deps.verifications.check_proof(&token_hash, Purpose::SignUp).await? {
            Ok(proof) => proof,
            Err(reason) => return Ok(SignUpOutcome::ProofRejected(reason)),
        };
        let now = deps.clock.now();
        let status = rules::initial_status(deps.settings.approval);
        let device = request.device.clone();
        let password = request.password.clone();
        let mut account = deps.draft(request, status, now);
        let Some(contact) = Contact::from_stored(proof.contact_kind, &proof.contact) else {
            return Err(Fault::internal("the stored contact of a proof is invalid"));
        };
        account.set_contact(&contact, Some(now));
        if let Some(taken) = deps.taken_field(&account).await? {
            return Ok(taken.into());
        }
        if let Err(violations) = deps.set_password(&mut account, &password).await? {
            return Ok(SignUpOutcome::PasswordRejected(violations));
        }
        let opening = (status == AccountStatus::Active).then(|| deps.sessions.prepare(caller, &account, device, false));
        let entry = event.clone().account(account.id.clone()).contact(contact.masked());
        let (row, event) = (account.clone(), entry.clone());
        let write = deps
            .store
            .write(move |tx| Box::pin(async move { create(tx, row, &token_hash, opening, &event, now).await }));
        match write.await? {
            WriteResult::Rejected(reason) => Ok(SignUpOutcome::ProofRejected(reason)),
            // A concurrent sign-up took the value; the proof was not spent.
            WriteResult::Taken => Ok(deps.taken_field(&account).await?.unwrap_or(TakenField::Username).into()),
            WriteResult::Created(opened) => {
                entry.log();
                let tokens = opened.map(|opened| deps.sessions.issue_tokens(&account, &opened)).transpose()?;
                Ok(SignUpOutcome::SignedUp {
                    account: Box::new(account),
                    tokens: tokens.map(Box::new),
                    verification: None,
                })
            }
        }
    }

    /// Creates an account that waits for the code sent to its address (`ACTIVATION=email`).
    ///
    /// A second sign-up with an unverified address replaces the first, so that entering an address does not reserve it;
    /// the owner of the address decides by confirming a code. A sign-up with an address that an account has verified
    /// looks the same to the caller: its username is reserved as usual, the owner is notified instead of being sent a
    /// code, and no code confirms it.
    ///
    /// # Errors
    /// A fault of the store, the quotas or the password hasher.
    pub async fn sign_up_by_email(
        &self,
        caller: &RequestInfo,
        email: EmailAddress,
        request: SignUpRequest,
    ) -> Result<SignUpOutcome, Fault> {
        let deps = &self.0;
        let event = deps.event(caller, audit::Act::SignUp).contact(email.masked());
        if let Err(refused) = deps.quotas.charge(Operation::SignUp, caller).await {
            return deps.record_refusal(event, SignUpOutcome::Quota(refused)).await;
        }
        if !deps.settings.activation_by_email {
            return deps.record_refusal(event, SignUpOutcome::ProofMissing).await;
        }
        let now = deps.clock.now();
        let (locale, password) = (request.locale, request.password.clone());
        let mut account = deps.draft(request, AccountStatus::PendingVerification, now);
        let contact = Contact::Email(email);
        account.set_contact(&contact, None);
        if let Some(taken) = deps.taken_field(&account).await? {
            return deps.record_refusal(event, taken.into()).await;
        }
        if let Err(violations) = deps.set_password(&mut account, &password).await? {
            return deps.record_refusal(event, SignUpOutcome::PasswordRejected(violations)).await;
        }
        let (row, disclosed) = (account.clone(), deps.settings.discloses_accounts);
        let recipient_source: RecipientSource<TakenField> = RecipientSource::InTransaction(Box::new(move |tx| {
            Box::pin(async move { insert_pending(tx, row, disclosed).await })
        }));
        let start = Start {
            purpose: Purpose::SignUp,
            to: contact,
            channel: Channel::Email,
            locale,
            idempotency_key: None,
            recipient_source,
            known_client: false,
            act: audit::Act::SignUp,
        };
        match deps.verifications.start(caller, start).await? {
            StartOutcome::Sent(verification) => Ok(SignUpOutcome::SignedUp {
                account: Box::new(account),
                tokens: None,
                verification: Some(Box::new(verification)),
            }),
            StartOutcome::Quota(refused) => Ok(SignUpOutcome::Quota(refused)),
            StartOutcome::Refused(taken) => {
                let taken = deps.taken_field(&account).await?.unwrap_or(taken);
                deps.record_refusal(event, taken.into()).await
            }
        }
    }
}

impl Deps {
    /// The account of a sign-up, without contact and password.
    fn draft(&self, request: SignUpRequest, status: AccountStatus, now: Timestamp) -> Account {
        Account {
            id: AccountId::new(&self.entropy),
            username: request.username.as_str().to_owned(),
            username_key: request.username.key().to_owned(),
            name_key: request.name.as_ref().map(PersonName::key),
            name: request.name.map(|name| name.as_str().to_owned()),
            nickname_key: request.nickname.as_ref().map(|nickname| nickname.key().to_owned()),
            nickname: request.nickname.map(|nickname| nickname.as_str().to_owned()),
            birth_date: request.birth_date.map(BirthDate::date),
            phone: None,
            phone_verified_at: None,
            email: None,
            email_key: None,
            claimed_email_key: None,
            email_verified_at: None,
            profile_image_url: request.profile_image_url,
            locale: request.locale.as_str().to_owned(),
            status,
            role: Role::User,
            password_hash: None,
            password_changed_at: Some(now),
            created_at: now,
            updated_at: now,
        }
    }

    async fn record_refusal(&self, event: Event, refused: SignUpOutcome) -> Result<SignUpOutcome, Fault> {
        self.record_outcome(event, refused.outcome(), refused).await
    }

    /// Checks the password of a new account and stores its hash in the row.
    async fn set_password(
        &self,
        account: &mut Account,
        password: &Secret,
    ) -> Result<Result<(), Vec<Violation>>, Fault> {
        let violations = self.policy.check(password, &password_context(account)).await?;
        if !violations.is_empty() {
            return Ok(Err(violations));
        }
        account.password_hash = Some(self.hasher.hash(password).await?.as_str().to_owned());
        Ok(Ok(()))
    }

    /// The value that belongs to another account. A contact counts only if it is verified on both sides: an unverified
    /// contact reserves nothing and reveals nothing.
    async fn taken_field(&self, account: &Account) -> Result<Option<TakenField>, Fault> {
        for (name, taken) in unique_names(account) {
            let holder = self.store.account(&name).await?;
            if holder.is_some_and(|holder| !rules::is_replaced_by(&holder, account)) {
                return Ok(Some(taken));
            }
        }
        let proved = [
            account.phone.clone().filter(|_| account.phone_verified_at.is_some()).map(Identifier::Phone),
            account.email_key.clone().filter(|_| account.email_verified_at.is_some()).map(Identifier::Email),
        ];
        for identifier in proved.into_iter().flatten() {
            let holder = self.store.account(&identifier).await?;
            if holder.is_some_and(|holder| !rules::is_unverified(&holder)) {
                return Ok(Some(TakenField::Contact));
            }
        }
        Ok(None)
    }
}

/// The unique names of an account.
fn unique_names(account: &Account) -> impl Iterator<Item = (Identifier, TakenField)> {
    let username = (Identifier::Username(account.username_key.clone()), TakenField::Username);
    let nickname = account.nickname_key.clone().map(|key| (Identifier::Nickname(key), TakenField::Nickname));
    std::iter::once(username).chain(nickname)
}

/// Deletes earlier unverified sign-ups with the same address.
async fn delete_replaceable(tx: &Tx, account: &Account, contact: &Identifier) -> Result<(), Fault> {
    tx.delete_unverified_account(contact).await?;
    for (name, _) in unique_names(account) {
        if let Some(holder) = tx.account(&name).await?.filter(|holder| rules::is_replaced_by(holder, account)) {
            tx.delete_account(&holder.id).await?;
        }
    }
    Ok(())
}

/// Spends the proof, creates the account and opens its first session, atomically.
async fn create(
    tx: &Tx,
    account: Account,
    token_hash: &str,
    opening: Option<PendingSession>,
    entry: &Event,
    now: Timestamp,
) -> Result<TxOutcome<WriteResult>, Fault> {
    let spending = tx.spend_proof(token_hash, Purpose::SignUp, now).await?;
    let proof: Proof = match verification::spent_proof(spending, Purpose::SignUp, now) {
        Ok(proof) => proof,
        Err(reason) => return Ok(TxOutcome::Rollback(WriteResult::Rejected(reason))),
    };
    let contact = match proof.contact_kind {
        ContactKind::Phone => Identifier::Phone(proof.contact_key.clone()),
        ContactKind::Email => Identifier::Email(proof.contact_key.clone()),
    };
    delete_replaceable(tx, &account, &contact).await?;
    let id = account.id.clone();
    if !tx.insert_account(account).await? {
        return Ok(TxOutcome::Rollback(WriteResult::Taken));
    }
    tx.set_verification_account(&proof.verification_id, &id).await?;
    let opened = match opening {
        Some(opening) => {
            let verification = tx.verification(&proof.verification_id).await?;
            let methods = verification.map(|row| Method::from_channel(row.delivery_channel)).into_iter().collect();
            // The methods used at sign-up count: no contact of the account was changed before.
            Some(Box::new(opening.write(tx, AuthenticationResult { methods, is_established: true }).await?))
        }
        None => None,
    };
    tx.insert_audit(entry).await?;
    Ok(TxOutcome::Commit(WriteResult::Created(opened)))
}

/// Inserts the account that waits for a code, and returns the recipient.
async fn insert_pending(
    tx: &Tx,
    mut account: Account,
    disclosed: bool,
) -> Result<Result<Recipient, TakenField>, Fault> {
    let key = account.email_key.clone().unwrap_or_default();
    account.claimed_email_key = Some(key.clone());
    let address = Identifier::Email(key);
    delete_replaceable(tx, &account, &address).await?;
    let recipient = match tx.account(&address).await? {
        None => Recipient::Code { account: Some(account.id.clone()), to: None },
        Some(_) if disclosed => return Ok(Err(TakenField::Contact)),
        Some(owner) => {
            // The address stays the owner's: this row only records it as entered. It can never be activated; the
            // janitor deletes it with other unverified accounts.
            account.email_key = None;
            let to = rules::stored_contact(&owner, ContactKind::Email);
            Recipient::NotifyOwner { account: owner.id, to, notice: Notice::AccountExists }
        }
    };
    Ok(if tx.insert_account(account).await? { Ok(recipient) } else { Err(TakenField::Username) })
}
