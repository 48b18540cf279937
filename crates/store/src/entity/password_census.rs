//! The number of accounts by password hashing scheme. One row.

use sea_orm::entity::prelude::*;

/// The id of the only row.
pub const ID: i32 = 1;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "password_census")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// The seed by which the schemes of decoys are chosen: 32 bytes in hexadecimal, constant for the database.
    pub seed: String,
    /// The counts, in JSON.
    pub schemes: String,
    /// Incremented by each count.
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
