//! The daily usage of a contact.

use sea_orm::entity::prelude::*;

use super::map_row;
use crate::ContactUsage;
use domain::Timestamp;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "contact_usage")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub contact_key: String,
    pub day: i32,
    pub sends: i32,
    pub guesses: i32,
    pub last_sent_at: Option<Timestamp>,
}

impl ActiveModelBehavior for ActiveModel {}

map_row!(Model => ContactUsage { contact_key, day, sends, guesses, last_sent_at });
