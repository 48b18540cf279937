//! Sessions. Ending one also inserts a revocation, since access tokens outlive the session.

use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, LockType},
};

use super::{
    Store, Tx, TxOutcome,
    entity::Mapped,
    entity::session::{Column, Entity},
    page::{Page, PageRequest, after},
};
use domain::{
    Timestamp,
    ids::{AccountId, SessionId},
    session::Session,
};
use platform::fault::{Fault, FaultContext};

impl Store {
    /// The live sessions of an account, newest first.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn sessions(
        &self,
        account: &AccountId,
        page: &PageRequest,
        now: Timestamp,
    ) -> Result<Page<Session>, Fault> {
        let find = live(account, now)
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .filter(after(page, Column::CreatedAt, Column::Id))
            .limit(page.limit());
        let rows = self.with_timeout(async { Ok(find.all(self.reader()).await?) }).await.context("reading sessions")?;
        Ok(Page::of(rows, page).mapped())
    }

    /// The session with this id.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn session(&self, id: &SessionId) -> Result<Option<Session>, Fault> {
        let find = Entity::find_by_id(id.clone());
        self.with_timeout(async { Ok(find.one(self.reader()).await?) }).await.context("reading a session").mapped()
    }

    /// Records that an access token of this generation was used. It updates one row in a separate transaction, so that
    /// it does not block others.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn record_seen_generation(&self, id: SessionId, generation: i32) -> Result<(), Fault> {
        self.write(move |tx| {
            Box::pin(async move {
                let update = Entity::update_many()
                    .filter(Column::Id.eq(id.as_str()))
                    .filter(Column::SeenGeneration.lt(generation))
                    .col_expr(Column::SeenGeneration, Expr::val(generation));
                update.exec(&tx.0).await.context("recording the use of an access token")?;
                Ok(TxOutcome::Commit(()))
            })
        })
        .await
    }

    /// The number of live sessions of an account.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn count_sessions(&self, account: &AccountId, now: Timestamp) -> Result<u64, Fault> {
        let find = live(account, now);
        self.with_timeout(async { Ok(find.count(self.reader()).await?) }).await.context("counting sessions")
    }
}

fn live(account: &AccountId, now: Timestamp) -> Select<Entity> {
    Entity::find()
        .filter(Column::AccountId.eq(account.as_str()))
        .filter(Column::EndedAt.is_null())
        .filter(Column::ExpiresAt.gt(now))
}

impl Tx {
    /// Writes a new session.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn insert_session(&self, row: Session) -> Result<(), Fault> {
        Entity::insert(row.into_active_model()).exec_without_returning(&self.0).await.context("inserting a session")?;
        Ok(())
    }

    /// The sessions with these ids.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn sessions(&self, ids: impl Iterator<Item = &SessionId>) -> Result<Vec<Session>, Fault> {
        let find = Entity::find().filter(Column::Id.is_in(ids.map(SessionId::as_str)));
        find.all(&self.0).await.context("reading sessions").mapped()
    }

    /// The session, locked until the transaction ends: of two concurrent changes, the second sees the first.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn lock_session(&self, id: &SessionId) -> Result<Option<Session>, Fault> {
        let find = Entity::find_by_id(id.clone()).lock(LockType::NoKeyUpdate);
        find.one(&self.0).await.context("locking a session").mapped()
    }

    /// Whether an account has ever signed in, on a device that was not removed since, from this address with the same
    /// user agent, or without one if there is none now.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn has_similar_session(
        &self,
        account: &AccountId,
        user_agent: Option<&str>,
        address: Option<&str>,
    ) -> Result<bool, Fault> {
        let same = |column: Column, value: Option<&str>| match value {
            Some(value) => column.eq(value),
            None => column.is_null(),
        };
        let find = Entity::find()
            .filter(Column::AccountId.eq(account.as_str()))
            .filter(Column::DeviceHash.in_subquery(super::device::devices_of(account)))
            .filter(same(Column::UserAgent, user_agent))
            .filter(same(Column::IpAddress, address));
        Ok(find.limit(1).count(&self.0).await.context("looking for a similar session")? > 0)
    }

    /// Whether an account has ever signed in on this device, even if the device was removed since.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn has_session_on_device(&self, account: &AccountId, device_hash: &str) -> Result<bool, Fault> {
        let find =
            Entity::find().filter(Column::AccountId.eq(account.as_str())).filter(Column::DeviceHash.eq(device_hash));
        Ok(find.limit(1).count(&self.0).await.context("looking for a session on a device")? > 0)
    }

    /// Records the use of a session: the address, the user agent, and the new expiry.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn record_session_use(&self, row: &Session) -> Result<(), Fault> {
        let update = Entity::update_many()
            .filter(Column::Id.eq(row.id.as_str()))
            .col_expr(Column::LastUsedAt, Expr::val(row.last_used_at))
            .col_expr(Column::ExpiresAt, Expr::val(row.expires_at))
            .col_expr(Column::IpAddress, Expr::val(row.ip_address.clone()))
            .col_expr(Column::UserAgent, Expr::val(row.user_agent.clone()))
            .col_expr(Column::RefreshGeneration, Expr::val(row.refresh_generation));
        update.exec(&self.0).await.context("recording the use of a session")?;
        Ok(())
    }

    /// Sets the device of a session.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn set_session_device(&self, id: &SessionId, device_hash: &str) -> Result<(), Fault> {
        let update = Entity::update_many()
            .filter(Column::Id.eq(id.as_str()))
            .col_expr(Column::DeviceHash, Expr::val(device_hash));
        update.exec(&self.0).await.context("setting the device of a session")?;
        Ok(())
    }

    /// Ends one live session of an account. None: it has no such session, or it has ended.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn end_session(
        &self,
        account: &AccountId,
        id: &SessionId,
        now: Timestamp,
    ) -> Result<Option<Session>, Fault> {
        let update = Entity::update_many()
            .filter(Column::Id.eq(id.as_str()))
            .filter(Column::AccountId.eq(account.as_str()))
            .filter(Column::EndedAt.is_null())
            .filter(Column::ExpiresAt.gt(now))
            .col_expr(Column::EndedAt, Expr::val(now));
        let ended: Option<Session> =
            update.exec_with_returning(&self.0).await.context("ending a session")?.pop().mapped();
        if let Some(session) = &ended {
            self.revoke(std::slice::from_ref(&session.id), now).await?;
        }
        Ok(ended)
    }

    /// Whether a session is neither ended nor expired. It stays so until the transaction ends.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn is_live(&self, id: &SessionId, now: Timestamp) -> Result<bool, Fault> {
        let live = Entity::find_by_id(id.clone())
            .filter(Column::EndedAt.is_null())
            .filter(Column::ExpiresAt.gt(now))
            .lock_exclusive();
        Ok(live.one(&self.0).await.context("checking whether a session is live")?.is_some())
    }

    /// Ends every live session of an account except `keep`, and returns them.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn end_sessions(
        &self,
        account: &AccountId,
        keep: Option<&SessionId>,
        now: Timestamp,
    ) -> Result<Vec<Session>, Fault> {
        let mut update = Entity::update_many()
            .filter(Column::AccountId.eq(account.as_str()))
            .filter(Column::EndedAt.is_null())
            .filter(Column::ExpiresAt.gt(now))
            .col_expr(Column::EndedAt, Expr::val(now));
        if let Some(keep) = keep {
            update = update.filter(Column::Id.ne(keep.as_str()));
        }
        let ended: Vec<Session> = update.exec_with_returning(&self.0).await.context("ending sessions")?.mapped();
        let ids: Vec<SessionId> = ended.iter().map(|session| session.id.clone()).collect();
        self.revoke(&ids, now).await?;
        Ok(ended)
    }
}
