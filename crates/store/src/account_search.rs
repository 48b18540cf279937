//! Account search for administrators.

use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::LikeExpr,
};

use super::{
    Store,
    entity::Mapped,
    entity::account::{Column, Entity},
    page::{Page, PageRequest, after},
    text::Text,
};
use domain::account::{Account, AccountStatus};
use platform::fault::{Fault, FaultContext};

/// A search text for accounts.
#[derive(Clone, Debug)]
pub struct AccountSearch {
    /// A part of a username, nickname, phone number or e-mail address in its normalised form.
    pub text: String,
    /// The same text as a part of a name's key; None: it can't be part of one.
    pub name: Option<String>,
}

impl Store {
    /// Accounts, newest first.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn users(
        &self,
        status: Option<AccountStatus>,
        search: Option<&AccountSearch>,
        page: &PageRequest,
    ) -> Result<Page<Account>, Fault> {
        let mut find = Entity::find()
            .filter(after(page, Column::CreatedAt, Column::Id))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .limit(page.limit());
        if let Some(status) = status {
            find = find.filter(Column::Status.eq(Text(status)));
        }
        if let Some(search) = search {
            find = find.filter(matching(search));
        }
        let rows =
            self.with_timeout(async { Ok(find.all(self.reader()).await?) }).await.context("looking for accounts")?;
        Ok(Page::of(rows, page).mapped())
    }
}

fn matching(search: &AccountSearch) -> Condition {
    let columns = [Column::UsernameKey, Column::NicknameKey, Column::Phone, Column::EmailKey];
    let mut texts: Vec<_> = columns.into_iter().map(|column| (column, &search.text)).collect();
    // Keys stored by an earlier version contain hyphens and apostrophes.
    texts.extend([Some(&search.text), search.name.as_ref()].into_iter().flatten().map(|text| (Column::NameKey, text)));
    texts.into_iter().fold(Condition::any(), |any, (column, text)| any.add(column.into_expr().like(contains(text))))
}

/// The text is matched literally: the wildcards of LIKE are escaped.
fn contains(text: &str) -> LikeExpr {
    let escaped: String = text.chars().fold(String::new(), |mut text, character| {
        if matches!(character, '%' | '_' | '\\') {
            text.push('\\');
        }
        text.push(character);
        text
    });
    LikeExpr::new(format!("%{escaped}%")).escape('\\')
}
