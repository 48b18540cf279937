//! Pages of rows, newest first, with a keyset cursor: stable while rows are added and removed.

use sea_orm::{ColumnTrait, Condition};

use super::entity::Mapped;

use domain::Timestamp;

/// The position of a row in the order: its time, then its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowPosition {
    pub at: Timestamp,
    pub id: String,
}

/// The requested rows: `first` rows after a position.
#[derive(Clone, Debug)]
pub struct PageRequest {
    pub first: u32,
    pub after: Option<RowPosition>,
}

/// Some rows, and whether more follow.
#[derive(Clone, Debug)]
pub struct Page<T> {
    pub rows: Vec<T>,
    pub more: bool,
}

impl PageRequest {
    /// One more than requested, to detect whether more follow.
    pub(super) fn limit(&self) -> u64 {
        u64::from(self.first) + 1
    }
}

impl<T> Page<T> {
    pub(super) fn of(mut rows: Vec<T>, page: &PageRequest) -> Self {
        let first = page.first as usize;
        let more = rows.len() > first;
        rows.truncate(first);
        Self { rows, more }
    }
}

impl<M, T: From<M>> Mapped<Page<T>> for Page<M> {
    fn mapped(self) -> Page<T> {
        Page { rows: self.rows.mapped(), more: self.more }
    }
}

/// Rows after the cursor of the page, newest first.
pub(super) fn after<C: ColumnTrait>(page: &PageRequest, at: C, id: C) -> Condition {
    let Some(cursor) = &page.after else { return Condition::all() };
    let same_instant = Condition::all().add(at.eq(cursor.at)).add(id.lt(cursor.id.as_str()));
    Condition::any().add(at.lt(cursor.at)).add(same_instant)
}
