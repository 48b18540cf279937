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

impl ExpiredRows {
    fn condition(self) -> Condition {
        let all = Condition::all;
        match self {
            ExpiredRows::Verifications { before, now } => {
                use verification::Column;
                all().add(Column::CreatedAt.lt(before)).add(Column::ExpiresAt.lte(now))
            }
            ExpiredRows::Deliveries { before } => {
                use delivery::Column;
                all().add(Column::CreatedAt.lt(before)).add(Column::DueAt.is_null())
            }
            ExpiredRows::DeliveriesOf { kind } => {
                use delivery::Column;
                // Only notices: an index serves them.
                let notice = all().add(Column::Kind.eq(kind)).add(Column::VerificationId.is_null());
                notice.add(Column::DueAt.is_null())
            }
            ExpiredRows::NoticeUsage { before } => all().add(notice_usage::Column::Since.lt(before)),
            ExpiredRows::ProviderVerifications { before } => {
                use provider_verification::Column;
                all().add(Column::ChangedAt.lt(before)).add(Column::ExpiresAt.lt(before))
            }
            ExpiredRows::Proofs { before } => all().add(proof::Column::ExpiresAt.lt(before)),
            ExpiredRows::Usage { day, before } => {
                use contact_usage::Column;
                let idle = Column::LastSentAt.is_null().or(Column::LastSentAt.lt(before));
                all().add(Column::Day.lt(day)).add(idle)
            }
            ExpiredRows::Audit { before } => all().add(audit::Column::At.lt(before)),
            ExpiredRows::RefreshTokens { before } => tokens_of_ended_sessions(before),
            ExpiredRows::Sessions { before } => ended_sessions(before),
            ExpiredRows::Revocations { before } => all().add(revocation::Column::At.lt(before)),
            ExpiredRows::Lockouts { before, now } => {
                use lockout::Column;
                let unlocked = Column::LockedUntil.is_null().or(Column::LockedUntil.lte(now));
                all().add(Column::LastFailedAt.lt(before)).add(unlocked)
            }
            ExpiredRows::Devices { before } => all().add(device::Column::LastUsedAt.lt(before)),
            ExpiredRows::ContactChanges { before } => all().add(contact_change::Column::ExpiresAt.lt(before)),
            ExpiredRows::Unverified { before } => unverified_accounts(before),
        }
    }
}

impl Store {
    /// Deletes at most `limit` rows and returns their number. They are looked up by a reader, which blocks no writer,
    /// and deleted by their keys, so that the write is short however large the table is.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn delete_expired(&self, rows: ExpiredRows, limit: u64) -> Result<u64, Fault> {
        let expired = rows.condition();
        let deleted = match rows {
            ExpiredRows::Verifications { .. } => self.delete(verification::Column::Id, expired, limit).await,
            ExpiredRows::Deliveries { .. } | ExpiredRows::DeliveriesOf { .. } => {
                self.delete(delivery::Column::Id, expired, limit).await
            }
            ExpiredRows::NoticeUsage { .. } => self.delete(notice_usage::Column::AccountId, expired, limit).await,
            ExpiredRows::ProviderVerifications { .. } => {
                self.delete(provider_verification::Column::ContactKey, expired, limit).await
            }
            ExpiredRows::Proofs { .. } => self.delete(proof::Column::TokenHash, expired, limit).await,
            ExpiredRows::Usage { .. } => self.delete(contact_usage::Column::ContactKey, expired, limit).await,
            ExpiredRows::Audit { .. } => self.delete_by_key::<_, i64>(audit::Column::Id, expired, limit).await,
            ExpiredRows::RefreshTokens { .. } => self.delete(refresh_token::Column::TokenHash, expired, limit).await,
            ExpiredRows::Sessions { .. } => self.delete(session::Column::Id, expired, limit).await,
            ExpiredRows::Revocations { .. } => self.delete(revocation::Column::SessionId, expired, limit).await,
            ExpiredRows::Lockouts { .. } => self.delete(lockout::Column::Subject, expired, limit).await,
            ExpiredRows::Devices { .. } => self.delete(device::Column::TokenHash, expired, limit).await,
            ExpiredRows::ContactChanges { .. } => self.delete(contact_change::Column::Id, expired, limit).await,
            ExpiredRows::Unverified { .. } => self.delete(account::Column::Id, expired, limit).await,
        };
        deleted.context("deleting expired rows")
    }

    async fn delete<C>(&self, key: C, expired: Condition, limit: u64) -> Result<u64, Fault>
    where
        C: ColumnTrait<EntityName: EntityTrait<Column = C, Model: FromQueryResult + Sync>>,
    {
        self.delete_by_key::<C, String>(key, expired, limit).await
    }

    async fn delete_by_key<C, K>(&self, key: C, expired: Condition, limit: u64) -> Result<u64, Fault>
    where
        C: ColumnTrait<EntityName: EntityTrait<Column = C, Model: FromQueryResult + Sync>>,
        K: TryGetable + Into<Value> + Send + Sync,
    {
        let find = <C::EntityName as EntityTrait>::find().select_only().column(key);
        let find = find.filter(expired.clone()).limit(limit).into_tuple::<K>();
        let keys = self.with_timeout(async { Ok(find.all(self.reader()).await?) }).await?;
        if keys.is_empty() {
            return Ok(0);
        }
        // Checked again: the contact may have been used meanwhile.
        let delete = <C::EntityName as EntityTrait>::delete_many().filter(key.is_in(keys)).filter(expired);
        self.write(move |tx| Box::pin(async move { Ok(TxOutcome::Commit(delete.exec(&tx.0).await?.rows_affected)) }))
            .await
    }
}

/// Sessions that ended or expired before.
fn ended_sessions(before: Timestamp) -> Condition {
    use session::Column;
    Condition::any().add(Column::EndedAt.lt(before)).add(Column::ExpiresAt.lt(before))
}

fn tokens_of_ended_sessions(before: Timestamp) -> Condition {
    let sessions =
        Query::select().column(session::Column::Id).from(session::Entity).cond_where(ended_sessions(before)).to_owned();
    Condition::all().add(refresh_token::Column::SessionId.in_subquery(sessions))
}

fn unverified_accounts(before: Timestamp) -> Condition {
    use account::Column;
    Condition::all()
        .add(Column::PhoneVerifiedAt.is_null())
        .add(Column::EmailVerifiedAt.is_null())
        .add(Column::Status.eq(Text(AccountStatus::PendingVerification)))
        .add(Column::CreatedAt.lt(before))
}
