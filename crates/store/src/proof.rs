//! Proofs: inserted once, spent once.

use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::Expr};

use super::{
    Store, Tx,
    entity::Mapped,
    entity::proof::{Column, Entity},
    text::Text,
};
use domain::{Timestamp, proof::Proof, purpose::Purpose};
use platform::fault::{Fault, FaultContext};

/// The result of spending a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpendResult {
    /// It was spent by this transaction.
    Spent(Box<Proof>),
    /// It could not be spent; with its row, if there is one.
    Refused(Option<Box<Proof>>),
}

impl Store {
    /// The proof with this hash.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn proof(&self, token_hash: &str) -> Result<Option<Proof>, Fault> {
        let find = Entity::find_by_id(token_hash.to_owned());
        self.with_timeout(async { Ok(find.one(self.reader()).await?) }).await.context("reading a proof").mapped()
    }
}

impl Tx {
    /// Writes the proof of a verification.
    ///
    /// # Errors
    /// A fault of the database, also for a second proof of one verification.
    pub async fn insert_proof(&self, row: Proof) -> Result<(), Fault> {
        Entity::insert(row.into_active_model()).exec_without_returning(&self.0).await.context("inserting a proof")?;
        Ok(())
    }

    /// Spends a proof if it is not expired, unspent and of this purpose. One statement checks and spends.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn spend_proof(&self, token_hash: &str, purpose: Purpose, now: Timestamp) -> Result<SpendResult, Fault> {
        let mut spent = Entity::update_many()
            .filter(Column::TokenHash.eq(token_hash))
            .filter(Column::Purpose.eq(Text(purpose)))
            .filter(Column::SpentAt.is_null())
            .filter(Column::ExpiresAt.gt(now))
            .col_expr(Column::SpentAt, Expr::val(now))
            .exec_with_returning(&self.0)
            .await
            .context("spending a proof")?;
        if let Some(proof) = spent.pop().mapped() {
            return Ok(SpendResult::Spent(Box::new(proof)));
        }
        let found = Entity::find_by_id(token_hash.to_owned()).one(&self.0).await.context("reading a proof").mapped()?;
        Ok(SpendResult::Refused(found.map(Box::new)))
    }
}
