//! The verifications of an account: its history, and their deletion.

use sea_orm::{
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LockType},
};

use super::{
    Store, Tx,
    entity::Mapped,
    entity::{
        delivery, proof,
        verification::{Column, Entity},
    },
    page::{Page, PageRequest, after},
    text::Text,
};
use domain::{
    Timestamp,
    ids::{AccountId, VerificationId},
    purpose::Purpose,
    status::Status,
    verification::Verification,
};
use platform::fault::{Fault, FaultContext};

/// Purposes that can only be requested while signed in to the account.
const REQUESTED_BY_HOLDER: [Purpose; 4] =
    [Purpose::Contact, Purpose::PhoneChange, Purpose::EmailChange, Purpose::StepUp];

impl Store {
    /// The verifications of an account, newest first.
    ///
    /// Decoys are excluded, and so are pending ones that the reader did not request: an id is a capability of the
    /// requester. `by_owner`: the reader is the owner of the account, and sees pending ones of purposes that only the
    /// owner can request. Other readers, such as administrators, see no pending ones.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn verifications_of(
        &self,
        account: &AccountId,
        page: &PageRequest,
        by_owner: bool,
        now: Timestamp,
    ) -> Result<Page<Verification>, Fault> {
        let shown = Condition::any().add(Column::Status.ne(Text(Status::Pending))).add(Column::ExpiresAt.lte(now));
        let shown = match by_owner {
            true => shown.add(Column::Purpose.is_in(REQUESTED_BY_HOLDER.map(Text))),
            false => shown,
        };
        let find = Entity::find()
            .filter(Column::AccountId.eq(account.as_str()))
            .filter(Condition::any().add(Column::Decoy.eq(false)).add(Column::ClosedAt.is_not_null()))
            .filter(shown)
            .filter(after(page, Column::CreatedAt, Column::Id))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .limit(page.limit());
        let rows =
            self.with_timeout(async { Ok(find.all(self.reader()).await?) }).await.context("reading a history")?;
        Ok(Page::of(rows, page).mapped())
    }
}

impl Tx {
    /// Sets the account of a verification.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn set_verification_account(&self, id: &VerificationId, account: &AccountId) -> Result<(), Fault> {
        let update = Entity::update_many()
            .filter(Column::Id.eq(id.as_str()))
            .col_expr(Column::AccountId, Expr::val(account.as_str()));
        update.exec(&self.0).await.context("setting the account of a verification")?;
        Ok(())
    }

    /// Deletes the messages, notices, verifications and proofs of an account. Its verifications are locked in the same
    /// order as in [`Tx::close_verifications`].
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn delete_history(&self, account: &AccountId) -> Result<(), Fault> {
        let own = Entity::find()
            .select_only()
            .columns([Column::Id, Column::CreatedAt, Column::LastSentAt])
            .filter(Column::AccountId.eq(account.as_str()))
            .order_by_asc(Column::Id)
            .lock(LockType::Update)
            .into_tuple::<(String, Timestamp, Timestamp)>();
        for (id, first, last) in own.all(&self.0).await.context("locking an account's verifications")? {
            // A message is created at the time of its send, which an index covers.
            let messages = delivery::Entity::delete_many()
                .filter(delivery::Column::VerificationId.eq(id))
                .filter(delivery::Column::CreatedAt.between(first, last));
            messages.exec(&self.0).await.context("deleting an account's messages")?;
        }
        let notices = delivery::Entity::delete_many().filter(delivery::Column::AccountId.eq(account.as_str()));
        notices.exec(&self.0).await.context("deleting an account's notices")?;
        let verifications = Entity::delete_many().filter(Column::AccountId.eq(account.as_str()));
        verifications.exec(&self.0).await.context("deleting an account's verifications")?;
        let proofs = proof::Entity::delete_many().filter(proof::Column::AccountId.eq(account.as_str()));
        proofs.exec(&self.0).await.context("deleting an account's proofs")?;
        Ok(())
    }
}
