//! The verifications of an account: its own history, and its end.

use sea_orm::{
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LockType},
};

use super::{
    Store, Tx,
    entity::{
        delivery, proof,
        verification::{Column, Entity, Model},
    },
    page::{Page, Slice, after},
};
use crate::{
    clock::Timestamp,
    fault::{Doing, Fault},
    ids::{AccountId, VerificationId},
    purpose::Purpose,
    status::Status,
};

/// What is only asked for by somebody who is signed in to the account.
const ASKED_BY_HOLDER: [Purpose; 4] = [Purpose::Contact, Purpose::PhoneChange, Purpose::EmailChange, Purpose::StepUp];

impl Store {
    /// The verifications of an account, newest first.
    ///
    /// Left out are decoys, and pending ones that the reader did not ask for: an id is the capability of whoever asked.
    /// `by_holder`: the account's holder reads, and sees pending ones of purposes that only a holder asks for. Anybody
    /// else, such as an administrator, sees none that is pending.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn verifications_of(
        &self,
        account: &AccountId,
        slice: &Slice,
        by_holder: bool,
        now: Timestamp,
    ) -> Result<Page<Model>, Fault> {
        let shown = Condition::any().add(Column::Status.ne(Status::Pending)).add(Column::ExpiresAt.lte(now));
        let shown = match by_holder {
            true => shown.add(Column::Purpose.is_in(ASKED_BY_HOLDER)),
            false => shown,
        };
        let find = Entity::find()
            .filter(Column::AccountId.eq(account.as_str()))
            .filter(Condition::any().add(Column::Decoy.eq(false)).add(Column::ClosedAt.is_not_null()))
            .filter(shown)
            .filter(after(slice, Column::CreatedAt, Column::Id))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .limit(slice.limit());
        let rows = self.within(async { Ok(find.all(self.reader()).await?) }).await.doing("reading a history")?;
        Ok(Page::of(rows, slice))
    }
}

impl Tx {
    /// Says whose a verification turned out to be.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn own_verification(&self, id: &VerificationId, account: &AccountId) -> Result<(), Fault> {
        let update = Entity::update_many()
            .filter(Column::Id.eq(id.as_str()))
            .col_expr(Column::AccountId, Expr::val(account.as_str()));
        update.exec(&self.0).await.doing("saying whose a verification is")?;
        Ok(())
    }

    /// Erases what an account was sent and what it proved. Its verifications are locked in the order in which
    /// [`Tx::close_verifications`] locks them.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn erase_history(&self, account: &AccountId) -> Result<(), Fault> {
        let own = Entity::find()
            .select_only()
            .columns([Column::Id, Column::CreatedAt, Column::LastSentAt])
            .filter(Column::AccountId.eq(account.as_str()))
            .order_by_asc(Column::Id)
            .lock(LockType::Update)
            .into_tuple::<(String, Timestamp, Timestamp)>();
        for (id, first, last) in own.all(&self.0).await.doing("locking an account's verifications")? {
            // A message is created at the instant of its send, and an index leads to that.
            let messages = delivery::Entity::delete_many()
                .filter(delivery::Column::VerificationId.eq(id))
                .filter(delivery::Column::CreatedAt.between(first, last));
            messages.exec(&self.0).await.doing("erasing an account's messages")?;
        }
        let notices = delivery::Entity::delete_many().filter(delivery::Column::AccountId.eq(account.as_str()));
        notices.exec(&self.0).await.doing("erasing an account's notices")?;
        let verifications = Entity::delete_many().filter(Column::AccountId.eq(account.as_str()));
        verifications.exec(&self.0).await.doing("erasing an account's verifications")?;
        let proofs = proof::Entity::delete_many().filter(proof::Column::AccountId.eq(account.as_str()));
        proofs.exec(&self.0).await.doing("erasing an account's proofs")?;
        Ok(())
    }
}
