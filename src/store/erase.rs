//! Erasing what is over, a little at a time.

use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, FromQueryResult, QueryFilter, QuerySelect, TryGetable, Value,
    sea_query::Query,
};

use super::{
    Ending, Store,
    entity::{
        account::{self, AccountStatus},
        audit, contact_change, contact_usage, delivery, device, lockout, notice_usage, proof, provider_verification,
        refresh_token, revocation, session, verification,
    },
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
    /// Messages of this kind that nobody owes any more, however new they are.
    DeliveriesOf { kind: &'static str },
    /// Counts of notices whose period began before.
    NoticeUsage { before: Instant },
    /// Numbers that no verification used at a provider since.
    ProviderVerifications { before: Instant },
    /// Proofs that ended before.
    Proofs { before: Instant },
    /// What contacts used of days before `day`, if they were sent nothing since `before`.
    Usage { day: i32, before: Instant },
    /// Entries of the audit trail made before.
    Audit { before: Instant },
    /// Refresh tokens of sessions that were over before.
    RefreshTokens { before: Instant },
    /// Sessions that were over before.
    Sessions { before: Instant },
    /// Revocations of before: no access token is left that they are about.
    Revocations { before: Instant },
    /// Wrong passwords that were typed before, and lock nobody now.
    Lockouts { before: Instant, now: Instant },
    /// Devices not used since.
    Devices { before: Instant },
    /// Changes of contact that could be taken back until before.
    ContactChanges { before: Instant },
    /// Accounts made before that never proved a contact.
    Unproved { before: Instant },
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
            Dead::DeliveriesOf { kind } => {
                use delivery::{Column, Entity};
                // Notices alone: an index serves them.
                let notice = all().add(Column::Kind.eq(kind)).add(Column::VerificationId.is_null());
                let over = notice.add(Column::DueAt.is_null());
                self.erase_from::<Entity, String>(Column::Id, over, most).await
            }
            Dead::NoticeUsage { before } => {
                use notice_usage::{Column, Entity};
                self.erase_from::<Entity, String>(Column::AccountId, all().add(Column::Since.lt(before)), most).await
            }
            Dead::ProviderVerifications { before } => {
                use provider_verification::{Column, Entity};
                let idle = all().add(Column::ChangedAt.lt(before)).add(Column::ExpiresAt.lt(before));
                self.erase_from::<Entity, String>(Column::ContactKey, idle, most).await
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
            Dead::RefreshTokens { before } => {
                use refresh_token::{Column, Entity};
                let sessions = Query::select()
                    .column(session::Column::Id)
                    .from(session::Entity)
                    .cond_where(over(before))
                    .to_owned();
                let theirs = all().add(Column::SessionId.in_subquery(sessions));
                self.erase_from::<Entity, String>(Column::TokenHash, theirs, most).await
            }
            Dead::Sessions { before } => {
                use session::{Column, Entity};
                self.erase_from::<Entity, String>(Column::Id, over(before), most).await
            }
            Dead::Revocations { before } => {
                use revocation::{Column, Entity};
                self.erase_from::<Entity, String>(Column::SessionId, all().add(Column::At.lt(before)), most).await
            }
            Dead::Lockouts { before, now } => {
                use lockout::{Column, Entity};
                let open = Column::LockedUntil.is_null().or(Column::LockedUntil.lte(now));
                let forgotten = all().add(Column::LastFailedAt.lt(before)).add(open);
                self.erase_from::<Entity, String>(Column::Subject, forgotten, most).await
            }
            Dead::Devices { before } => {
                use device::{Column, Entity};
                self.erase_from::<Entity, String>(Column::TokenHash, all().add(Column::LastUsedAt.lt(before)), most)
                    .await
            }
            Dead::ContactChanges { before } => {
                use contact_change::{Column, Entity};
                self.erase_from::<Entity, String>(Column::Id, all().add(Column::ExpiresAt.lt(before)), most).await
            }
            Dead::Unproved { before } => {
                use account::{Column, Entity};
                let unproved = all()
                    .add(Column::PhoneVerifiedAt.is_null())
                    .add(Column::EmailVerifiedAt.is_null())
                    .add(Column::Status.eq(AccountStatus::PendingVerification))
                    .add(Column::CreatedAt.lt(before));
                self.erase_from::<Entity, String>(Column::Id, unproved, most).await
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

/// Sessions that were over before: ended by somebody, or not used in time.
fn over(before: Instant) -> Condition {
    use session::Column;
    Condition::any().add(Column::EndedAt.lt(before)).add(Column::ExpiresAt.lt(before))
}
