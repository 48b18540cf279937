//! Accounts.

use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::Expr};

use super::{
    Store, Tx,
    entity::{
        account::{Column, Entity, Model},
        session,
    },
    is_taken,
};
use crate::{
    clock::Instant,
    fault::{Doing, Fault},
    ids::{AccountId, SessionId},
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

    /// Sets an account's password. `hash` is a PHC string. None: there is no such account.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn set_password(&self, id: &AccountId, hash: &str, now: Instant) -> Result<Option<Model>, Fault> {
        let update = Entity::update_many()
            .filter(Column::Id.eq(id.as_str()))
            .col_expr(Column::PasswordHash, Expr::val(hash))
            .col_expr(Column::PasswordChangedAt, Expr::val(now))
            .col_expr(Column::UpdatedAt, Expr::val(now));
        Ok(update.exec_with_returning(&self.0).await.doing("setting a password")?.pop())
    }

    /// Ends every live session of an account but `keep`, and says which those were.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn end_sessions(
        &self,
        account: &AccountId,
        keep: Option<&SessionId>,
        now: Instant,
    ) -> Result<Vec<SessionId>, Fault> {
        let mut update = session::Entity::update_many()
            .filter(session::Column::AccountId.eq(account.as_str()))
            .filter(session::Column::EndedAt.is_null())
            .col_expr(session::Column::EndedAt, Expr::val(now));
        if let Some(keep) = keep {
            update = update.filter(session::Column::Id.ne(keep.as_str()));
        }
        let ended = update.exec_with_returning(&self.0).await.doing("ending sessions")?;
        Ok(ended.into_iter().filter(|session| session.expires_at > now).map(|session| session.id).collect())
    }
}
