//! How many accounts have which password hashing scheme. One row.

use sea_orm::entity::prelude::*;

/// The one row's.
pub const ID: i32 = 1;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "password_census")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// What decoys are chosen by: 32 bytes in hexadecimal, the same as long as the database lives.
    pub seed: String,
    /// The counts, in JSON.
    pub schemes: String,
    /// Raised by each count.
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
