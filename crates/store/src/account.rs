//! Accounts: lookup, creation, passwords and activation.

use std::time::Duration;

use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QuerySelect,
    sea_query::{Expr, LockType},
};

use super::{
    Store, Tx,
    entity::Mapped,
    entity::account::{Column, Entity},
    is_unique_violation,
    text::Text,
};
use domain::{
    Timestamp,
    account::{Account, AccountStatus, Identifier},
    ids::AccountId,
};
use platform::fault::{Fault, FaultContext};

/// The condition by which an identifier finds its account.
fn condition(identifier: &Identifier) -> Expr {
    match identifier {
        Identifier::Id(id) => Column::Id.eq(id.as_str()),
        Identifier::Username(key) => Column::UsernameKey.eq(key.as_str()),
        Identifier::Nickname(key) => Column::NicknameKey.eq(key.as_str()),
        Identifier::Phone(phone) => Column::Phone.eq(phone.as_str()),
        Identifier::Email(key) => Column::EmailKey.eq(key.as_str()),
    }
}

impl Store {
    /// The account with this identifier.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn account(&self, identifier: &Identifier) -> Result<Option<Account>, Fault> {
        let find = Entity::find().filter(condition(identifier));
        self.with_timeout(async { Ok(find.one(self.reader()).await?) }).await.context("reading an account").mapped()
    }
}

impl Tx {
    /// Inserts an account. False: its username, nickname, phone or e-mail address is in use; the transaction can then
    /// only be rolled back.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn insert_account(&self, row: Account) -> Result<bool, Fault> {
        match Entity::insert(row.into_active_model()).exec_without_returning(&self.0).await {
            Ok(_) => Ok(true),
            Err(error) if is_unique_violation(&error) => Ok(false),
            Err(error) => Err(error).context("inserting an account"),
        }
    }

    /// The account, read within this transaction.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn account(&self, identifier: &Identifier) -> Result<Option<Account>, Fault> {
        Entity::find().filter(condition(identifier)).one(&self.0).await.context("reading an account").mapped()
    }

    /// The account, locked until the transaction ends, so that its status and password do not change.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn lock_account(&self, id: &AccountId) -> Result<Option<Account>, Fault> {
        let find = Entity::find_by_id(id.clone()).lock(LockType::NoKeyUpdate);
        find.one(&self.0).await.context("locking an account").mapped()
    }

    /// Sets an account's password. `hash` is stored. None: there is no such account.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn set_password(&self, id: &AccountId, hash: &str, now: Timestamp) -> Result<Option<Account>, Fault> {
        let changed_at = self.password_change_time(id, now).await?;
        let update = Entity::update_many()
            .filter(Column::Id.eq(id.as_str()))
            .col_expr(Column::PasswordHash, Expr::val(hash))
            .col_expr(Column::PasswordChangedAt, Expr::val(changed_at))
            .col_expr(Column::UpdatedAt, Expr::val(now));
        Ok(update.exec_with_returning(&self.0).await.context("setting a password")?.pop().mapped())
    }

    /// The time to record for a password change: now, but later than any earlier change. A contact change refers to the
    /// account's password by this time, even where the clocks of two processes differ.
    pub(super) async fn password_change_time(&self, id: &AccountId, now: Timestamp) -> Result<Timestamp, Fault> {
        let account = Entity::find_by_id(id.clone()).one(&self.0).await.context("reading an account")?;
        let before = account.and_then(|account| account.password_changed_at);
        Ok(before.map_or(now, |before| Ord::max(now, before + Duration::from_millis(1))))
    }

    /// Stores a new hash of the same password, with the current parameters.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn rehash_password(&self, id: &AccountId, hash: &str) -> Result<(), Fault> {
        let update =
            Entity::update_many().filter(Column::Id.eq(id.as_str())).col_expr(Column::PasswordHash, Expr::val(hash));
        update.exec(&self.0).await.context("rehashing a password")?;
        Ok(())
    }

    /// Activates an account whose e-mail address was verified, or sets it to wait for an administrator. False: it is no
    /// longer pending, or has another address.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn activate_account(
        &self,
        id: &AccountId,
        email_key: &str,
        status: AccountStatus,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let update = Entity::update_many()
            .filter(Column::Id.eq(id.as_str()))
            .filter(Column::EmailKey.eq(email_key))
            .filter(Column::Status.eq(Text(AccountStatus::PendingVerification)))
            .col_expr(Column::Status, Expr::val(Text(status)))
            .col_expr(Column::EmailVerifiedAt, Expr::val(now))
            .col_expr(Column::ClaimedEmailKey, Expr::null())
            .col_expr(Column::UpdatedAt, Expr::val(now));
        Ok(update.exec(&self.0).await.context("activating an account")?.rows_affected > 0)
    }

    /// Deletes an account that never verified this contact, so that the contact can be verified by or signed up for
    /// another account.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn delete_unverified_account(&self, contact: &Identifier) -> Result<(), Fault> {
        // Also matches a claimed address, so that the deletion does not disclose whether the address belongs to another
        // account.
        let matching = match contact {
            Identifier::Email(key) => condition(contact).or(Column::ClaimedEmailKey.eq(key.as_str())),
            _ => condition(contact),
        };
        let delete = Entity::delete_many()
            .filter(matching)
            .filter(Column::Status.eq(Text(AccountStatus::PendingVerification)))
            .filter(Column::EmailVerifiedAt.is_null())
            .filter(Column::PhoneVerifiedAt.is_null());
        delete.exec(&self.0).await.context("deleting an unverified account")?;
        Ok(())
    }

    /// Deletes an account, with the rows that reference it.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn delete_account(&self, id: &AccountId) -> Result<(), Fault> {
        Entity::delete_by_id(id.clone()).exec(&self.0).await.context("deleting an account")?;
        Ok(())
    }
}
