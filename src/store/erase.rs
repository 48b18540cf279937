//! Erasing what is over, a little at a time.

use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, FromQueryResult, QueryFilter, QuerySelect, TryGetable, Value,
};

use super::{
    Ending, Store,
    entity::{audit, contact_usage, delivery, proof, verification},
};
use crate::{
    clock::Instant,
    fault::{Doing, Fault},
};

/// What can be erased.
#[derive(Clone, Copy, Debug)]
pub enum Dead {
    /// Verifications started before, and over by now.
    Verifications { before: Instant, now: Instant },
    /// Messages written before that nobody owes any more.
    Deliveries { before: Instant },
    /// Proofs that ended before.
    Proofs { before: Instant },
    /// What contacts used of days before `day`, if they were sent nothing since `before`.
    Usage { day: i32, before: Instant },
    /// Entries of the audit trail made before.
    Audit { before: Instant },
}

impl Store {
    /// Erases at most `most` rows and says how many. They are looked up where reading blocks nobody and erased by their
    /// keys, so that the writer's part is short however large the table is.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn erase(&self, dead: Dead, most: u64) -> Result<u64, Fault> {
        let all = Condition::all;
        let erased = match dead {
            Dead::Verifications { before, now } => {
                use verification::{Column, Entity};
                let over = all().add(Column::CreatedAt.lt(before)).add(Column::ExpiresAt.lte(now));
                self.erase_from::<Entity, String>(Column::Id, over, most).await
            }
            Dead::Deliveries { before } => {
                use delivery::{Column, Entity};
                let over = all().add(Column::CreatedAt.lt(before)).add(Column::DueAt.is_null());
                self.erase_from::<Entity, String>(Column::Id, over, most).await
            }
            Dead::Proofs { before } => {
                use proof::{Column, Entity};
                self.erase_from::<Entity, String>(Column::TokenHash, all().add(Column::ExpiresAt.lt(before)), most)
                    .await
            }
            Dead::Usage { day, before } => {
                use contact_usage::{Column, Entity};
                let idle = Column::LastSentAt.is_null().or(Column::LastSentAt.lt(before));
                let over = all().add(Column::Day.lt(day)).add(idle);
                self.erase_from::<Entity, String>(Column::ContactKey, over, most).await
            }
            Dead::Audit { before } => {
                use audit::{Column, Entity};
                self.erase_from::<Entity, i64>(Column::Id, all().add(Column::At.lt(before)), most).await
            }
        };
        erased.doing("erasing what is over")
    }

    async fn erase_from<E, K>(&self, key: E::Column, over: Condition, most: u64) -> Result<u64, Fault>
    where
        E: EntityTrait<Model: FromQueryResult + Sync>,
        K: TryGetable + Into<Value> + Send + Sync,
    {
        let find = E::find().select_only().column(key).filter(over.clone()).limit(most).into_tuple::<K>();
        let keys = self.within(async { Ok(find.all(self.reader()).await?) }).await?;
        if keys.is_empty() {
            return Ok(0);
        }
        // Judged again: a contact may have been sent something meanwhile.
        let erase = E::delete_many().filter(key.is_in(keys)).filter(over);
        self.write(move |tx| Box::pin(async move { Ok(Ending::Commit(erase.exec(&tx.0).await?.rows_affected)) })).await
    }
}
