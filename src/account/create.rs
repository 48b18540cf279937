//! Creating an account from the command line, for seeding and for the first administrator.

use std::sync::Arc;

use super::Accounts;
use domain::{
    Timestamp,
    account::{Account, AccountStatus, Role},
    contact::{BirthDate, EmailAddress, PersonName, PhoneNumber, Username},
    ids::AccountId,
    locale::Locale,
};
use platform::{
    fault::Fault,
    password::{PasswordContext, PasswordHash, Violation},
    secret::Secret,
    telemetry::audit::{self, Event},
};
use store::TxOutcome;

/// An account as entered by an operator. Its contacts count as verified: the operator vouches for them.
pub struct NewUser {
    pub username: Username,
    pub password: Secret,
    pub name: Option<PersonName>,
    pub birth_date: Option<BirthDate>,
    pub phone: Option<PhoneNumber>,
    pub email: Option<EmailAddress>,
    pub role: Role,
    pub locale: Locale,
}

/// Result of creating an account.
pub enum CreateUserOutcome {
    Created(AccountId),
    PasswordRejected(Vec<Violation>),
    /// The username, phone number or e-mail address belongs to another account.
    Taken,
}

impl NewUser {
    fn into_account(self, id: AccountId, password: &PasswordHash, now: Timestamp) -> Account {
        Account {
            id,
            username: self.username.as_str().to_owned(),
            username_key: self.username.key().to_owned(),
            name: self.name.as_ref().map(|name| name.as_str().to_owned()),
            name_key: self.name.as_ref().map(PersonName::key),
            nickname: None,
            nickname_key: None,
            birth_date: self.birth_date.map(BirthDate::date),
            phone_verified_at: self.phone.is_some().then_some(now),
            phone: self.phone.map(|phone| phone.as_str().to_owned()),
            email_key: self.email.as_ref().map(|email| email.key().to_owned()),
            claimed_email_key: None,
            email_verified_at: self.email.is_some().then_some(now),
            email: self.email.map(|email| email.as_str().to_owned()),
            profile_image_url: None,
            locale: self.locale.as_str().to_owned(),
            status: AccountStatus::Active,
            role: self.role,
            password_hash: Some(password.as_str().to_owned()),
            password_changed_at: Some(now),
            created_at: now,
            updated_at: now,
        }
    }
}

impl Accounts {
    /// Creates an active account.
    ///
    /// # Errors
    /// A fault of the store or of the hashing pool.
    pub async fn create_user(&self, run: Arc<str>, user: NewUser) -> Result<CreateUserOutcome, Fault> {
        let deps = &self.0;
        let words = [
            Some(user.username.as_str().to_owned()),
            user.name.as_ref().map(|name| name.as_str().to_owned()),
            user.phone.as_ref().map(|phone| phone.as_str().to_owned()),
            user.email.as_ref().map(|email| email.as_str().to_owned()),
            user.birth_date.map(|date| date.date().to_string()),
        ];
        let violations = deps.policy.check(&user.password, &PasswordContext::new(words.into_iter().flatten())).await?;
        if !violations.is_empty() {
            return Ok(CreateUserOutcome::PasswordRejected(violations));
        }
        let hash = deps.hasher.hash(&user.password).await?;
        let now = deps.clock.now();
        let id = AccountId::new(&deps.entropy);
        let row = user.into_account(id.clone(), &hash, now);
        let event = Event::internal(run, audit::Act::AdminCreateUser, audit::OK, now).account(id.clone());
        let entry = event.clone();
        let inserted = deps.store.write(move |tx| {
            Box::pin(async move {
                if !tx.insert_account(row).await? {
                    return Ok(TxOutcome::Rollback(false));
                }
                tx.insert_audit(&entry).await?;
                Ok(TxOutcome::Commit(true))
            })
        });
        if !inserted.await? {
            return Ok(CreateUserOutcome::Taken);
        }
        event.log();
        Ok(CreateUserOutcome::Created(id))
    }
}
