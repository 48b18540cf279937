//! Which verification has the one open verification that a provider keeps for a number.

use sea_orm::entity::prelude::*;

use crate::{clock::Instant, ids::VerificationId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "provider_verification")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub provider: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub contact_key: String,
    /// The only verification that the provider may be asked for.
    pub verification_id: VerificationId,
    /// When that verification is over at the latest.
    pub expires_at: Instant,
    /// The verification that the provider was asked for last, which may still be open there. None: nothing is.
    pub asked_for: Option<VerificationId>,
    pub asked_at: Option<Instant>,
    /// What the provider calls it. None while its answer is not known.
    pub reference: Option<String>,
    pub changed_at: Instant,
}

impl ActiveModelBehavior for ActiveModel {}
