//! Parser for `.env`: one `NAME=value` a line, compatible with Docker Compose and systemd.
//!
//! - An unquoted value is literal, up to the end of the line or to a `#` after white space. Dollar signs and
//!   backslashes have no special meaning.
//! - A value in single quotes is literal and may have several lines (a PEM).
//! - In double quotes `\n`, `\t`, `\"`, `\\` and `\$` are escapes.
//! - `${NAME}` is an error outside of single quotes: other parsers replace it by another variable's value, this one
//!   does not.
//!
//! An error has the line number and a fix, and never contains a value.

use std::{collections::BTreeMap, fmt};

/// A line that can't be parsed, and how to fix it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineError {
    /// The line number, from 1.
    pub line: usize,
    pub fix: &'static str,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.fix)
    }
}

const NO_EQUALS: &str = "expected NAME=value; begin the line with # if it is a comment";
const BAD_NAME: &str = "a name may contain only letters, digits and underscores, and must not begin with a digit";
const NOT_CLOSED: &str = "the opening quotation mark of the value is not closed";
const AFTER_QUOTE: &str =
    "there is text after the closing quotation mark: put the whole value in quotation marks, or a space before a #";
const BAD_ESCAPE: &str = "in double quotes a backslash may only be followed by n, t, \", \\ or $; put the value in single quotes to keep it literally";
const REFERENCE: &str = "${…} is not replaced by another variable's value here: write the value itself, or put it in single quotes to keep it literally";
const CONTROL: &str = "the value contains a NUL character";
const NOT_UTF_8: &str = "the line is not UTF-8: save the file as UTF-8";
const UTF_16: &str = "the file is UTF-16: save it as UTF-8";

/// The variables of a file, in order.
///
/// # Errors
/// The first line that can't be parsed.
pub fn parse(bytes: &[u8]) -> Result<Vec<(String, String)>, LineError> {
    Ok(lines(bytes)?.into_iter().map(|(_, name, value)| (name, value)).collect())
}

/// Warnings about names that a file sets more than once, with their lines; the last line takes effect. Empty for a file
/// that can't be parsed.
pub fn repeated(bytes: &[u8]) -> Vec<String> {
    let mut at: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (line, name, _) in lines(bytes).unwrap_or_default() {
        at.entry(name).or_default().push(line.to_string());
    }
    let repeated = at.into_iter().filter(|(_, lines)| lines.len() > 1);
    repeated
        .map(|(name, lines)| format!("{name} is set in lines {}: the last one takes effect", lines.join(" and ")))
        .collect()
}

/// The variables of a file, each with its line number.
fn lines(bytes: &[u8]) -> Result<Vec<(usize, String, String)>, LineError> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(LineError { line: 1, fix: UTF_16 });
    }
    let bytes = bytes.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        LineError { line: 1 + good.iter().filter(|byte| **byte == b'\n').count(), fix: NOT_UTF_8 }
    })?;
    let mut found = Vec::new();
    let mut rest = Parser { text, line: 1 };
    while !rest.text.is_empty() {
        let line = rest.line;
        if let Some((name, value)) = rest.variable().map_err(|fix| LineError { line, fix })? {
            found.push((line, name, value));
        }
    }
    Ok(found)
}

/// The part of the text that is not parsed yet.
struct Parser<'a> {
    text: &'a str,
    line: usize,
}

impl<'a> Parser<'a> {
    /// The variable of the next line. `None`: the line is empty or a comment.
    fn variable(&mut self) -> Result<Option<(String, String)>, &'static str> {
        let line = self.text.split('\n').next().unwrap_or_default();
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            self.skip(line.len());
            return Ok(None);
        }
        let (name, value) = line.split_once('=').ok_or(NO_EQUALS)?;
        let name = name.trim();
        let name = name.strip_prefix("export ").map_or(name, str::trim_start);
        if !is_name(name) {
            return Err(BAD_NAME);
        }
        let begins = line.len() - value.trim_start().len();
        let value = match value.trim_start().chars().next() {
            Some(quote @ ('\'' | '"')) => self.quoted(begins + 1, quote)?,
            _ => {
                self.skip(line.len());
                unquoted(value)?
            }
        };
        if value.contains('\0') { Err(CONTROL) } else { Ok(Some((name.to_owned(), value))) }
    }

    /// The quoted value after `begins` bytes. Skips the rest of its last line, which may only be a comment.
    fn quoted(&mut self, begins: usize, quote: char) -> Result<String, &'static str> {
        let text = self.text.get(begins..).unwrap_or_default();
        let mut value = String::new();
        let mut characters = text.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                _ if character == quote => {
                    let after_quote = text.get(at + 1..).unwrap_or_default().split('\n').next().unwrap_or_default();
                    let comment = after_quote.trim_start();
                    let is_comment = comment.starts_with('#') && comment.len() < after_quote.len();
                    if !comment.is_empty() && !is_comment {
                        return Err(AFTER_QUOTE);
                    }
                    self.skip(begins + at + 1 + after_quote.len());
                    return Ok(value);
                }
                '\\' if quote == '"' => value.push(escaped(characters.next().map(|(_, escaped)| escaped))?),
                '$' if quote == '"' && characters.as_str().starts_with('{') => return Err(REFERENCE),
                '\r' if characters.as_str().starts_with('\n') => {}
                other => value.push(other),
            }
        }
        Err(NOT_CLOSED)
    }

    /// Skips this many bytes and the line break after them.
    fn skip(&mut self, bytes: usize) {
        let (read, rest) = self.text.split_at_checked(bytes).unwrap_or((self.text, ""));
        self.line += read.matches('\n').count() + usize::from(rest.starts_with('\n'));
        self.text = rest.strip_prefix('\n').unwrap_or(rest);
    }
}

fn escaped(character: Option<char>) -> Result<char, &'static str> {
    match character {
        Some('n') => Ok('\n'),
        Some('t') => Ok('\t'),
        Some(itself @ ('"' | '\\' | '$')) => Ok(itself),
        _ => Err(BAD_ESCAPE),
    }
}

fn unquoted(value: &str) -> Result<String, &'static str> {
    let comment = value
        .char_indices()
        .zip(value.chars().skip(1))
        .find_map(|((at, before), character)| (character == '#' && before.is_whitespace()).then_some(at));
    let value = value.get(..comment.unwrap_or(value.len())).unwrap_or_default().trim();
    if value.contains("${") { Err(REFERENCE) } else { Ok(value.to_owned()) }
}

fn is_name(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'))
}

/// Quotes `value` so that this parser, Docker Compose and systemd read it back unchanged.
pub fn quote(value: &str) -> String {
    let plain =
        |character: char| !character.is_whitespace() && !matches!(character, '#' | '$' | '\'' | '"' | '\\' | '`');
    if value.chars().all(plain) {
        value.to_owned()
    } else if value.contains('\'') {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$").replace('\n', "\\n");
        format!("\"{escaped}\"")
    } else {
        format!("'{value}'")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        parse(text.as_bytes()).unwrap()
    }

    fn value(line: &str) -> String {
        read(line).remove(0).1
    }

    #[test]
    fn unquoted_value_is_literal() {
        for (line, expected) in [
            ("A=b", "b"),
            ("A = b ", "b"),
            ("export A=b", "b"),
            ("A=", ""),
            ("A=unlimited, aligo=10, vonage=30", "unlimited, aligo=10, vonage=30"),
            ("A=pa$$word$1$", "pa$$word$1$"),
            ("A=a\\nb", "a\\nb"),
            ("A=#{코드}", "#{코드}"),
            ("A=a#b # comment", "a#b"),
            ("A= # comment", ""),
            ("A=it's", "it's"),
            ("A=b\r\n", "b"),
            ("\u{FEFF}A=b", "b"),
            ("A=x=y", "x=y"),
        ] {
            assert_eq!(value(line), expected, "{line:?}");
        }
    }

    #[test]
    fn quoted_values_are_parsed() {
        for (line, expected) in [
            ("A='b # c' # comment", "b # c"),
            ("A='$x ${y} \\n'", "$x ${y} \\n"),
            ("A=\"a\\nb\\t\\\"\\\\\\$ $c\"", "a\nb\t\"\\$ $c"),
            ("A=\"\"", ""),
            ("A='-----BEGIN-----\r\nxyz\r\n-----END-----'", "-----BEGIN-----\nxyz\n-----END-----"),
        ] {
            assert_eq!(value(line), expected, "{line:?}");
        }
        let two = read("A='1\n2'\n\n# c\nB=3\n");
        assert_eq!(two, [("A".to_owned(), "1\n2".to_owned()), ("B".to_owned(), "3".to_owned())]);
    }

    #[test]
    fn error_has_line_and_fix_and_no_value() {
        for (text, line, fix) in [
            ("A=1\nsecret\nB=2", 2, NO_EQUALS),
            ("A=1\n\n1B=secret", 3, BAD_NAME),
            ("A B=secret", 1, BAD_NAME),
            ("=secret", 1, BAD_NAME),
            ("A=1\nB='secret\nC=2", 2, NOT_CLOSED),
            ("A=\"secret\"secret", 1, AFTER_QUOTE),
            ("A='1\n2'\nB='secret'#", 3, AFTER_QUOTE),
            ("A=\"sec\\ret\"", 1, BAD_ESCAPE),
            ("A=secret${B}", 1, REFERENCE),
            ("A=\"secret${B}\"", 1, REFERENCE),
            ("A=a\0b", 1, CONTROL),
        ] {
            let bad = parse(text.as_bytes()).unwrap_err();
            assert_eq!(bad, LineError { line, fix }, "{text:?}");
            assert!(!bad.to_string().contains("secret"));
        }
        assert_eq!(parse(b"A=1\nB=\xff").unwrap_err(), LineError { line: 2, fix: NOT_UTF_8 });
        let utf_16: Vec<u8> = "\u{FEFF}A=1".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(parse(&utf_16).unwrap_err().fix, UTF_16);
    }

    #[test]
    fn quoted_text_is_parsed_back_unchanged() {
        for text in ["plain", "", "a b", "#{코드}", "pa$$", "a\\n", "unlimited,aligo=10", "a\"b", "it's $5\n"] {
            assert_eq!(value(&format!("A={}", quote(text))), text);
        }
    }
}
