//! The modules that a source file imports: the first segments of its `crate::…` paths. A small lexer skips comments
//! and strings and handles nested `use` groups.

use std::collections::BTreeSet;

/// The modules that `source` refers to.
pub fn imported_modules(source: &str) -> BTreeSet<String> {
    let tokens = tokens(source);
    let roots = tokens.iter().enumerate().filter(|(_, token)| *token == "crate");
    roots.flat_map(|(at, _)| first_segments(&tokens[at + 1..])).collect()
}

/// `::a::b` refers to `a`; `::{a, b::{c, d}}` refers to `a` and `b`.
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

/// Identifiers, `::` and single characters. Comments, strings and character literals are dropped.
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
            let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
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

/// The length of a raw string (`r"…"`, `r#"…"#`, `br"…"`) at the start of `rest`.
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
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of a character literal (`'a'`, `'\''`, `'\u{1}'`), or 1 for the quote of a lifetime (`'a`).
fn character(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => chars.skip(1).find(|(_, c)| *c == '\'').map_or(rest.len(), |(at, _)| at + 1),
        Some(_) => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 1,
        },
        None => 1,
    }
}

#[test]
fn finds_nested_uses_and_paths_and_ignores_text() {
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
    let found = imported_modules(source);
    let expected = ["clock", "config", "fault", "ids", "store"];
    assert_eq!(found, expected.map(str::to_owned).into());
}
