//! Changes of existing accounts.

use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, UpdateMany,
    sea_query::{Expr, LockType},
};

use super::{
    Tx,
    entity::Mapped,
    entity::account::{Column, Entity},
    is_unique_violation,
    text::Text,
};
use domain::{
    Timestamp,
    account::{Account, AccountContact, AccountStatus, Role},
    contact::ContactKind,
    ids::AccountId,
};
use platform::fault::{Fault, FaultContext};

/// A change of a profile; fields that are None stay unchanged.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    /// The display form, and the key.
    pub name: Option<Option<(String, String)>>,
    /// The display form, and the key.
    pub nickname: Option<Option<(String, String)>>,
    pub profile_image_url: Option<Option<String>>,
}

/// A unique value is in use by another account; the transaction can only be rolled back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UniqueViolation;

impl Tx {
    /// Sets or removes a contact of an account.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn set_contact(
        &self,
        id: &AccountId,
        contact: &AccountContact,
        now: Timestamp,
    ) -> Result<Result<Option<Account>, UniqueViolation>, Fault> {
        let (shown, key) = contact.contact.clone().unzip();
        let update = match contact.kind {
            ContactKind::Phone => change(id, now)
                .col_expr(Column::Phone, Expr::val(shown))
                .col_expr(Column::PhoneVerifiedAt, Expr::val(contact.verified_at)),
            ContactKind::Email => change(id, now)
                .col_expr(Column::Email, Expr::val(shown))
                .col_expr(Column::EmailKey, Expr::val(key))
                .col_expr(Column::EmailVerifiedAt, Expr::val(contact.verified_at)),
        };
        self.account_changed(update).await.context("setting a contact")
    }

    /// Changes a profile.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn change_profile(
        &self,
        id: &AccountId,
        profile: ProfileChange,
        now: Timestamp,
    ) -> Result<Result<Option<Account>, UniqueViolation>, Fault> {
        let mut update = change(id, now);
        if let Some(name) = profile.name {
            let (shown, key) = name.unzip();
            update = update.col_expr(Column::Name, Expr::val(shown)).col_expr(Column::NameKey, Expr::val(key));
        }
        if let Some(nickname) = profile.nickname {
            let (shown, key) = nickname.unzip();
            update = update.col_expr(Column::Nickname, Expr::val(shown)).col_expr(Column::NicknameKey, Expr::val(key));
        }
        if let Some(url) = profile.profile_image_url {
            update = update.col_expr(Column::ProfileImageUrl, Expr::val(url));
        }
        self.account_changed(update).await.context("changing a profile")
    }

    /// Removes an account's password: password sign-in is possible again once a new one is set.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn remove_password(&self, id: &AccountId, now: Timestamp) -> Result<(), Fault> {
        let changed_at = self.password_change_time(id, now).await?;
        let update = change(id, now)
            .col_expr(Column::PasswordHash, Expr::null())
            .col_expr(Column::PasswordChangedAt, Expr::val(changed_at));
        update.exec(&self.0).await.context("dropping a password")?;
        Ok(())
    }

    /// Sets the status of an account.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn set_status(
        &self,
        id: &AccountId,
        status: AccountStatus,
        now: Timestamp,
    ) -> Result<Option<Account>, Fault> {
        let update = change(id, now).col_expr(Column::Status, Expr::val(Text(status)));
        Ok(update.exec_with_returning(&self.0).await.context("setting a status")?.pop().mapped())
    }

    /// Sets the role of an account.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn set_role(&self, id: &AccountId, role: Role, now: Timestamp) -> Result<Option<Account>, Fault> {
        let update = change(id, now).col_expr(Column::Role, Expr::val(Text(role)));
        Ok(update.exec_with_returning(&self.0).await.context("setting a role")?.pop().mapped())
    }

    /// Every active administrator, locked in one order until the transaction ends: if two remove each other at once,
    /// the second sees the change of the first.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn lock_administrators(&self) -> Result<Vec<AccountId>, Fault> {
        let find = Entity::find()
            .filter(Column::Role.eq(Text(Role::Admin)))
            .filter(Column::Status.eq(Text(AccountStatus::Active)))
            .order_by_asc(Column::Id)
            .lock(LockType::NoKeyUpdate);
        let rows = find.all(&self.0).await.context("locking the administrators")?;
        Ok(rows.into_iter().map(|row| row.id.0).collect())
    }

    async fn account_changed(
        &self,
        update: UpdateMany<Entity>,
    ) -> Result<Result<Option<Account>, UniqueViolation>, Fault> {
        match update.exec_with_returning(&self.0).await {
            Ok(mut rows) => Ok(Ok(rows.pop().mapped())),
            Err(error) if is_unique_violation(&error) => Ok(Err(UniqueViolation)),
            Err(error) => Err(error.into()),
        }
    }
}

fn change(id: &AccountId, now: Timestamp) -> UpdateMany<Entity> {
    Entity::update_many().filter(Column::Id.eq(id.as_str())).col_expr(Column::UpdatedAt, Expr::val(now))
}
