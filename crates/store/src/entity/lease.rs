//! An exclusive right of one process, with its holder.

use sea_orm::entity::prelude::*;

use domain::Timestamp;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lease")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    pub holder: String,
    pub expires_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
