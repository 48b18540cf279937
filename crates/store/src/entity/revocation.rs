//! A revoked session: its access tokens are rejected even if they have not expired.

use sea_orm::entity::prelude::*;

use super::map_row;
use crate::{RevokedSession, text::Text};
use domain::{Timestamp, ids::SessionId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "revocation")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub session_id: Text<SessionId>,
    pub at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

map_row!(Model => RevokedSession { session_id, at });
