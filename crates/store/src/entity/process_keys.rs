//! The keys of a running process.

use sea_orm::entity::prelude::*;

use super::map_row;
use crate::ProcessKeys;
use domain::Timestamp;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "process_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub process: String,
    pub version: String,
    pub started_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub keys: String,
}

impl ActiveModelBehavior for ActiveModel {}

map_row!(Model => ProcessKeys { process, version, started_at, last_seen_at, keys });
