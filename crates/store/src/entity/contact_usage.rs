//! The daily usage of a contact.

use sea_orm::entity::prelude::*;

use domain::Timestamp;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "contact_usage")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub contact_key: String,
    /// The local day (in `QUOTA_TIME_ZONE`) of the counts, in days of the Common Era.
    pub day: i32,
    pub sends: i32,
    pub guesses: i32,
    pub last_sent_at: Option<Timestamp>,
}

impl ActiveModelBehavior for ActiveModel {}
