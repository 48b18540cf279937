//! Devices that signed in before.

use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QuerySelect, sea_query::Expr};

use super::{
    Store, Tx,
    entity::device::{Column, Entity, Model},
};
use crate::{
    clock::Instant,
    fault::{Doing, Fault},
    ids::AccountId,
};

impl Store {
    /// Whether a device signed in to this account before. Without an account nobody did; it is looked for all the same,
    /// for the time that it takes.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn knows_device(&self, token_hash: &str, account: Option<&AccountId>) -> Result<bool, Fault> {
        let find = Entity::find()
            .filter(Column::TokenHash.eq(token_hash))
            .filter(Column::AccountId.eq(account.map_or("", AccountId::as_str)));
        let found = self.within(async { Ok(find.one(self.reader()).await?) }).await.doing("reading a device")?;
        Ok(found.is_some())
    }
}

impl Tx {
    /// Notes that a device that signed in before did so again. False: it did not sign in to this account before.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn use_device(&self, token_hash: &str, account: &AccountId, now: Instant) -> Result<bool, Fault> {
        let update = Entity::update_many()
            .filter(Column::TokenHash.eq(token_hash))
            .filter(Column::AccountId.eq(account.as_str()))
            .col_expr(Column::LastUsedAt, Expr::val(now));
        Ok(update.exec(&self.0).await.doing("noting that a device was used")?.rows_affected > 0)
    }

    /// Whether a device signed in to any account before: then its token is one of ours.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn has_device(&self, token_hash: &str) -> Result<bool, Fault> {
        let find = Entity::find().filter(Column::TokenHash.eq(token_hash)).limit(1);
        Ok(find.count(&self.0).await.doing("looking for a device")? > 0)
    }

    /// Writes a device that signed in to this account for the first time.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn insert_device(&self, row: Model) -> Result<(), Fault> {
        Entity::insert(row.into_active_model()).exec_without_returning(&self.0).await.doing("inserting a device")?;
        Ok(())
    }

    /// Forgets every device of an account.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn forget_devices(&self, account: &AccountId) -> Result<(), Fault> {
        let delete = Entity::delete_many().filter(Column::AccountId.eq(account.as_str()));
        delete.exec(&self.0).await.doing("forgetting devices")?;
        Ok(())
    }
}
