//! Pages after the Relay cursor connections specification: forward, by the place where the page before ended.

use std::borrow::Cow;

use async_graphql::{
    Context, Error, ErrorExtensions, Object, OutputType, Result, TypeName,
    connection::{CursorType, Edge, EmptyFields, PageInfo},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::context::Asking;
use crate::{
    clock::Timestamp,
    store::{Page, Place, Slice},
    texts::Arg,
};

/// The most nodes of a page, and how many there are where nobody says.
const MOST: u32 = 100;
pub const USUAL: i32 = 20;

/// Where a row stands among the others; opaque to clients.
pub struct Cursor(pub Place);

impl CursorType for Cursor {
    type Error = &'static str;

    fn decode_cursor(text: &str) -> Result<Self, Self::Error> {
        const WRONG: &str = "not a cursor of ours";
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| WRONG)?;
        let text = String::from_utf8(bytes).map_err(|_| WRONG)?;
        let (millis, id) = text.split_once(' ').ok_or(WRONG)?;
        let at = millis.parse().ok().and_then(Timestamp::from_timestamp_millis).ok_or(WRONG)?;
        // What the database gets is of a shape that it knows.
        let plain = id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if plain { Ok(Self(Place { at, id: id.to_owned() })) } else { Err(WRONG) }
    }

    fn encode_cursor(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{} {}", self.0.at.timestamp_millis(), self.0.id))
    }
}

/// The page that a client asks for: at most a hundred nodes, and the usual number for null.
///
/// # Errors
/// `BAD_REQUEST` for a cursor that is none, or a negative number.
pub fn slice(ctx: &Context<'_>, first: Option<i32>, after: Option<&str>) -> Result<Slice> {
    let after = after.map(Cursor::decode_cursor).transpose();
    let after = after.map_err(|_| bad_request(ctx, "error-bad-request-after", &[]))?;
    let first = u32::try_from(first.unwrap_or(USUAL));
    let first = first.map_err(|_| bad_request(ctx, "error-bad-request-first", &[("most", MOST.into())]))?;
    Ok(Slice { first: first.min(MOST), after: after.map(|cursor| cursor.0) })
}

/// The library's own has no description in the schema, where everything has one.
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

/// One page of a list, and how to get the next.
#[Object(name_type)]
impl<N: OutputType> Connection<N> {
    /// Where the page stands in the list.
    async fn page_info(&self) -> PageInfo {
        let cursor = |edge: &Edge<Cursor, N, EmptyFields>| edge.cursor.encode_cursor();
        PageInfo {
            has_previous_page: self.before,
            has_next_page: self.more,
            start_cursor: self.edges.first().map(cursor),
            end_cursor: self.edges.last().map(cursor),
        }
    }

    /// The page's items, each with its cursor.
    async fn edges(&self) -> &[Edge<Cursor, N, EmptyFields>] {
        &self.edges
    }

    /// The page's items alone.
    async fn nodes(&self) -> Vec<&N> {
        self.edges.iter().map(|edge| &edge.node).collect()
    }
}

/// A page as a connection.
pub fn connection<T, N: OutputType>(
    page: Page<T>,
    slice: &Slice,
    place: impl Fn(&T) -> Place,
    node: impl Fn(T) -> N,
) -> Connection<N> {
    let edges = page.rows.into_iter().map(|row| Edge::new(Cursor(place(&row)), node(row))).collect();
    Connection { edges, before: slice.after.is_some(), more: page.more }
}

/// The error that says what of this can't be asked, in the words of `message`.
pub fn bad_request(ctx: &Context<'_>, message: &str, args: &[(&str, Arg<'_>)]) -> Error {
    Error::new(ctx.say(message, args)).extend_with(|_, extensions| extensions.set("code", "BAD_REQUEST"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_nothing_else_does() {
        let place =
            Place { at: Timestamp::from_timestamp_millis(1_700_000_000_123).unwrap(), id: "ses_abc".to_owned() };
        let text = Cursor(place.clone()).encode_cursor();
        assert_eq!(Cursor::decode_cursor(&text).ok().map(|cursor| cursor.0), Some(place));
        for text in ["", "abc", "MTIz", &URL_SAFE_NO_PAD.encode("1 \0"), &URL_SAFE_NO_PAD.encode("x ses_abc")] {
            assert!(Cursor::decode_cursor(text).is_err(), "{text}");
        }
    }
}
