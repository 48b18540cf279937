//! Accounts that exist before a test starts.

use countersign::app::Settings;
use domain::{
    account::{self, AccountStatus, Role},
    contact::{EmailAddress, PersonName},
    ids::AccountId,
};
use platform::{clock::Entropy, supervisor::Supervisor};
use store::{Store, TxOutcome};

use super::TestApp;

/// The fields of an account that tests look it up by.
pub struct Account {
    pub phone: Option<String>,
    pub email: Option<String>,
    pub status: AccountStatus,
    pub password_hash: Option<String>,
}

impl Account {
    /// An active account with this phone number. Its owner is 홍길동, born on 1990-03-14.
    pub fn with_phone(phone: &str) -> Self {
        Self { phone: Some(phone.to_owned()), email: None, status: AccountStatus::Active, password_hash: None }
    }

    #[must_use]
    pub fn and_email(self, email: &str) -> Self {
        Self { email: Some(email.to_owned()), ..self }
    }

    #[must_use]
    pub fn suspended(self) -> Self {
        Self { status: AccountStatus::Suspended, ..self }
    }

    #[must_use]
    pub fn and_password_hash(self, hash: &str) -> Self {
        Self { password_hash: Some(hash.to_owned()), ..self }
    }

    fn into_row(self, app: &TestApp) -> account::Account {
        let now = app.now();
        let id = AccountId::new(&Entropy::System);
        let name = PersonName::parse("홍길동").unwrap();
        let email = self.email.map(|email| EmailAddress::parse(&email).unwrap());
        account::Account {
            username: id.as_str().to_owned(),
            username_key: id.as_str().to_owned(),
            id,
            name_key: Some(name.key()),
            name: Some(name.as_str().to_owned()),
            nickname: None,
            nickname_key: None,
            birth_date: "1990-03-14".parse().ok(),
            phone_verified_at: self.phone.is_some().then_some(now),
            phone: self.phone,
            email_verified_at: email.is_some().then_some(now),
            email_key: email.as_ref().map(|email| email.key().to_owned()),
            claimed_email_key: None,
            email: email.map(|email| email.as_str().to_owned()),
            profile_image_url: None,
            locale: "ko".to_owned(),
            status: self.status,
            role: Role::User,
            password_hash: self.password_hash,
            password_changed_at: None,
            created_at: now,
            updated_at: now,
        }
    }
}

impl TestApp {
    /// Inserts accounts without a password.
    pub async fn insert_accounts(&self, accounts: impl IntoIterator<Item = Account>) {
        let rows: Vec<_> = accounts.into_iter().map(|account| account.into_row(self)).collect();
        let settings = Settings::from_vars(self.vars().clone()).unwrap();
        let store = Store::open(&settings.config.store, &Supervisor::default()).await.unwrap();
        let written = store.write(move |tx| {
            Box::pin(async move {
                for row in rows {
                    assert!(tx.insert_account(row).await?, "taken");
                }
                Ok(TxOutcome::Commit(()))
            })
        });
        written.await.unwrap();
        store.close().await;
    }
}
