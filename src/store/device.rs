//! Devices that signed in before.

use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, Query, SelectStatement},
};

use super::{
    Store, Tx,
    entity::device::{Column, Entity, Model},
};
use crate::{
    clock::Timestamp,
    fault::{Doing, Fault},
    ids::AccountId,
};

/// By what wrong passwords from a device are counted.
pub fn device_subject(account: &AccountId, token_hash: &str) -> String {
    format!("{DEVICE_SUBJECT}{}:{token_hash}", account.as_str())
}

/// The hashes of an account's devices.
pub(super) fn devices_of(account: &AccountId) -> SelectStatement {
    Query::select().column(Column::TokenHash).from(Entity).and_where(Column::AccountId.eq(account.as_str())).to_owned()
}

/// How the subjects of devices begin.
pub(super) const DEVICE_SUBJECT: &str = "device:";

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
    pub async fn use_device(&self, token_hash: &str, account: &AccountId, now: Timestamp) -> Result<bool, Fault> {
        let update = Entity::update_many()
            .filter(Column::TokenHash.eq(token_hash))
            .filter(Column::AccountId.eq(account.as_str()))
            .col_expr(Column::LastUsedAt, Expr::val(now));
        Ok(update.exec(&self.0).await.doing("noting that a device was used")?.rows_affected > 0)
    }

    /// Whether a device that this account does not know may be known to it by the token that another account gave it:
    /// the token is one of ours, and this account did not know it before. One that it knew and forgot stays forgotten,
    /// or an account of a thief's own would bring it back.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn may_share_device(&self, token_hash: &str, account: &AccountId) -> Result<bool, Fault> {
        let find = Entity::find().filter(Column::TokenHash.eq(token_hash)).limit(1);
        let is_ours = find.count(&self.0).await.doing("looking for a device")? > 0;
        Ok(is_ours && !self.signed_in_on(account, token_hash).await?)
    }

    /// Writes a device that signed in to this account for the first time.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn insert_device(&self, row: Model) -> Result<(), Fault> {
        Entity::insert(row.into_active_model()).exec_without_returning(&self.0).await.doing("inserting a device")?;
        Ok(())
    }

    /// Forgets one device of an account, and the wrong passwords that were counted for it.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn forget_device(&self, token_hash: &str, account: &AccountId) -> Result<(), Fault> {
        // As a sign-in has them: what was counted before the device.
        self.forget_tries(&[device_subject(account, token_hash)]).await?;
        let delete = Entity::delete_many()
            .filter(Column::TokenHash.eq(token_hash))
            .filter(Column::AccountId.eq(account.as_str()));
        delete.exec(&self.0).await.doing("forgetting a device")?;
        Ok(())
    }

    /// Forgets every device of an account, and the wrong passwords that were counted for them.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn forget_devices(&self, account: &AccountId) -> Result<(), Fault> {
        self.forget_device_tries(account).await?;
        let delete = Entity::delete_many().filter(Column::AccountId.eq(account.as_str()));
        delete.exec(&self.0).await.doing("forgetting devices")?;
        Ok(())
    }
}
