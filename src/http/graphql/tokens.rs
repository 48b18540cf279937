//! Counts the tokens of a document before anything parses it.
//!
//! The parser recurses and builds a tree; this loop does neither, so it is what meets hostile text first. It need not
//! judge whether the text is GraphQL: for anything else the parser will say so, in bounded time.

use std::ops::Range;

use crate::http::graphql::refusal::Refusal;

/// Brackets of all kinds that may stand open at once. The parser's own bound is 64 levels of selections.
const MAX_NESTING: usize = 64;
/// Ignored wherever it stands (specification, section 2.1.2, "Unicode").
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Refuses a text of more tokens than `allowed`, or with brackets nested too deep for a recursive parser.
///
/// # Errors
/// `TOO_COMPLEX`, with how far the count came.
pub fn count(text: &str, allowed: usize) -> Result<(), Refusal> {
    let (mut tokens, mut open) = (0, 0_usize);
    for token in each(text) {
        match text.as_bytes()[token.start] {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        tokens += 1;
        if tokens > allowed {
            let all = tokens + text.len().saturating_sub(token.end) / 2;
            return Err(Refusal::too_complex("number of tokens", Some("MAX_TOKENS"), allowed, all));
        }
        if open > MAX_NESTING {
            return Err(Refusal::too_complex("nesting of brackets", None, MAX_NESTING, open));
        }
    }
    Ok(())
}

/// Where each token of a text is, one after the other.
pub fn each(text: &str) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at;
            at = match *bytes.get(at)? {
                b' ' | b'\t' | b'\r' | b'\n' | b',' => {
                    at += 1;
                    continue;
                }
                b'#' => {
                    at = skip(bytes, at, |byte| byte != b'\n' && byte != b'\r');
                    continue;
                }
                0xEF if bytes[at..].starts_with(BYTE_ORDER_MARK) => {
                    at += BYTE_ORDER_MARK.len();
                    continue;
                }
                b'"' => string_end(bytes, at),
                b'0'..=b'9' | b'-' => skip(bytes, at, |byte| word(byte) || byte == b'.'),
                byte if word(byte) => skip(bytes, at, word),
                b'.' => skip(bytes, at, |byte| byte == b'.'),
                _ => at + 1,
            };
            return Some(start..at);
        }
    })
}

/// A name or a number, or something that the parser will refuse.
fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+') || byte >= 0x80
}

fn skip(bytes: &[u8], from: usize, belongs: impl Fn(u8) -> bool) -> usize {
    bytes[from..].iter().position(|byte| !belongs(*byte)).map_or(bytes.len(), |length| from + length)
}

/// The first byte after the string that starts at `from`; the end of the text where it is not closed.
fn string_end(bytes: &[u8], from: usize) -> usize {
    let block = bytes[from..].starts_with(br#"""""#);
    let (mark, mut at): (&[u8], _) = if block { (br#"""""#, from + 3) } else { (br#"""#, from + 1) };
    while at < bytes.len() {
        if bytes[at..].starts_with(mark) {
            return at + mark.len();
        }
        at += match bytes[at] {
            b'\\' if block && bytes[at..].starts_with(br#"\""""#) => 4,
            b'\\' if !block => 2,
            _ => 1,
        };
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tokens(text: &str) -> usize {
        (0..).find(|allowed| count(text, *allowed).is_ok()).unwrap()
    }

    #[test]
    fn tokens_are_counted_as_the_specification_has_them() {
        for (text, expected) in [
            ("", 0),
            ("{ a }", 3),
            ("query Q($id: ID! = \"x y\") { node(id: $id) { ...F } } # and { so { on", 24),
            (r#"{ a(s: "one \" string {{{") }"#, 8),
            (r#"{ a(s: """block \""" { " string""") }"#, 8),
            ("{a,b,,,c}", 5),
            ("\u{feff}{a \u{feff}}", 3),
            ("[-1.5e3 2]", 4),
        ] {
            assert_eq!(tokens(text), expected, "{text}");
        }
    }

    #[test]
    fn gq_01_nesting_is_refused_before_anything_recurses() {
        for open in ["{a", "[", "{a:"] {
            let refusal = count(&open.repeat(20_000), usize::MAX).unwrap_err();
            assert_eq!(refusal.code.as_str(), "TOO_COMPLEX");
        }
    }

    #[test]
    fn braces_inside_strings_and_comments_do_not_nest() {
        let text = format!("{{ a(s: \"{}\") }} # {}", "{".repeat(200), "{".repeat(200));
        assert!(count(&text, 100).is_ok());
    }

    proptest! {
        #[test]
        fn any_text_is_counted_without_a_panic(text in r#"[\PC"\\{}#.]{0,200}"#) {
            let _ = count(&text, 50);
        }
    }
}
