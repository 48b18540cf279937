//! Pages after the Relay cursor connections specification: forward, by the place where the page before ended.

use async_graphql::{
    Context, Error, ErrorExtensions, OutputType, Result,
    connection::{Connection, CursorType, Edge},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::context::Asking;
use crate::{
    clock::Instant,
    store::{Page, Place, Slice},
};

/// The most nodes of a page.
const MOST: i32 = 100;

/// Where a row stands among the others; opaque to clients.
pub struct Cursor(pub Place);

impl CursorType for Cursor {
    type Error = &'static str;

    fn decode_cursor(text: &str) -> Result<Self, Self::Error> {
        const WRONG: &str = "not a cursor of ours";
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| WRONG)?;
        let text = String::from_utf8(bytes).map_err(|_| WRONG)?;
        let (millis, id) = text.split_once(' ').ok_or(WRONG)?;
        let at = millis.parse().ok().and_then(Instant::from_timestamp_millis).ok_or(WRONG)?;
        // What the database gets is of a shape that it knows.
        let plain = id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if plain { Ok(Self(Place { at, id: id.to_owned() })) } else { Err(WRONG) }
    }

    fn encode_cursor(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{} {}", self.0.at.timestamp_millis(), self.0.id))
    }
}

/// The page that a client asks for: at most a hundred nodes.
///
/// # Errors
/// `BAD_REQUEST` for a cursor that is none, or a negative number.
pub fn slice(ctx: &Context<'_>, first: i32, after: Option<&str>) -> Result<Slice> {
    let after = after.map(Cursor::decode_cursor).transpose().map_err(|_| bad_request(ctx))?;
    let first = u32::try_from(first.min(MOST)).map_err(|_| bad_request(ctx))?;
    Ok(Slice { first, after: after.map(|cursor| cursor.0) })
}

/// A page as a connection.
pub fn connection<T, N: OutputType>(
    page: Page<T>,
    slice: &Slice,
    place: impl Fn(&T) -> Place,
    node: impl Fn(T) -> N,
) -> Connection<Cursor, N> {
    let mut connection = Connection::new(slice.after.is_some(), page.more);
    connection.edges = page.rows.into_iter().map(|row| Edge::new(Cursor(place(&row)), node(row))).collect();
    connection
}

/// The error that says: this can't be asked.
pub fn bad_request(ctx: &Context<'_>) -> Error {
    Error::new(ctx.say("error-bad-request", &[])).extend_with(|_, extensions| extensions.set("code", "BAD_REQUEST"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_nothing_else_does() {
        let place = Place { at: Instant::from_timestamp_millis(1_700_000_000_123).unwrap(), id: "ses_abc".to_owned() };
        let text = Cursor(place.clone()).encode_cursor();
        assert_eq!(Cursor::decode_cursor(&text).ok().map(|cursor| cursor.0), Some(place));
        for text in ["", "abc", "MTIz", &URL_SAFE_NO_PAD.encode("1 \0"), &URL_SAFE_NO_PAD.encode("x ses_abc")] {
            assert!(Cursor::decode_cursor(text).is_err(), "{text}");
        }
    }
}
