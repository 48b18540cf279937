//! Revoked sessions: ended sessions whose access tokens may not have expired.

use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::OnConflict};

use super::{
    Store, Tx,
    entity::Mapped,
    entity::revocation::{Column, Entity},
};
use domain::{Timestamp, ids::SessionId};
use platform::fault::{Fault, FaultContext};

/// A revoked session: its access tokens are rejected even if they have not expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevokedSession {
    pub session_id: SessionId,
    pub at: Timestamp,
}

impl Store {
    /// The revocations since then.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn revocations_since(&self, since: Timestamp) -> Result<Vec<RevokedSession>, Fault> {
        let find = Entity::find().filter(Column::At.gte(since));
        self.with_timeout(async { Ok(find.all(self.reader()).await?) }).await.context("reading revocations").mapped()
    }
}

impl Tx {
    /// Records that these sessions are revoked.
    pub(super) async fn revoke(&self, sessions: &[SessionId], now: Timestamp) -> Result<(), Fault> {
        if sessions.is_empty() {
            return Ok(());
        }
        let rows = sessions.iter().map(|id| RevokedSession { session_id: id.clone(), at: now }.into_active_model());
        let insert = Entity::insert_many(rows)
            .on_conflict(OnConflict::column(Column::SessionId).update_column(Column::At).to_owned());
        insert.exec_without_returning(&self.0).await.context("revoking sessions")?;
        Ok(())
    }
}
