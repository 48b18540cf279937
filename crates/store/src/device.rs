//! Devices that have signed in before.

use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, Query, SelectStatement},
};

use super::{
    Store, Tx,
    entity::device::{Column, Entity},
};
use domain::{Timestamp, ids::AccountId, session::KnownDevice};
use platform::fault::{Fault, FaultContext};

/// The lockout subject of failed passwords from a device.
pub fn device_subject(account: &AccountId, token_hash: &str) -> String {
    format!("{DEVICE_SUBJECT}{}:{token_hash}", account.as_str())
}

/// The token hashes of an account's devices.
pub(super) fn devices_of(account: &AccountId) -> SelectStatement {
    Query::select().column(Column::TokenHash).from(Entity).and_where(Column::AccountId.eq(account.as_str())).to_owned()
}

/// The prefix of the subjects of devices.
pub(super) const DEVICE_SUBJECT: &str = "device:";

impl Store {
    /// Whether a device has signed in to this account before. Without an account the result is false; the query runs
    /// anyway, for constant time.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn is_known_device(&self, token_hash: &str, account: Option<&AccountId>) -> Result<bool, Fault> {
        let find = Entity::find()
            .filter(Column::TokenHash.eq(token_hash))
            .filter(Column::AccountId.eq(account.map_or("", AccountId::as_str)));
        let found =
            self.with_timeout(async { Ok(find.one(self.reader()).await?) }).await.context("reading a device")?;
        Ok(found.is_some())
    }
}

impl Tx {
    /// Records a sign-in on a known device. False: it has not signed in to this account before.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn record_device_use(
        &self,
        token_hash: &str,
        account: &AccountId,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let update = Entity::update_many()
            .filter(Column::TokenHash.eq(token_hash))
            .filter(Column::AccountId.eq(account.as_str()))
            .col_expr(Column::LastUsedAt, Expr::val(now));
        Ok(update.exec(&self.0).await.context("recording the use of a device")?.rows_affected > 0)
    }

    /// Whether a token that another account issued may identify a device for this account: the token exists, and this
    /// account has never used it. A token that this account has removed stays removed; otherwise an attacker could
    /// restore it with an account of his own.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn may_share_device(&self, token_hash: &str, account: &AccountId) -> Result<bool, Fault> {
        let find = Entity::find().filter(Column::TokenHash.eq(token_hash)).limit(1);
        let is_ours = find.count(&self.0).await.context("looking for a device")? > 0;
        Ok(is_ours && !self.has_session_on_device(account, token_hash).await?)
    }

    /// Inserts a device that signed in to this account for the first time.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn insert_device(&self, row: KnownDevice) -> Result<(), Fault> {
        Entity::insert(row.into_active_model()).exec_without_returning(&self.0).await.context("inserting a device")?;
        Ok(())
    }

    /// Removes one device of an account, and its failed passwords.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn remove_device(&self, token_hash: &str, account: &AccountId) -> Result<(), Fault> {
        // In the lock order of a sign-in: the counter before the device.
        self.clear_failures(&[device_subject(account, token_hash)]).await?;
        let delete = Entity::delete_many()
            .filter(Column::TokenHash.eq(token_hash))
            .filter(Column::AccountId.eq(account.as_str()));
        delete.exec(&self.0).await.context("removing a device")?;
        Ok(())
    }

    /// Removes every device of an account, and their failed passwords.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn remove_devices(&self, account: &AccountId) -> Result<(), Fault> {
        self.clear_device_failures(account).await?;
        let delete = Entity::delete_many().filter(Column::AccountId.eq(account.as_str()));
        delete.exec(&self.0).await.context("removing devices")?;
        Ok(())
    }
}
