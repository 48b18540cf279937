//! The daily usage of a contact: counted and checked in one statement.

use std::num::NonZeroU32;

use sea_orm::{
    ConnectionTrait, EntityTrait, ExprTrait, FromQueryResult, Iterable,
    sea_query::{Expr, InsertStatement, OnConflict, Query},
};

use super::{Store, Tx, entity::Mapped, entity::contact_usage};
use domain::Timestamp;
use platform::fault::{Fault, FaultContext};

/// The daily usage of a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactUsage {
    pub contact_key: String,
    /// The local day (in `QUOTA_TIME_ZONE`) of the counts, in days of the Common Era.
    pub day: i32,
    pub sends: i32,
    pub guesses: i32,
    pub last_sent_at: Option<Timestamp>,
}

/// The limits of a reservation.
#[derive(Clone, Copy, Debug)]
pub struct UsageLimits {
    /// Today, in the quota's time zone, as the number of days of the Common Era.
    pub day: i32,
    /// Sends or guesses per day; None: unlimited.
    pub daily: Option<NonZeroU32>,
    /// A send is refused if the last one was later than this.
    pub last_send_before: Option<Timestamp>,
}

/// The result of a reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// Counted; with the usage after it.
    Granted(ContactUsage),
    /// Not counted: a limit was exceeded.
    Refused,
}

#[derive(Clone, Copy)]
enum Counter {
    Sends,
    Guesses,
}

impl Tx {
    /// Counts one send, unless the daily limit is reached or the last one is too recent.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn reserve_send(
        &self,
        contact_key: &str,
        now: Timestamp,
        limits: UsageLimits,
    ) -> Result<Reservation, Fault> {
        self.reserve(count_send(contact_key, now, limits)).await.context("counting a send")
    }

    /// Counts one guess, unless the daily limit is reached. Right guesses count too; otherwise the limit would not
    /// apply to an attacker who finally guesses right.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn reserve_guess(&self, contact_key: &str, limits: UsageLimits) -> Result<Reservation, Fault> {
        self.reserve(count(contact_key, Counter::Guesses, None, limits)).await.context("counting a guess")
    }

    async fn reserve(&self, count: InsertStatement) -> Result<Reservation, Fault> {
        match self.0.query_one(&count).await? {
            Some(row) => Ok(Reservation::Granted(contact_usage::Model::from_query_result(&row, "")?.into())),
            None => Ok(Reservation::Refused),
        }
    }
}

/// Counts one send, and returns the row only if it was granted.
pub(super) fn count_send(contact_key: &str, now: Timestamp, limits: UsageLimits) -> InsertStatement {
    count(contact_key, Counter::Sends, Some(now), limits)
}

/// Counts one guess if the CTE `from` has a row, and returns the row only if it was granted.
pub(super) fn count_guess_if(
    from: &'static str,
    contact_key: &str,
    limits: UsageLimits,
) -> Result<InsertStatement, Fault> {
    let mut insert = upsert(Counter::Guesses, None, limits);
    let row = Query::select().exprs(first_row(contact_key, Counter::Guesses, None, limits)).from(from).to_owned();
    let inserted = insert.select_from(row).map(|insert| insert.to_owned());
    inserted.map_err(|error| Fault::internal(format!("a guess can't be counted: {error}")))
}

fn count(contact_key: &str, counter: Counter, sent_at: Option<Timestamp>, limits: UsageLimits) -> InsertStatement {
    upsert(counter, sent_at, limits).values_panic(first_row(contact_key, counter, sent_at, limits)).to_owned()
}

/// The row of a contact without earlier usage.
fn first_row(contact_key: &str, counter: Counter, sent_at: Option<Timestamp>, limits: UsageLimits) -> [Expr; 5] {
    let (sends, guesses) = match counter {
        Counter::Sends => (1, 0),
        Counter::Guesses => (0, 1),
    };
    [contact_key.into(), limits.day.into(), sends.into(), guesses.into(), Expr::val(sent_at)]
}

/// One upsert: the row lock makes counting and checking atomic. A new day resets the count; after a clock was set back,
/// the count of the later day continues, so that this gains nothing.
fn upsert(counter: Counter, sent_at: Option<Timestamp>, limits: UsageLimits) -> InsertStatement {
    use contact_usage::Column;
    let counted = match counter {
        Counter::Sends => Column::Sends,
        Counter::Guesses => Column::Guesses,
    };
    let new_day = || excluded(Column::Day).gt(existing(Column::Day));
    let carried_over = |column: Column| -> Expr {
        let total = existing(column).add(excluded(column));
        Expr::case(new_day(), excluded(column)).finally(total).into()
    };
    let mut conflict = OnConflict::column(Column::ContactKey);
    conflict
        .value(Column::Sends, carried_over(Column::Sends))
        .value(Column::Guesses, carried_over(Column::Guesses))
        .value(Column::Day, Expr::case(new_day(), excluded(Column::Day)).finally(existing(Column::Day)));
    if let Some(daily) = limits.daily {
        conflict.action_and_where(new_day().or(existing(counted).lt(daily.get())));
    }
    if let Some(now) = sent_at {
        conflict.value(Column::LastSentAt, Expr::val(now));
    }
    if let Some(since) = limits.last_send_before {
        conflict.action_and_where(existing(Column::LastSentAt).is_null().or(existing(Column::LastSentAt).lte(since)));
    }
    Query::insert()
        .into_table(contact_usage::Entity)
        .columns([Column::ContactKey, Column::Day, Column::Sends, Column::Guesses, Column::LastSentAt])
        .on_conflict(conflict)
        .returning(Query::returning().columns(Column::iter()))
        .to_owned()
}

impl Store {
    /// The usage of a contact; None: it was never used.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn contact_usage(&self, contact_key: &str) -> Result<Option<ContactUsage>, Fault> {
        let find = contact_usage::Entity::find_by_id(contact_key.to_owned());
        self.with_timeout(async { Ok(find.one(self.reader()).await?) })
            .await
            .context("reading a contact's usage")
            .mapped()
    }
}

fn existing(column: contact_usage::Column) -> Expr {
    Expr::col((contact_usage::Entity, column))
}

fn excluded(column: contact_usage::Column) -> Expr {
    Expr::col(("excluded", column))
}
