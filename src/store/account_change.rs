//! What changes of an account while it lives.

use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, UpdateMany,
    sea_query::{Expr, LockType},
};

use super::{
    Identifier, Tx,
    entity::account::{AccountStatus, Column, Entity, Model, Role},
    is_taken,
};
use crate::{
    clock::Timestamp,
    contact::ContactKind,
    fault::{Doing, Fault},
    ids::AccountId,
};

/// A contact as an account holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub kind: ContactKind,
    /// Its delivered form and its comparison form. None: the account has no contact of this kind.
    pub contact: Option<(String, String)>,
    pub verified_at: Option<Timestamp>,
}

impl Held {
    /// What names whoever else holds it; none: it is no contact.
    pub fn identifier(&self) -> Option<Identifier> {
        let (_, key) = self.contact.clone()?;
        Some(match self.kind {
            ContactKind::Phone => Identifier::Phone(key),
            ContactKind::Email => Identifier::Email(key),
        })
    }
}

/// What somebody changes of their profile; what is None stays.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    /// As shown, and its key.
    pub name: Option<Option<(String, String)>>,
    /// As shown, and its key.
    pub nickname: Option<Option<(String, String)>>,
    pub profile_image_url: Option<Option<String>>,
}

/// A value that has to be nobody else's was somebody else's; the transaction can only be rolled back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken;

impl Tx {
    /// Gives an account a contact, or takes it away.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn set_contact(
        &self,
        id: &AccountId,
        held: &Held,
        now: Timestamp,
    ) -> Result<Result<Option<Model>, Taken>, Fault> {
        let (shown, key) = held.contact.clone().unzip();
        let update = match held.kind {
            ContactKind::Phone => change(id, now)
                .col_expr(Column::Phone, Expr::val(shown))
                .col_expr(Column::PhoneVerifiedAt, Expr::val(held.verified_at)),
            ContactKind::Email => change(id, now)
                .col_expr(Column::Email, Expr::val(shown))
                .col_expr(Column::EmailKey, Expr::val(key))
                .col_expr(Column::EmailVerifiedAt, Expr::val(held.verified_at)),
        };
        self.account_changed(update).await.doing("setting a contact")
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
    ) -> Result<Result<Option<Model>, Taken>, Fault> {
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
        self.account_changed(update).await.doing("changing a profile")
    }

    /// Takes an account's password away: it signs in again once a new one was chosen.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn drop_password(&self, id: &AccountId, now: Timestamp) -> Result<(), Fault> {
        let changed_at = self.password_change_time(id, now).await?;
        let update = change(id, now)
            .col_expr(Column::PasswordHash, Expr::null())
            .col_expr(Column::PasswordChangedAt, Expr::val(changed_at));
        update.exec(&self.0).await.doing("dropping a password")?;
        Ok(())
    }

    /// Says whether an account may be used.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn set_status(
        &self,
        id: &AccountId,
        status: AccountStatus,
        now: Timestamp,
    ) -> Result<Option<Model>, Fault> {
        let update = change(id, now).col_expr(Column::Status, Expr::val(status));
        Ok(update.exec_with_returning(&self.0).await.doing("setting a status")?.pop())
    }

    /// Says what an account may do.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn set_role(&self, id: &AccountId, role: Role, now: Timestamp) -> Result<Option<Model>, Fault> {
        let update = change(id, now).col_expr(Column::Role, Expr::val(role));
        Ok(update.exec_with_returning(&self.0).await.doing("setting a role")?.pop())
    }

    /// Every administrator who can act, locked in one order until the transaction ends: of two who put each other out
    /// at once, the second sees what the first one did.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn lock_administrators(&self) -> Result<Vec<AccountId>, Fault> {
        let find = Entity::find()
            .filter(Column::Role.eq(Role::Admin))
            .filter(Column::Status.eq(AccountStatus::Active))
            .order_by_asc(Column::Id)
            .lock(LockType::NoKeyUpdate);
        let rows = find.all(&self.0).await.doing("locking the administrators")?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    async fn account_changed(&self, update: UpdateMany<Entity>) -> Result<Result<Option<Model>, Taken>, Fault> {
        match update.exec_with_returning(&self.0).await {
            Ok(mut rows) => Ok(Ok(rows.pop())),
            Err(error) if is_taken(&error) => Ok(Err(Taken)),
            Err(error) => Err(error.into()),
        }
    }
}

fn change(id: &AccountId, now: Timestamp) -> UpdateMany<Entity> {
    Entity::update_many().filter(Column::Id.eq(id.as_str())).col_expr(Column::UpdatedAt, Expr::val(now))
}
