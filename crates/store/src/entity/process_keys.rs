//! The keys of a running process.

use sea_orm::entity::prelude::*;

use domain::Timestamp;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "process_keys")]
pub struct Model {
    /// Identifies the process while it runs.
    #[sea_orm(primary_key, auto_increment = false)]
    pub process: String,
    /// The version of the program.
    pub version: String,
    pub started_at: Timestamp,
    pub last_seen_at: Timestamp,
    /// The ids of its keys, by kind, in JSON (`keys::KeysInUse`). It contains no key.
    pub keys: String,
}

impl ActiveModelBehavior for ActiveModel {}
