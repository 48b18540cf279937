//! Pages of rows, newest first, by the place where the page before ended: stable while rows come and go.

use sea_orm::{ColumnTrait, Condition};

use crate::clock::Timestamp;

/// Where a row stands among the others: its instant, then its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub at: Timestamp,
    pub id: String,
}

/// Which rows are wanted: so many after that place.
#[derive(Clone, Debug)]
pub struct Slice {
    pub first: u32,
    pub after: Option<Place>,
}

/// Some rows, and whether there are more behind them.
#[derive(Clone, Debug)]
pub struct Page<T> {
    pub rows: Vec<T>,
    pub more: bool,
}

impl Slice {
    /// One more than wanted: it tells whether there are more.
    pub(super) fn limit(&self) -> u64 {
        u64::from(self.first) + 1
    }
}

impl<T> Page<T> {
    pub(super) fn of(mut rows: Vec<T>, slice: &Slice) -> Self {
        let first = slice.first as usize;
        let more = rows.len() > first;
        rows.truncate(first);
        Self { rows, more }
    }
}

/// Rows behind the slice's place, where newer ones come first.
pub(super) fn after<C: ColumnTrait>(slice: &Slice, at: C, id: C) -> Condition {
    let Some(place) = &slice.after else { return Condition::all() };
    let same_instant = Condition::all().add(at.eq(place.at)).add(id.lt(place.id.as_str()));
    Condition::any().add(at.lt(place.at)).add(same_instant)
}
