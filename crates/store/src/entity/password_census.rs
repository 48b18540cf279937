//! The number of accounts by password hashing scheme. One row.

use sea_orm::entity::prelude::*;

use crate::PasswordCensus;
/// The id of the only row.
pub const ID: i32 = 1;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "password_census")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    pub seed: String,
    pub schemes: String,
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}

impl From<Model> for PasswordCensus {
    fn from(row: Model) -> Self {
        let Model { id: _, seed, schemes, version } = row;
        Self { seed, schemes, version }
    }
}
