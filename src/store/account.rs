//! Accounts: finding, making, and what a sign-in or a new password writes.

use std::time::Duration;

use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QuerySelect,
    sea_query::{Expr, LockType},
};

use super::{
    Store, Tx,
    entity::account::{AccountStatus, Column, Entity, Model},
    is_taken,
};
use crate::{
    clock::Timestamp,
    fault::{Doing, Fault},
    ids::AccountId,
};

/// What an account can be found by, in its normalised form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identifier {
    Id(AccountId),
    Username(String),
    Nickname(String),
    Phone(String),
    Email(String),
}

impl Identifier {
    fn condition(&self) -> Expr {
        match self {
            Identifier::Id(id) => Column::Id.eq(id.as_str()),
            Identifier::Username(key) => Column::UsernameKey.eq(key.as_str()),
            Identifier::Nickname(key) => Column::NicknameKey.eq(key.as_str()),
            Identifier::Phone(phone) => Column::Phone.eq(phone.as_str()),
            Identifier::Email(key) => Column::EmailKey.eq(key.as_str()),
        }
    }
}

impl Store {
    /// The account that this names.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn account(&self, identifier: &Identifier) -> Result<Option<Model>, Fault> {
        let find = Entity::find().filter(identifier.condition());
        self.within(async { Ok(find.one(self.reader()).await?) }).await.doing("reading an account")
    }
}

impl Tx {
    /// Writes a new account. False: its username, nickname, phone or e-mail address is somebody else's; the
    /// transaction can only be rolled back then.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn insert_account(&self, row: Model) -> Result<bool, Fault> {
        match Entity::insert(row.into_active_model()).exec_without_returning(&self.0).await {
            Ok(_) => Ok(true),
            Err(error) if is_taken(&error) => Ok(false),
            Err(error) => Err(error).doing("inserting an account"),
        }
    }

    /// The account as this transaction sees it.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn account(&self, identifier: &Identifier) -> Result<Option<Model>, Fault> {
        Entity::find().filter(identifier.condition()).one(&self.0).await.doing("reading an account")
    }

    /// The account, locked until the transaction ends: what is decided by its status or its password stays true.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn lock_account(&self, id: &AccountId) -> Result<Option<Model>, Fault> {
        let find = Entity::find_by_id(id.clone()).lock(LockType::NoKeyUpdate);
        find.one(&self.0).await.doing("locking an account")
    }

    /// Sets an account's password. `hash` is what is stored. None: there is no such account.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn set_password(&self, id: &AccountId, hash: &str, now: Timestamp) -> Result<Option<Model>, Fault> {
        let changed_at = self.password_change_time(id, now).await?;
        let update = Entity::update_many()
            .filter(Column::Id.eq(id.as_str()))
            .col_expr(Column::PasswordHash, Expr::val(hash))
            .col_expr(Column::PasswordChangedAt, Expr::val(changed_at))
            .col_expr(Column::UpdatedAt, Expr::val(now));
        Ok(update.exec_with_returning(&self.0).await.doing("setting a password")?.pop())
    }

    /// When a password of this account is said to have been changed: now, and later than any change before. A contact
    /// change knows the account's password by that time, also where the clocks of two processes differ.
    pub(super) async fn password_change_time(&self, id: &AccountId, now: Timestamp) -> Result<Timestamp, Fault> {
        let account = Entity::find_by_id(id.clone()).one(&self.0).await.doing("reading an account")?;
        let before = account.and_then(|account| account.password_changed_at);
        Ok(before.map_or(now, |before| Ord::max(now, before + Duration::from_millis(1))))
    }

    /// Keeps the same password in another way: with the parameters of today.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn rehash_password(&self, id: &AccountId, hash: &str) -> Result<(), Fault> {
        let update =
            Entity::update_many().filter(Column::Id.eq(id.as_str())).col_expr(Column::PasswordHash, Expr::val(hash));
        update.exec(&self.0).await.doing("rehashing a password")?;
        Ok(())
    }

    /// Activates an account whose address was proved, or has it wait for an administrator. False: it does not wait for
    /// that, or for that address, any more.
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
            .filter(Column::Status.eq(AccountStatus::PendingVerification))
            .col_expr(Column::Status, Expr::val(status))
            .col_expr(Column::EmailVerifiedAt, Expr::val(now))
            .col_expr(Column::ClaimedEmailKey, Expr::null())
            .col_expr(Column::UpdatedAt, Expr::val(now));
        Ok(update.exec(&self.0).await.doing("activating an account")?.rows_affected > 0)
    }

    /// Gives up an account that never proved to hold this contact: whoever proves it, or signs up with it anew, takes
    /// its place.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn give_up_unproved(&self, contact: &Identifier) -> Result<(), Fault> {
        // Whether it is another account's must not be seen from what is given up.
        let typed = match contact {
            Identifier::Email(key) => contact.condition().or(Column::ClaimedEmailKey.eq(key.as_str())),
            _ => contact.condition(),
        };
        let delete = Entity::delete_many()
            .filter(typed)
            .filter(Column::Status.eq(AccountStatus::PendingVerification))
            .filter(Column::EmailVerifiedAt.is_null())
            .filter(Column::PhoneVerifiedAt.is_null());
        delete.exec(&self.0).await.doing("giving up an unproved account")?;
        Ok(())
    }

    /// Erases an account; what hangs on it goes with it.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn delete_account(&self, id: &AccountId) -> Result<(), Fault> {
        Entity::delete_by_id(id.clone()).exec(&self.0).await.doing("erasing an account")?;
        Ok(())
    }
}
