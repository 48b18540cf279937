//! The number of accounts by password hashing scheme.

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LockType, OnConflict},
};

use super::{
    Store, Tx, TxOutcome,
    entity::Mapped,
    entity::{
        account,
        password_census::{ActiveModel, Column, Entity, ID},
    },
    text::Text,
};
use domain::ids::AccountId;
use platform::fault::{Fault, FaultContext};

/// The number of accounts by password hashing scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordCensus {
    /// The seed by which the schemes of decoys are chosen: 32 bytes in hexadecimal, constant for the database.
    pub seed: String,
    /// The counts, in JSON.
    pub schemes: String,
    /// Incremented by each count.
    pub version: i64,
}

impl Store {
    /// The last count. None: there is none yet.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn password_census(&self) -> Result<Option<PasswordCensus>, Fault> {
        let find = Entity::find_by_id(ID);
        self.with_timeout(async { Ok(find.one(self.reader()).await?) })
            .await
            .context("reading the password census")
            .mapped()
    }

    /// Inserts the row for the counts with this seed, if there is none.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn begin_password_census(&self, seed: String) -> Result<(), Fault> {
        let row = ActiveModel { id: Set(ID), seed: Set(seed), schemes: Set("{}".to_owned()), version: Set(0) };
        let insert = Entity::insert(row).on_conflict(OnConflict::column(Column::Id).do_nothing().to_owned());
        self.write(move |tx| {
            Box::pin(async move {
                insert.exec_without_returning(&tx.0).await?;
                Ok(TxOutcome::Commit(()))
            })
        })
        .await
        .context("starting the password census")
    }

    /// The next accounts with a password, ordered by id, with the hashes.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn password_hashes(
        &self,
        after: Option<&AccountId>,
        limit: u64,
    ) -> Result<Vec<(AccountId, String)>, Fault> {
        let mut find = account::Entity::find()
            .select_only()
            .columns([account::Column::Id, account::Column::PasswordHash])
            .filter(account::Column::PasswordHash.is_not_null())
            .order_by_asc(account::Column::Id)
            .limit(limit);
        if let Some(after) = after {
            find = find.filter(account::Column::Id.gt(after.as_str()));
        }
        let find = find.into_tuple::<(Text<AccountId>, String)>();
        let rows =
            self.with_timeout(async { Ok(find.all(self.reader()).await?) }).await.context("reading password hashes")?;
        Ok(rows.into_iter().map(|(id, hash)| (id.0, hash)).collect())
    }
}

impl Tx {
    /// The last count, locked until the transaction ends.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn lock_password_census(&self) -> Result<Option<PasswordCensus>, Fault> {
        let find = Entity::find_by_id(ID).lock(LockType::NoKeyUpdate);
        find.one(&self.0).await.context("locking the password census").mapped()
    }

    /// Writes a new count.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn set_password_census(&self, schemes: String) -> Result<(), Fault> {
        let update = Entity::update_many()
            .filter(Column::Id.eq(ID))
            .col_expr(Column::Schemes, Expr::val(schemes))
            .col_expr(Column::Version, Expr::col(Column::Version).add(1));
        update.exec(&self.0).await.context("writing the password census")?;
        Ok(())
    }
}
