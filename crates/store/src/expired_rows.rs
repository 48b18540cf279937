//! Deletes expired rows in small batches.

use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, FromQueryResult, QueryFilter, QuerySelect, TryGetable, Value,
    sea_query::Query,
};

use super::{
    Store, TxOutcome,
    entity::{
        account, audit, contact_change, contact_usage, delivery, device, lockout, notice_usage, proof,
        provider_verification, refresh_token, revocation, session, verification,
    },
    text::Text,
};
use domain::{Timestamp, account::AccountStatus};
use platform::fault::{Fault, FaultContext};

/// A kind of expired rows.
#[derive(Clone, Copy, Debug)]
pub enum ExpiredRows {
    /// Verifications created before and expired.
    Verifications { before: Timestamp, now: Timestamp },
    /// Messages created before and no longer to be sent.
    Deliveries { before: Timestamp },
    /// Messages of this kind that are no longer to be sent, of any age.
    DeliveriesOf { kind: &'static str },
    /// Notice counters whose period began before.
    NoticeUsage { before: Timestamp },
    /// Slots at providers that were not used since.
    ProviderVerifications { before: Timestamp },
    /// Proofs that expired before.
    Proofs { before: Timestamp },
    /// The usage of contacts on days before `day`, without a send since `before`.
    Usage { day: i32, before: Timestamp },
    /// Entries of the audit trail made before.
    Audit { before: Timestamp },
    /// Refresh tokens of sessions that ended or expired before.
    RefreshTokens { before: Timestamp },
    /// Sessions that ended or expired before.
    Sessions { before: Timestamp },
    /// Revocations made before: all access tokens they apply to have expired.
    Revocations { before: Timestamp },
    /// Failed passwords counted before, without a current lock.
    Lockouts { before: Timestamp, now: Timestamp },
    /// Devices last used before.
    Devices { before: Timestamp },
    /// Contact changes that could be undone until before.
    ContactChanges { before: Timestamp },
    /// Accounts created before that never verified a contact.
    Unverified { before: Timestamp },
}

impl Store {
    /// Deletes at most `limit` rows and returns their number. They are looked up by a reader, which blocks no writer,
    /// and deleted by their keys, so that the write is short however large the table is.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn delete_expired(&self, rows: ExpiredRows, limit: u64) -> Result<u64, Fault> {
        let all = Condition::all;
        let deleted = match rows {
            ExpiredRows::Verifications { before, now } => {
                use verification::{Column, Entity};
                let over = all().add(Column::CreatedAt.lt(before)).add(Column::ExpiresAt.lte(now));
                self.delete_from::<Entity, String>(Column::Id, over, limit).await
            }
            ExpiredRows::Deliveries { before } => {
                use delivery::{Column, Entity};
                let over = all().add(Column::CreatedAt.lt(before)).add(Column::DueAt.is_null());
                self.delete_from::<Entity, String>(Column::Id, over, limit).await
            }
            ExpiredRows::DeliveriesOf { kind } => {
                use delivery::{Column, Entity};
                // Only notices: an index serves them.
                let notice = all().add(Column::Kind.eq(kind)).add(Column::VerificationId.is_null());
                let over = notice.add(Column::DueAt.is_null());
                self.delete_from::<Entity, String>(Column::Id, over, limit).await
            }
            ExpiredRows::NoticeUsage { before } => {
                use notice_usage::{Column, Entity};
                self.delete_from::<Entity, String>(Column::AccountId, all().add(Column::Since.lt(before)), limit).await
            }
            ExpiredRows::ProviderVerifications { before } => {
                use provider_verification::{Column, Entity};
                let idle = all().add(Column::ChangedAt.lt(before)).add(Column::ExpiresAt.lt(before));
                self.delete_from::<Entity, String>(Column::ContactKey, idle, limit).await
            }
            ExpiredRows::Proofs { before } => {
                use proof::{Column, Entity};
                self.delete_from::<Entity, String>(Column::TokenHash, all().add(Column::ExpiresAt.lt(before)), limit)
                    .await
            }
            ExpiredRows::Usage { day, before } => {
                use contact_usage::{Column, Entity};
                let idle = Column::LastSentAt.is_null().or(Column::LastSentAt.lt(before));
                let over = all().add(Column::Day.lt(day)).add(idle);
                self.delete_from::<Entity, String>(Column::ContactKey, over, limit).await
            }
            ExpiredRows::Audit { before } => {
                use audit::{Column, Entity};
                self.delete_from::<Entity, i64>(Column::Id, all().add(Column::At.lt(before)), limit).await
            }
            ExpiredRows::RefreshTokens { before } => {
                use refresh_token::{Column, Entity};
                let sessions = Query::select()
                    .column(session::Column::Id)
                    .from(session::Entity)
                    .cond_where(over(before))
                    .to_owned();
                let theirs = all().add(Column::SessionId.in_subquery(sessions));
                self.delete_from::<Entity, String>(Column::TokenHash, theirs, limit).await
            }
            ExpiredRows::Sessions { before } => {
                use session::{Column, Entity};
                self.delete_from::<Entity, String>(Column::Id, over(before), limit).await
            }
            ExpiredRows::Revocations { before } => {
                use revocation::{Column, Entity};
                self.delete_from::<Entity, String>(Column::SessionId, all().add(Column::At.lt(before)), limit).await
            }
            ExpiredRows::Lockouts { before, now } => {
                use lockout::{Column, Entity};
                let open = Column::LockedUntil.is_null().or(Column::LockedUntil.lte(now));
                let forgotten = all().add(Column::LastFailedAt.lt(before)).add(open);
                self.delete_from::<Entity, String>(Column::Subject, forgotten, limit).await
            }
            ExpiredRows::Devices { before } => {
                use device::{Column, Entity};
                self.delete_from::<Entity, String>(Column::TokenHash, all().add(Column::LastUsedAt.lt(before)), limit)
                    .await
            }
            ExpiredRows::ContactChanges { before } => {
                use contact_change::{Column, Entity};
                self.delete_from::<Entity, String>(Column::Id, all().add(Column::ExpiresAt.lt(before)), limit).await
            }
            ExpiredRows::Unverified { before } => {
                use account::{Column, Entity};
                let unproved = all()
                    .add(Column::PhoneVerifiedAt.is_null())
                    .add(Column::EmailVerifiedAt.is_null())
                    .add(Column::Status.eq(Text(AccountStatus::PendingVerification)))
                    .add(Column::CreatedAt.lt(before));
                self.delete_from::<Entity, String>(Column::Id, unproved, limit).await
            }
        };
        deleted.doing("deleting expired rows")
    }

    async fn delete_from<E, K>(&self, key: E::Column, over: Condition, limit: u64) -> Result<u64, Fault>
    where
        E: EntityTrait<Model: FromQueryResult + Sync>,
        K: TryGetable + Into<Value> + Send + Sync,
    {
        let find = E::find().select_only().column(key).filter(over.clone()).limit(limit).into_tuple::<K>();
        let keys = self.with_timeout(async { Ok(find.all(self.reader()).await?) }).await?;
        if keys.is_empty() {
            return Ok(0);
        }
        // Checked again: the contact may have been used meanwhile.
        let erase = E::delete_many().filter(key.is_in(keys)).filter(over);
        self.write(move |tx| Box::pin(async move { Ok(TxOutcome::Commit(erase.exec(&tx.0).await?.rows_affected)) }))
            .await
    }
}

/// Sessions that ended or expired before.
fn over(before: Timestamp) -> Condition {
    use session::Column;
    Condition::any().add(Column::EndedAt.lt(before)).add(Column::ExpiresAt.lt(before))
}
