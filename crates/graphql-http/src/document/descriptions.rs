//! Parses documents with descriptions of operations, fragments and variables (specification of September 2025, section
//! 2.1.10). The library's parser (7.2.1) supports descriptions only in schemas. They have no effect on execution, so
//! they are replaced by spaces, which preserves all positions in the text.

use std::{borrow::Cow, iter::Peekable, ops::Range};

use async_graphql::parser::{Error, parse_query, types::ExecutableDocument};

use crate::document::tokens;

/// Parses a document.
///
/// # Errors
/// If the document is invalid.
pub fn parse(text: &str) -> Result<ExecutableDocument, Error> {
    parse_query(blank_descriptions(text))
}

fn blank_descriptions(text: &str) -> Cow<'_, str> {
    let found = descriptions(text);
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let (mut blank, mut end) = (String::with_capacity(text.len()), 0);
    for description in found {
        blank.push_str(&text[end..description.start]);
        let kept = |sign: char| if matches!(sign, '\r' | '\n') { sign } else { ' ' };
        blank.extend(text[description.clone()].chars().map(kept));
        end = description.end;
    }
    blank.push_str(&text[end..]);
    Cow::Owned(blank)
}

/// The ranges of descriptions: strings between definitions, before a definition's keyword, and strings between variable
/// definitions. A string after `=` is a default value.
fn descriptions(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if !text.contains('"') {
        return found;
    }
    let (mut open, mut in_variables, mut before) = (0_usize, false, "");
    let mut tokens = tokens::each(text).peekable();
    while let Some(token) = tokens.next() {
        let word = &text[token.clone()];
        match word {
            "(" | "[" | "{" => {
                // The first parenthesis of an operation that does not belong to a directive.
                in_variables = if open == 0 { word == "(" } else { in_variables };
                open += 1;
            }
            ")" | "]" | "}" => open = open.saturating_sub(1),
            // A line break ends a string that is not a block string, and the parser refuses it.
            _ if word.starts_with('"') && (word.starts_with("\"\"\"") || !word.contains(['\r', '\n'])) => {
                let next = following(text, &mut tokens);
                let of_definition = open == 0 && matches!(next, "query" | "mutation" | "subscription" | "fragment");
                let of_variable = open == 1 && in_variables && before != "=" && next == "$";
                if of_definition || of_variable {
                    found.push(token);
                }
            }
            _ => {}
        }
        before = word;
    }
    found
}

fn following<'a>(text: &'a str, tokens: &mut Peekable<impl Iterator<Item = Range<usize>>>) -> &'a str {
    tokens.peek().map_or("", |token| &text[token.clone()])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn described_document_is_parsed_like_the_bare_one() {
        for (described, bare) in [
            ("\"Says hello.\" query A { a }", "query A { a }"),
            ("\"\"\"\nSays \\\"\"\" {hello}\n\"\"\"\nquery A { a }", "query A { a }"),
            (
                "query A(\"how many\" $n: Int = 1 \"\"\"of what\"\"\" $of: S = \"x\") { a }",
                "query A($n: Int = 1 $of: S = \"x\") { a }",
            ),
            ("query A($of: S = \"x\" $n: Int) { a }", "query A($of: S = \"x\" $n: Int) { a }"),
            ("query A($l: [S] = [\"x\"], \"n\" $n: Int) { a }", "query A($l: [S] = [\"x\"], $n: Int) { a }"),
            ("{ ...F } \"the fields\" fragment F on Q { a(b: \"x\") }", "{ ...F } fragment F on Q { a(b: \"x\") }"),
            ("\"m\" mutation M { a } \"s\" subscription S { b }", "mutation M { a } subscription S { b }"),
        ] {
            assert!(parse(described).is_ok(), "{described}");
            let compact = |text: &str| text.split_whitespace().collect::<String>();
            assert_eq!(compact(&blank_descriptions(described)), compact(bare));
        }
    }

    #[test]
    fn positions_are_preserved() {
        let text = "\"\"\"\nГрüße 🏊\n\"\"\" query { a }";
        let document = parse(text).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        assert_eq!((operation.pos.line, operation.pos.column), (3, 5));
    }

    #[test]
    fn string_elsewhere_is_a_syntax_error() {
        for text in [
            "\"x\" { a }",
            "\"x\" \"y\" query { a }",
            "query { a } \"x\"",
            "query \"x\" A { a }",
            "\"x\ny\" query A { a }",
            "\"x query A { a }",
            "query A($n: Int \"x\") { a }",
            "query A { \"x\" a }",
            "query A { a \"x\" $n }",
            "{ a(\"x\" $n) }",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn replacement_has_the_same_length(text in r#"([ ($={}\n]|"x"|"""y"""|"|query|é|\PC){0,30}"#) {
            let blank = blank_descriptions(&text);
            prop_assert_eq!(blank.chars().count(), text.chars().count());
            prop_assert_eq!(blank.lines().count(), text.lines().count());
        }
    }
}
