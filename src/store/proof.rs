//! Proofs: written once, spent once.

use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::Expr};

use super::{
    Store, Tx,
    entity::proof::{Column, Entity, Model},
};
use crate::{
    clock::Timestamp,
    fault::{Doing, Fault},
    purpose::Purpose,
};

/// What became of a proof that somebody wants to spend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spending {
    /// It is spent now, by this transaction.
    Spent(Box<Model>),
    /// It could not be spent; this is how it stands, if there is one at all.
    Refused(Option<Box<Model>>),
}

impl Store {
    /// The proof with this hash.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn proof(&self, token_hash: &str) -> Result<Option<Model>, Fault> {
        let find = Entity::find_by_id(token_hash.to_owned());
        self.within(async { Ok(find.one(self.reader()).await?) }).await.doing("reading a proof")
    }
}

impl Tx {
    /// Writes the proof of a verification.
    ///
    /// # Errors
    /// A fault of the database; a second proof for one verification is one.
    pub async fn insert_proof(&self, row: Model) -> Result<(), Fault> {
        Entity::insert(row.into_active_model()).exec_without_returning(&self.0).await.doing("inserting a proof")?;
        Ok(())
    }

    /// Spends a proof, if it is alive, unspent and of this purpose: the statement that judges is the one that spends.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn spend_proof(&self, token_hash: &str, purpose: Purpose, now: Timestamp) -> Result<Spending, Fault> {
        let mut spent = Entity::update_many()
            .filter(Column::TokenHash.eq(token_hash))
            .filter(Column::Purpose.eq(purpose))
            .filter(Column::SpentAt.is_null())
            .filter(Column::ExpiresAt.gt(now))
            .col_expr(Column::SpentAt, Expr::val(now))
            .exec_with_returning(&self.0)
            .await
            .doing("spending a proof")?;
        if let Some(proof) = spent.pop() {
            return Ok(Spending::Spent(Box::new(proof)));
        }
        let found = Entity::find_by_id(token_hash.to_owned()).one(&self.0).await.doing("reading a proof")?;
        Ok(Spending::Refused(found.map(Box::new)))
    }
}
