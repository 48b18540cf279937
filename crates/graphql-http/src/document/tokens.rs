//! Counts the tokens of a document before it is parsed.
//!
//! The parser is recursive and builds a tree; this loop does neither, so it is safe for hostile input. It does not
//! check whether the text is GraphQL: the parser does that later, in bounded time.

use std::ops::Range;

use crate::{limit::Limit, refusal::Refusal};

/// Maximum nesting of brackets of all kinds. The parser's own limit is 64 levels of selections.
const MAX_NESTING: usize = 64;
/// Ignored anywhere in a document (specification, section 2.1.2, "Unicode").
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Refuses a text with more tokens than `allowed`, or with brackets nested too deeply for a recursive parser.
///
/// # Errors
/// `TOO_COMPLEX` with the estimated number of tokens, or the nesting depth.
pub fn count(text: &str, allowed: Limit) -> Result<(), Refusal> {
    let (mut tokens, mut open) = (0, 0_usize);
    for token in each(text) {
        match text.as_bytes()[token.start] {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        tokens += 1;
        if tokens > allowed.max {
            let all = tokens + text.len().saturating_sub(token.end) / 2;
            return Err(Refusal::too_complex("number of tokens", allowed, all));
        }
        if open > MAX_NESTING {
            return Err(Refusal::too_complex("nesting of brackets", Limit::fixed(MAX_NESTING), open));
        }
    }
    Ok(())
}

/// The ranges of the tokens of a text, in order.
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
                b'0'..=b'9' | b'-' => skip(bytes, at, |byte| is_word(byte) || byte == b'.'),
                byte if is_word(byte) => skip(bytes, at, is_word),
                b'.' => skip(bytes, at, |byte| byte == b'.'),
                _ => at + 1,
            };
            return Some(start..at);
        }
    })
}

/// Whether a byte belongs to a name or a number, or to something that the parser refuses.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+') || byte >= 0x80
}

fn skip(bytes: &[u8], from: usize, belongs: impl Fn(u8) -> bool) -> usize {
    bytes[from..].iter().position(|byte| !belongs(*byte)).map_or(bytes.len(), |length| from + length)
}

/// The first byte after the string that starts at `from`; the end of the text if the string is not closed.
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
        (0..).find(|allowed| count(text, Limit::fixed(*allowed)).is_ok()).unwrap()
    }

    #[test]
    fn tokens_are_counted_by_the_specification() {
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
    fn gq_01_nesting_is_refused_before_parsing() {
        for open in ["{a", "[", "{a:"] {
            let refusal = count(&open.repeat(20_000), Limit::fixed(usize::MAX)).unwrap_err();
            assert_eq!(refusal.code.as_str(), "TOO_COMPLEX");
        }
    }

    #[test]
    fn braces_in_strings_and_comments_do_not_nest() {
        let text = format!("{{ a(s: \"{}\") }} # {}", "{".repeat(200), "{".repeat(200));
        assert!(count(&text, Limit::fixed(100)).is_ok());
    }

    proptest! {
        #[test]
        fn arbitrary_text_does_not_panic(text in r#"[\PC"\\{}#.]{0,200}"#) {
            let _ = count(&text, Limit::fixed(50));
        }
    }
}
