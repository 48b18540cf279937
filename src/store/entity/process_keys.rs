//! The keys that a running process has.

use sea_orm::entity::prelude::*;

use crate::clock::Timestamp;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "process_keys")]
pub struct Model {
    /// Names the process for as long as it runs.
    #[sea_orm(primary_key, auto_increment = false)]
    pub process: String,
    /// Of the program.
    pub version: String,
    pub started_at: Timestamp,
    pub last_seen_at: Timestamp,
    /// The ids of its keys, by kind, in JSON (`keys::KeysInUse`). No key is in it.
    pub keys: String,
}

impl ActiveModelBehavior for ActiveModel {}
