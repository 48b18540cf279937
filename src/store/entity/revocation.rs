//! A session that is not to be honoured any more, whatever its access tokens say.

use sea_orm::entity::prelude::*;

use crate::{clock::Timestamp, ids::SessionId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "revocation")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub session_id: SessionId,
    pub at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
