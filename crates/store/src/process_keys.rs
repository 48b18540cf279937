//! The keys that each running process has.

use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, sea_query::OnConflict};

use super::{
    Store, TxOutcome,
    entity::Mapped,
    entity::process_keys::{Column, Entity},
};
use domain::Timestamp;
use platform::fault::{Fault, FaultContext};

/// The keys of a running process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessKeys {
    /// Identifies the process while it runs.
    pub process: String,
    /// The version of the program.
    pub version: String,
    pub started_at: Timestamp,
    pub last_seen_at: Timestamp,
    /// The ids of its keys, by kind, in JSON (`keys::KeysInUse`). It contains no key.
    pub keys: String,
}

impl Store {
    /// Records that a process runs, and deletes processes not seen since `forget_before`.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn record_process_keys(&self, row: ProcessKeys, forget_before: Timestamp) -> Result<(), Fault> {
        let mut on_conflict = OnConflict::column(Column::Process);
        on_conflict.update_columns([Column::LastSeenAt, Column::Keys]);
        let insert = Entity::insert(row.into_active_model()).on_conflict(on_conflict);
        let delete = Entity::delete_many().filter(Column::LastSeenAt.lt(forget_before));
        self.write(move |tx| {
            Box::pin(async move {
                insert.exec_without_returning(&tx.0).await?;
                delete.exec(&tx.0).await?;
                Ok(TxOutcome::Commit(()))
            })
        })
        .await
        .context("recording the keys of this process")
    }

    /// Deletes the row of a process that stops.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn delete_process_keys(&self, process: &str) -> Result<(), Fault> {
        let delete = Entity::delete_many().filter(Column::Process.eq(process));
        self.write(move |tx| {
            Box::pin(async move {
                delete.exec(&tx.0).await?;
                Ok(TxOutcome::Commit(()))
            })
        })
        .await
        .context("deleting the keys of this process")
    }

    /// The processes seen since then, oldest first.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn process_keys(&self, seen_since: Timestamp) -> Result<Vec<ProcessKeys>, Fault> {
        let find = Entity::find()
            .filter(Column::LastSeenAt.gte(seen_since))
            .order_by_asc(Column::StartedAt)
            .order_by_asc(Column::Process);
        self.with_timeout(async { Ok(find.all(self.reader()).await?) })
            .await
            .context("reading the keys of processes")
            .mapped()
    }
}
