//! Refresh tokens: each is exchanged once, and only within a live session.

use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect,
    sea_query::{Expr, Query, SelectStatement},
};

use super::{
    Tx,
    entity::Mapped,
    entity::{
        refresh_token::{Column, Entity},
        session,
    },
};
use domain::{Timestamp, ids::SessionId, session::RefreshToken};
use platform::fault::{Fault, FaultContext};

/// The exchange of a token for its successor: the time, and the client network of the request.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    pub session: &'a SessionId,
    pub token_hash: &'a str,
    pub successor_hash: &'a str,
    pub network: &'a str,
    pub now: Timestamp,
}

impl Tx {
    /// Inserts a new token.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn insert_refresh_token(&self, row: RefreshToken) -> Result<(), Fault> {
        let insert = Entity::insert(row.into_active_model());
        insert.exec_without_returning(&self.0).await.context("inserting a refresh token")?;
        Ok(())
    }

    /// The token with this hash.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn refresh_token(&self, token_hash: &str) -> Result<Option<RefreshToken>, Fault> {
        Entity::find_by_id(token_hash.to_owned()).one(&self.0).await.context("reading a refresh token").mapped()
    }

    /// The tokens with these hashes.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn refresh_tokens(&self, token_hashes: impl Iterator<Item = String>) -> Result<Vec<RefreshToken>, Fault> {
        let find = Entity::find().filter(Column::TokenHash.is_in(token_hashes));
        find.all(&self.0).await.context("reading refresh tokens").mapped()
    }

    /// The token that `token` was exchanged for. An earlier version did not store its hash; both rows then have the
    /// same time.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn successor_of(&self, token: &RefreshToken) -> Result<Option<RefreshToken>, Fault> {
        if let Some(hash) = &token.successor_hash {
            return self.refresh_token(hash).await;
        }
        let Some(used_at) = token.used_at else { return Ok(None) };
        let find = Entity::find()
            .filter(Column::SessionId.eq(token.session_id.as_str()))
            .filter(Column::CreatedAt.eq(used_at))
            .filter(Column::TokenHash.ne(token.token_hash.as_str()))
            .limit(1);
        find.one(&self.0).await.context("reading the successor of a refresh token").mapped()
    }

    /// Exchanges a token that was neither exchanged nor replaced before, if its session is live. One statement checks
    /// and marks it.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn exchange_refresh_token(&self, exchange: &Exchange<'_>) -> Result<bool, Fault> {
        let update = Entity::update_many()
            .filter(Column::TokenHash.eq(exchange.token_hash))
            .filter(Column::UsedAt.is_null())
            .filter(Column::ReplacedAt.is_null())
            .filter(Column::SessionId.in_subquery(live(exchange)))
            .col_expr(Column::UsedAt, Expr::val(exchange.now))
            .col_expr(Column::UsedNetwork, Expr::val(exchange.network))
            .col_expr(Column::SuccessorHash, Expr::val(exchange.successor_hash));
        Ok(update.exec(&self.0).await.context("exchanging a refresh token")?.rows_affected > 0)
    }

    /// Replaces the unused token `replaced` by another one as the successor of the exchanged token, if the session is
    /// live. False: it was used or replaced meanwhile, or the session has ended.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn replace_refresh_token(&self, replaced: &str, exchange: &Exchange<'_>) -> Result<bool, Fault> {
        let update = Entity::update_many()
            .filter(Column::TokenHash.eq(replaced))
            .filter(Column::UsedAt.is_null())
            .filter(Column::ReplacedAt.is_null())
            .filter(Column::SessionId.in_subquery(live(exchange)))
            .col_expr(Column::ReplacedAt, Expr::val(exchange.now));
        if update.exec(&self.0).await.context("replacing a refresh token")?.rows_affected == 0 {
            return Ok(false);
        }
        let update = Entity::update_many()
            .filter(Column::TokenHash.eq(exchange.token_hash))
            .col_expr(Column::UsedAt, Expr::val(exchange.now))
            .col_expr(Column::UsedNetwork, Expr::val(exchange.network))
            .col_expr(Column::SuccessorHash, Expr::val(exchange.successor_hash));
        update.exec(&self.0).await.context("recording the replacement of a refresh token")?;
        Ok(true)
    }

    /// Records that a token was returned more than once.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn mark_repeated(&self, token_hash: &str) -> Result<(), Fault> {
        let update = Entity::update_many()
            .filter(Column::TokenHash.eq(token_hash))
            .filter(Column::Repeated.eq(false))
            .col_expr(Column::Repeated, Expr::val(true));
        update.exec(&self.0).await.context("recording a repeated response")?;
        Ok(())
    }
}

/// The session of the exchange, if it is live.
fn live(exchange: &Exchange<'_>) -> SelectStatement {
    Query::select()
        .column(session::Column::Id)
        .from(session::Entity)
        .and_where(session::Column::Id.eq(exchange.session.as_str()))
        .and_where(session::Column::EndedAt.is_null())
        .and_where(session::Column::ExpiresAt.gt(exchange.now))
        .to_owned()
}
