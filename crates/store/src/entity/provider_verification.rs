//! The slot of a recipient at a provider that keeps one open verification per recipient.

use sea_orm::entity::prelude::*;

use crate::text::Text;
use domain::{Timestamp, ids::VerificationId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "provider_verification")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub provider: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub contact_key: String,
    /// The verification that has the slot.
    pub verification_id: Text<VerificationId>,
    /// The latest time at which that verification is over.
    pub expires_at: Timestamp,
    /// The verification that was last started at the provider, and may still be open there. None if none is open.
    pub started_for: Option<Text<VerificationId>>,
    pub started_at: Option<Timestamp>,
    /// The provider's reference for it. None until its response arrived.
    pub reference: Option<String>,
    pub changed_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
