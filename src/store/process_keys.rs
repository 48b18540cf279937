//! The keys that each running process has.

use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, sea_query::OnConflict};

use super::{
    Ending, Store,
    entity::process_keys::{Column, Entity, Model},
};
use crate::{
    clock::Timestamp,
    fault::{Doing, Fault},
};

impl Store {
    /// Notes that a process runs, and forgets those that were not seen since `forget_before`.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn note_process_keys(&self, row: Model, forget_before: Timestamp) -> Result<(), Fault> {
        let mut again = OnConflict::column(Column::Process);
        again.update_columns([Column::LastSeenAt, Column::Keys]);
        let insert = Entity::insert(row.into_active_model()).on_conflict(again);
        let forget = Entity::delete_many().filter(Column::LastSeenAt.lt(forget_before));
        self.write(move |tx| {
            Box::pin(async move {
                insert.exec_without_returning(&tx.0).await?;
                forget.exec(&tx.0).await?;
                Ok(Ending::Commit(()))
            })
        })
        .await
        .doing("noting the keys of this process")
    }

    /// Forgets a process that ends.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn forget_process_keys(&self, process: &str) -> Result<(), Fault> {
        let forget = Entity::delete_many().filter(Column::Process.eq(process));
        self.write(move |tx| {
            Box::pin(async move {
                forget.exec(&tx.0).await?;
                Ok(Ending::Commit(()))
            })
        })
        .await
        .doing("forgetting the keys of this process")
    }

    /// The processes that were seen since, the oldest first.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn process_keys(&self, seen_since: Timestamp) -> Result<Vec<Model>, Fault> {
        let find = Entity::find()
            .filter(Column::LastSeenAt.gte(seen_since))
            .order_by_asc(Column::StartedAt)
            .order_by_asc(Column::Process);
        self.within(async { Ok(find.all(self.reader()).await?) }).await.doing("reading the keys of processes")
    }
}
