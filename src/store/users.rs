//! Accounts, as an administrator looks for them.

use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::LikeExpr,
};

use super::{
    Store,
    entity::account::{AccountStatus, Column, Entity, Model},
    page::{Page, Slice, after},
};
use crate::fault::{Doing, Fault};

impl Store {
    /// Accounts, newest first. `search` is a part of a username, nickname, name, phone number or e-mail address in its
    /// normalised form.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn users(
        &self,
        status: Option<AccountStatus>,
        search: Option<&str>,
        slice: &Slice,
    ) -> Result<Page<Model>, Fault> {
        let mut find = Entity::find()
            .filter(after(slice, Column::CreatedAt, Column::Id))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .limit(slice.limit());
        if let Some(status) = status {
            find = find.filter(Column::Status.eq(status));
        }
        if let Some(search) = search {
            find = find.filter(holds(search));
        }
        let rows = self.within(async { Ok(find.all(self.reader()).await?) }).await.doing("looking for accounts")?;
        Ok(Page::of(rows, slice))
    }
}

/// What stands in the text counts as itself, signs that LIKE gives a meaning to as well.
fn holds(search: &str) -> Condition {
    let escaped: String = search.chars().fold(String::new(), |mut text, sign| {
        if matches!(sign, '%' | '_' | '\\') {
            text.push('\\');
        }
        text.push(sign);
        text
    });
    let like = || LikeExpr::new(format!("%{escaped}%")).escape('\\');
    let columns = [Column::UsernameKey, Column::NicknameKey, Column::NameKey, Column::Phone, Column::EmailKey];
    columns.into_iter().fold(Condition::any(), |any, column| any.add(column.into_expr().like(like())))
}
