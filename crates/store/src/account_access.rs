//! Codes and proofs that give access to an account, found by the account and by its contacts.

use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, LockType},
};

use super::{
    Tx,
    entity::{proof, verification},
    text::Text,
};
use domain::{
    Timestamp,
    ids::AccountId,
    purpose::{Effect, Purpose},
};
use platform::fault::{Fault, FaultContext};

/// The account whose codes and proofs are meant.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    pub account: &'a AccountId,
    /// The comparison forms of its contacts. A row for one of them that names no account belongs to it too.
    pub contacts: &'a [String],
}

impl Tx {
    /// Closes the account's open verifications of this effect: their visible state does not change, but no guess at
    /// their codes is right.
    ///
    /// Call it before [`Tx::spend_proofs`]: it waits for a confirmation that is being written, whose proof is spent
    /// afterwards. The rows are locked in one order, so that two such transactions do not deadlock.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn close_verifications(&self, owner: Owner<'_>, effect: Effect, now: Timestamp) -> Result<(), Fault> {
        use verification::{Column, Entity};
        let mut open = Vec::new();
        for find in open_verifications(owner, effect, now) {
            let ids = find.into_tuple::<String>().all(&self.0).await.context("locking an account's codes")?;
            open.extend(ids);
        }
        if open.is_empty() {
            return Ok(());
        }
        let update = Entity::update_many()
            .filter(Column::Id.is_in(open))
            .col_expr(Column::Decoy, Expr::val(true))
            .col_expr(Column::ClosedAt, Expr::val(now));
        update.exec(&self.0).await.context("closing an account's codes")?;
        Ok(())
    }

    /// Spends the account's unspent proofs of this effect, except `kept`, which the caller spends.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn spend_proofs(
        &self,
        owner: Owner<'_>,
        effect: Effect,
        kept: Option<&str>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        use proof::{Column, Entity};
        let mut unspent = Vec::new();
        for find in unspent_proofs(owner, effect) {
            let hashes = find.into_tuple::<String>().all(&self.0).await.context("locking an account's proofs")?;
            unspent.extend(hashes.into_iter().filter(|hash| Some(hash.as_str()) != kept));
        }
        if unspent.is_empty() {
            return Ok(());
        }
        let update =
            Entity::update_many().filter(Column::TokenHash.is_in(unspent)).col_expr(Column::SpentAt, Expr::val(now));
        update.exec(&self.0).await.context("spending an account's proofs")?;
        Ok(())
    }
}

/// The ids of verifications that can still be confirmed, locked.
fn open_verifications(
    owner: Owner<'_>,
    effect: Effect,
    now: Timestamp,
) -> impl Iterator<Item = Select<verification::Entity>> {
    use verification::{Column, Entity};
    owner.conditions(effect, Column::AccountId, Column::ContactKey).map(move |condition| {
        Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(condition)
            // A literal instead of a parameter, so that SQLite can use the partial index.
            .filter(ExprTrait::eq(Expr::col((Entity, Column::Status)), Expr::cust("'PENDING'")))
            .filter(Column::Decoy.eq(false))
            .filter(Column::Purpose.is_in(Purpose::with_effect(effect).into_iter().map(Text)))
            // An expired one can't be confirmed, and stays in the history unchanged.
            .filter(Column::ExpiresAt.gt(now))
            .order_by_asc(Column::Id)
            .lock(LockType::NoKeyUpdate)
    })
}

/// The hashes of unspent proofs, locked.
fn unspent_proofs(owner: Owner<'_>, effect: Effect) -> impl Iterator<Item = Select<proof::Entity>> {
    use proof::{Column, Entity};
    owner.conditions(effect, Column::AccountId, Column::ContactKey).map(move |condition| {
        Entity::find()
            .select_only()
            .column(Column::TokenHash)
            .filter(condition)
            .filter(Column::SpentAt.is_null())
            .filter(Column::Purpose.is_in(Purpose::with_effect(effect).into_iter().map(Text)))
            .order_by_asc(Column::TokenHash)
            .lock(LockType::NoKeyUpdate)
    })
}

impl Owner<'_> {
    /// Rows of the account, and rows for its contacts that name no account. These are two queries, since an index
    /// serves each of them and none serves both.
    fn conditions(
        self,
        effect: Effect,
        account: impl ColumnTrait,
        contact_key: impl ColumnTrait,
    ) -> impl Iterator<Item = Condition> {
        let by_account = Condition::all().add(account.eq(self.account.as_str()));
        let by_contact = Condition::all().add(account.is_null()).add(contact_key.is_in(self.contacts));
        // A code that confirms an undo always names the account.
        let has_by_contact = effect != Effect::UndoesContactChange && !self.contacts.is_empty();
        [Some(by_account), has_by_contact.then_some(by_contact)].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait, DbBackend, QueryTrait, Statement};

    use super::*;
    use crate::tests::store;
    use platform::clock::Entropy;

    /// Operations that revoke access run these in their transaction, so none may scan a whole table.
    #[tokio::test]
    async fn no_statement_scans_a_whole_table() {
        let dir = tempfile::TempDir::new().unwrap();
        let store = store(&dir).await;
        let account = AccountId::new(&Entropy::seeded(1));
        let contacts = ["+821012345678".to_owned(), "hong@example.com".to_owned()];
        let owner = Owner { account: &account, contacts: &contacts };
        let mut statements = Vec::new();
        for effect in [Effect::GrantsAccess, Effect::UndoesContactChange] {
            let open = open_verifications(owner, effect, Timestamp::UNIX_EPOCH);
            statements.extend(open.map(|find| find.build(DbBackend::Sqlite)));
            statements.extend(unspent_proofs(owner, effect).map(|find| find.build(DbBackend::Sqlite)));
        }
        assert_eq!(statements.len(), 6);
        for statement in statements {
            let explain = Statement { sql: format!("EXPLAIN QUERY PLAN {}", statement.sql), ..statement };
            let plan = store.reader().query_all_raw(explain.clone()).await.unwrap();
            let steps: Vec<String> = plan.iter().map(|step| step.try_get("", "detail").unwrap()).collect();
            assert!(steps.iter().any(|step| step.contains("USING INDEX")), "{}\n{steps:#?}", explain.sql);
            assert!(!steps.iter().any(|step| step.starts_with("SCAN")), "{}\n{steps:#?}", explain.sql);
        }
    }
}
