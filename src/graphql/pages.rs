//! Pagination by the Relay cursor connections specification: forward only, keyed by the position of the last item.

use std::borrow::Cow;

use async_graphql::{
    Context, Object, OutputType, TypeName,
    connection::{CursorType, Edge, EmptyFields, PageInfo},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    context::RequestContext,
    errors::{ResolverError, Result},
};
use domain::Timestamp;
use platform::texts::Arg;
use store::{Page, PageRequest, RowPosition};

/// Maximum page size, and the default page size.
const MAX_PAGE_SIZE: u32 = 100;
pub const DEFAULT_PAGE_SIZE: i32 = 20;

/// Position of a row in a list; opaque to clients.
pub struct Cursor(pub RowPosition);

impl CursorType for Cursor {
    type Error = &'static str;

    fn decode_cursor(text: &str) -> Result<Self, Self::Error> {
        const INVALID: &str = "not a cursor of this service";
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| INVALID)?;
        let text = String::from_utf8(bytes).map_err(|_| INVALID)?;
        let (millis, id) = text.split_once(' ').ok_or(INVALID)?;
        let at = millis.parse().ok().and_then(Timestamp::from_timestamp_millis).ok_or(INVALID)?;
        // Only values of a known form are passed to the database.
        let plain = id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if plain { Ok(Self(RowPosition { at, id: id.to_owned() })) } else { Err(INVALID) }
    }

    fn encode_cursor(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{} {}", self.0.at.timestamp_millis(), self.0.id))
    }
}

/// The requested page: at most a hundred nodes, and the default size for null.
///
/// # Errors
/// `BAD_REQUEST` for an invalid cursor, or a negative number.
pub fn page_request(ctx: &Context<'_>, first: Option<i32>, after: Option<&str>) -> Result<PageRequest> {
    let after = after.map(Cursor::decode_cursor).transpose();
    let after = after.map_err(|_| bad_request(ctx, "error-bad-request-after", &[]))?;
    let first = u32::try_from(first.unwrap_or(DEFAULT_PAGE_SIZE));
    let first = first.map_err(|_| bad_request(ctx, "error-bad-request-first", &[("most", MAX_PAGE_SIZE.into())]))?;
    Ok(PageRequest { first: first.min(MAX_PAGE_SIZE), after: after.map(|cursor| cursor.0) })
}

/// A connection. The library's own type has no description, and every type of this schema has one.
pub struct Connection<N: OutputType> {
    edges: Vec<Edge<Cursor, N, EmptyFields>>,
    before: bool,
    more: bool,
}

impl<N: OutputType> TypeName for Connection<N> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", N::type_name()).into()
    }
}

/// One page of a list, with cursors for the next page.
#[Object(name_type)]
impl<N: OutputType> Connection<N> {
    /// Position of the page in the list.
    async fn page_info(&self) -> PageInfo {
        let cursor = |edge: &Edge<Cursor, N, EmptyFields>| edge.cursor.encode_cursor();
        PageInfo {
            has_previous_page: self.before,
            has_next_page: self.more,
            start_cursor: self.edges.first().map(cursor),
            end_cursor: self.edges.last().map(cursor),
        }
    }

    /// Items of the page, each with its cursor.
    async fn edges(&self) -> &[Edge<Cursor, N, EmptyFields>] {
        &self.edges
    }

    /// Items of the page.
    async fn nodes(&self) -> Vec<&N> {
        self.edges.iter().map(|edge| &edge.node).collect()
    }
}

/// Converts a page to a connection.
pub fn connection<T, N: OutputType>(
    page: Page<T>,
    page_request: &PageRequest,
    place: impl Fn(&T) -> RowPosition,
    node: impl Fn(T) -> N,
) -> Connection<N> {
    let edges = page.rows.into_iter().map(|row| Edge::new(Cursor(place(&row)), node(row))).collect();
    Connection { edges, before: page_request.after.is_some(), more: page.more }
}

/// The error `BAD_REQUEST` with the localized `message`.
pub fn bad_request(ctx: &Context<'_>, message: &str, args: &[(&str, Arg<'_>)]) -> ResolverError {
    ResolverError::new("BAD_REQUEST", ctx.localize(message, args))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_decodes_only_its_own_encoding() {
        let place =
            RowPosition { at: Timestamp::from_timestamp_millis(1_700_000_000_123).unwrap(), id: "ses_abc".to_owned() };
        let text = Cursor(place.clone()).encode_cursor();
        assert_eq!(Cursor::decode_cursor(&text).ok().map(|cursor| cursor.0), Some(place));
        for text in ["", "abc", "MTIz", &URL_SAFE_NO_PAD.encode("1 \0"), &URL_SAFE_NO_PAD.encode("x ses_abc")] {
            assert!(Cursor::decode_cursor(text).is_err(), "{text}");
        }
    }
}
