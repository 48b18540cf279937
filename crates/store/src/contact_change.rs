//! Contact changes, and undoing them.

use std::time::Duration;

use sea_orm::{ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, Select, sea_query::Expr};

use super::{
    Store, Tx,
    entity::Mapped,
    entity::contact_change::{Column, Entity},
};
use domain::{Timestamp, contact_change::ContactChange, ids::AccountId};
use platform::fault::{Fault, FaultContext};

impl Store {
    /// The contact changes of an account, undone ones included.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn contact_changes(&self, account: &AccountId) -> Result<Vec<ContactChange>, Fault> {
        let find = of_account(account);
        self.with_timeout(async { Ok(find.all(self.reader()).await?) })
            .await
            .context("reading changes of contact")
            .mapped()
    }
}

fn of_account(account: &AccountId) -> Select<Entity> {
    Entity::find().filter(Column::AccountId.eq(account.as_str()))
}

fn not_undone(account: &AccountId) -> Select<Entity> {
    of_account(account).filter(Column::UndoneAt.is_null())
}

impl Tx {
    /// The contact changes of an account, undone ones included. None is added while the account is locked.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn contact_changes(&self, account: &AccountId) -> Result<Vec<ContactChange>, Fault> {
        of_account(account).all(&self.0).await.context("reading changes of contact").mapped()
    }

    /// Inserts a change that can be undone. The caller holds the lock on the account. Undoing restores what the first
    /// change replaced, so no two changes of an account may have the same time: if they would, the later one is
    /// recorded a millisecond later.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn insert_contact_change(&self, mut row: ContactChange) -> Result<(), Fault> {
        let last = not_undone(&row.account_id).order_by_desc(Column::CreatedAt).one(&self.0);
        if let Some(last) = last.await.context("reading changes of contact")?
            && last.created_at >= row.created_at
        {
            row.created_at = last.created_at + Duration::from_millis(1);
        }
        let insert = Entity::insert(row.into_active_model());
        insert.exec_without_returning(&self.0).await.context("inserting a change of contact")?;
        Ok(())
    }

    /// The change with this token, in any state.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn contact_change(&self, token_hash: &str) -> Result<Option<ContactChange>, Fault> {
        let find = Entity::find().filter(Column::TokenHash.eq(token_hash));
        find.one(&self.0).await.context("reading a change of contact").mapped()
    }

    /// The changes of an account that can be undone, oldest first.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn undoable_changes(&self, account: &AccountId, now: Timestamp) -> Result<Vec<ContactChange>, Fault> {
        let find = Entity::find().filter(undoable(account, now));
        let find = find.order_by_asc(Column::CreatedAt).order_by_asc(Column::Id);
        find.all(&self.0).await.context("reading changes of contact").mapped()
    }

    /// Undoes every change of an account that can still be undone, and returns them, oldest first. One statement finds
    /// and marks them, so each is undone once.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn undo_contact_changes(&self, account: &AccountId, now: Timestamp) -> Result<Vec<ContactChange>, Fault> {
        let update = Entity::update_many().filter(undoable(account, now)).col_expr(Column::UndoneAt, Expr::val(now));
        let undone = update.exec_with_returning(&self.0).await.context("undoing changes of contact")?;
        let mut undone: Vec<ContactChange> = undone.mapped();
        undone.sort_by(|a, b| (a.created_at, a.id.as_str()).cmp(&(b.created_at, b.id.as_str())));
        Ok(undone)
    }
}

fn undoable(account: &AccountId, now: Timestamp) -> Condition {
    Condition::all()
        .add(Column::AccountId.eq(account.as_str()))
        .add(Column::UndoneAt.is_null())
        .add(Column::ExpiresAt.gt(now))
}
