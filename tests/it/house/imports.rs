//! Which rooms a source file names: the first segments of its `crate::…` paths. A small lexer, so that a word in a
//! comment or in a string is no import, and a nested `use` is one.

use std::collections::BTreeSet;

/// The rooms that `source` names.
pub fn imported_rooms(source: &str) -> BTreeSet<String> {
    let tokens = tokens(source);
    let roots = tokens.iter().enumerate().filter(|(_, token)| *token == "crate");
    roots.flat_map(|(at, _)| first_segments(&tokens[at + 1..])).collect()
}

/// `::a::b` names `a`; `::{a, b::{c, d}}` names `a` and `b`.
fn first_segments(after_root: &[String]) -> Vec<String> {
    match after_root {
        [colons, brace, list @ ..] if colons == "::" && brace == "{" => {
            let mut depth = 1;
            let mut expects_name = true;
            let mut names = Vec::new();
            for token in list {
                match token.as_str() {
                    "{" => depth += 1,
                    "}" => depth -= 1,
                    "," if depth == 1 => expects_name = true,
                    name if depth == 1 && expects_name => {
                        names.push(name.to_owned());
                        expects_name = false;
                    }
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
            }
            names
        }
        [colons, name, ..] if colons == "::" => vec![name.clone()],
        _ => Vec::new(),
    }
}

/// Words, `::` and single signs; comments, strings and characters are dropped.
fn tokens(source: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(next) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some(length) = raw_string(rest) {
            length
        } else if next == '"' {
            quoted(rest)
        } else if next == '\'' {
            character(rest)
        } else if next.is_alphanumeric() || next == '_' {
            let length = rest.find(|sign: char| !sign.is_alphanumeric() && sign != '_').unwrap_or(rest.len());
            tokens.push(rest[..length].to_owned());
            length
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            2
        } else {
            if !next.is_whitespace() {
                tokens.push(next.to_string());
            }
            next.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// The length of `r"…"`, `r#"…"#`, `br"…"` and so on, if one begins here.
fn raw_string(rest: &str) -> Option<usize> {
    let prefix = ["br", "cr", "r"].into_iter().find(|prefix| rest.starts_with(prefix))?;
    let hashes = rest[prefix.len()..].bytes().take_while(|byte| *byte == b'#').count();
    let body = prefix.len() + hashes + 1;
    if rest.as_bytes().get(body - 1) != Some(&b'"') {
        return None;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    Some(rest[body..].find(&end).map_or(rest.len(), |found| body + found + end.len()))
}

fn quoted(rest: &str) -> usize {
    let mut escaped = false;
    for (at, sign) in rest.char_indices().skip(1) {
        match sign {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// A character (`'a'`, `'\''`, `'\u{1}'`) whole, or the quote alone of a lifetime (`'a`).
fn character(rest: &str) -> usize {
    let mut signs = rest.char_indices().skip(1);
    match signs.next() {
        Some((_, '\\')) => signs.skip(1).find(|(_, sign)| *sign == '\'').map_or(rest.len(), |(at, _)| at + 1),
        Some(_) => match signs.next() {
            Some((at, '\'')) => at + 1,
            _ => 1,
        },
        None => 1,
    }
}

#[test]
fn nested_uses_and_paths_are_found_and_words_in_text_are_not() {
    let source = r##"
        //! crate::comment::X
        use std::{fmt, time};
        use crate::{
            clock::{Clock, crate_like::Y},
            config::Secret as Hidden,
            fault,
        };
        /* crate::block /* crate::nested */ crate::still */
        fn f<'a>(x: &'a str) -> char { crate::store::get(x, "crate::text", r#"" crate::raw "#, b"\"crate::bytes"); '"' }
        macro_rules! m { () => { $crate::ids::make() } }
    "##;
    let found = imported_rooms(source);
    let expected = ["clock", "config", "fault", "ids", "store"];
    assert_eq!(found, expected.map(str::to_owned).into());
}
