//! Reading `.env`: one `NAME=value` a line, as Docker Compose and systemd read it too.
//!
//! - An unquoted value is taken as it stands, to the end of the line or to a `#` after white space. A dollar sign and a
//!   backslash mean themselves.
//! - A value in single quotes is taken as it stands, also over several lines (a PEM).
//! - In double quotes `\n`, `\t`, `\"`, `\\` and `\$` are escapes.
//! - `${NAME}` is refused outside of single quotes: other readers put another variable's value there, this one does not.
//!
//! An error names the line and what to do about it, and never shows a value.

use std::{collections::BTreeMap, fmt};

/// What can't be read, and how to repair it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Counted from 1.
    pub line: usize,
    pub fix: &'static str,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.fix)
    }
}

const NO_EQUALS: &str = "expected NAME=value; begin the line with # if it is a comment";
const BAD_NAME: &str = "a name has letters, digits and underscores alone, and no digit first";
const NOT_CLOSED: &str = "the quotation mark that begins the value is not closed";
const AFTER_QUOTE: &str =
    "there is text after the closing quotation mark: put the whole value in quotation marks, or a space before a #";
const BAD_ESCAPE: &str = "after a backslash in double quotes only n, t, \", \\ and $ may stand; put the value in single quotes to take it as it is";
const REFERENCE: &str = "${…} is not replaced by another variable's value here: write the value itself, or put it in single quotes to take it as it is";
const CONTROL: &str = "the value has a NUL character";
const NOT_UTF_8: &str = "the line is not UTF-8: save the file as UTF-8";
const UTF_16: &str = "the file is UTF-16: save it as UTF-8";

/// The variables of a file, in its order.
///
/// # Errors
/// The first line that can't be read.
pub fn parse(bytes: &[u8]) -> Result<Vec<(String, String)>, BadLine> {
    Ok(lines(bytes)?.into_iter().map(|(_, name, value)| (name, value)).collect())
}

/// The names that a file gives more than once, in words with their lines; the last of each counts. A file that can't be
/// read has none.
pub fn repeated(bytes: &[u8]) -> Vec<String> {
    let mut at: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (line, name, _) in lines(bytes).unwrap_or_default() {
        at.entry(name).or_default().push(line.to_string());
    }
    let repeated = at.into_iter().filter(|(_, lines)| lines.len() > 1);
    repeated
        .map(|(name, lines)| format!("{name} is given in lines {}: the last one counts", lines.join(" and ")))
        .collect()
}

/// The variables of a file, each with its line.
fn lines(bytes: &[u8]) -> Result<Vec<(usize, String, String)>, BadLine> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(BadLine { line: 1, fix: UTF_16 });
    }
    let bytes = bytes.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        BadLine { line: 1 + good.iter().filter(|byte| **byte == b'\n').count(), fix: NOT_UTF_8 }
    })?;
    let mut found = Vec::new();
    let mut rest = Rest { text, line: 1 };
    while !rest.text.is_empty() {
        let line = rest.line;
        if let Some((name, value)) = rest.variable().map_err(|fix| BadLine { line, fix })? {
            found.push((line, name, value));
        }
    }
    Ok(found)
}

/// What is not read yet.
struct Rest<'a> {
    text: &'a str,
    line: usize,
}

impl<'a> Rest<'a> {
    /// The variable of the next line; none: it is empty or a comment.
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

    /// The value that stands in quotation marks behind so many bytes; what follows it on its last line is skipped.
    fn quoted(&mut self, begins: usize, quote: char) -> Result<String, &'static str> {
        let text = self.text.get(begins..).unwrap_or_default();
        let mut value = String::new();
        let mut characters = text.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                _ if character == quote => {
                    let behind = text.get(at + 1..).unwrap_or_default().split('\n').next().unwrap_or_default();
                    let comment = behind.trim_start();
                    let is_comment = comment.starts_with('#') && comment.len() < behind.len();
                    if !comment.is_empty() && !is_comment {
                        return Err(AFTER_QUOTE);
                    }
                    self.skip(begins + at + 1 + behind.len());
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

    /// Goes behind so many bytes and the line break after them.
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

/// `value` as it has to be written in a file for this reader, Docker Compose and systemd alike.
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
    fn an_unquoted_value_is_taken_as_it_stands() {
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
    fn quotation_marks_keep_what_is_in_them() {
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
    fn an_error_names_the_line_and_the_fix_and_no_value() {
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
            assert_eq!(bad, BadLine { line, fix }, "{text:?}");
            assert!(!bad.to_string().contains("secret"));
        }
        assert_eq!(parse(b"A=1\nB=\xff").unwrap_err(), BadLine { line: 2, fix: NOT_UTF_8 });
        let utf_16: Vec<u8> = "\u{FEFF}A=1".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(parse(&utf_16).unwrap_err().fix, UTF_16);
    }

    #[test]
    fn what_is_quoted_reads_back() {
        for text in ["plain", "", "a b", "#{코드}", "pa$$", "a\\n", "unlimited,aligo=10", "a\"b", "it's $5\n"] {
            assert_eq!(value(&format!("A={}", quote(text))), text);
        }
    }
}
