//! Codes and proofs that lead into an account, found by the account and by its contacts.

use sea_orm::{
    ColumnTrait, Condition, EntityTrait, Iterable, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LockType},
};

use super::{
    Tx,
    entity::{proof, verification},
};
use crate::{
    clock::Instant,
    fault::{Doing, Fault},
    ids::AccountId,
    purpose::Purpose,
    status::Status,
};

/// Whose codes and proofs are meant.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    pub account: &'a AccountId,
    /// The comparison forms of its contacts. A row for one of them that names no account is the owner's too.
    pub contacts: &'a [String],
}

impl Tx {
    /// Turns the owner's pending verifications into decoys: they look as before, and no guess at their codes is right.
    ///
    /// Called before [`Tx::spend_proofs`]: a confirmation that is being written is waited for, and its proof is there
    /// to be spent then. The rows are locked in one order, so that two transactions that do this do not deadlock.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn close_verifications(&self, owner: Owner<'_>) -> Result<(), Fault> {
        use verification::{Column, Entity};
        let open = Condition::all()
            .add(owned(owner, Column::AccountId, Column::ContactKey))
            .add(Column::Status.eq(Status::Pending))
            .add(Column::Decoy.eq(false))
            .add(Column::Purpose.is_in(opening()));
        let lock = Entity::find().filter(open.clone()).order_by_asc(Column::Id).lock(LockType::NoKeyUpdate);
        lock.all(&self.0).await.doing("locking an account's codes")?;
        let update = Entity::update_many()
            .filter(open)
            .col_expr(Column::Decoy, Expr::val(true))
            .col_expr(Column::AccountId, Expr::null());
        update.exec(&self.0).await.doing("closing an account's codes")?;
        Ok(())
    }

    /// Spends the owner's unspent proofs, all but `kept`: the caller spends that one itself.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn spend_proofs(&self, owner: Owner<'_>, kept: Option<&str>, now: Instant) -> Result<(), Fault> {
        use proof::{Column, Entity};
        let unspent = Condition::all()
            .add(owned(owner, Column::AccountId, Column::ContactKey))
            .add(Column::SpentAt.is_null())
            .add(Column::Purpose.is_in(opening()));
        let lock = Entity::find().filter(unspent.clone()).order_by_asc(Column::TokenHash).lock(LockType::NoKeyUpdate);
        lock.all(&self.0).await.doing("locking an account's proofs")?;
        let mut update = Entity::update_many().filter(unspent).col_expr(Column::SpentAt, Expr::val(now));
        if let Some(kept) = kept {
            update = update.filter(Column::TokenHash.ne(kept));
        }
        update.exec(&self.0).await.doing("spending an account's proofs")?;
        Ok(())
    }
}

/// Rows of the account, and rows for its contacts that name no account.
fn owned(owner: Owner<'_>, account: impl ColumnTrait, contact_key: impl ColumnTrait) -> Condition {
    let unnamed = Condition::all().add(account.is_null()).add(contact_key.is_in(owner.contacts));
    Condition::any().add(account.eq(owner.account.as_str())).add(unnamed)
}

fn opening() -> Vec<Purpose> {
    Purpose::iter().filter(|purpose| purpose.opens_account()).collect()
}
