//! Refresh tokens: exchanged once.

use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::Expr};

use super::{
    Tx,
    entity::refresh_token::{Column, Entity, Model},
};
use crate::{
    clock::Instant,
    fault::{Doing, Fault},
};

impl Tx {
    /// Writes a new token.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn insert_refresh_token(&self, row: Model) -> Result<(), Fault> {
        let insert = Entity::insert(row.into_active_model());
        insert.exec_without_returning(&self.0).await.doing("inserting a refresh token")?;
        Ok(())
    }

    /// The token with this hash.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn refresh_token(&self, token_hash: &str) -> Result<Option<Model>, Fault> {
        Entity::find_by_id(token_hash.to_owned()).one(&self.0).await.doing("reading a refresh token")
    }

    /// Exchanges a token, if nobody did before: the statement that judges is the one that marks.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn use_refresh_token(&self, token_hash: &str, now: Instant) -> Result<bool, Fault> {
        let update = Entity::update_many()
            .filter(Column::TokenHash.eq(token_hash))
            .filter(Column::UsedAt.is_null())
            .col_expr(Column::UsedAt, Expr::val(now));
        Ok(update.exec(&self.0).await.doing("exchanging a refresh token")?.rows_affected > 0)
    }
}
