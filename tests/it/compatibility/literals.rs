//! The string literals of the program, without those of its tests.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use regex::Regex;

use crate::support::files;

/// Comments, characters and strings, so that a quotation mark in one is not taken for the start of another.
const TOKENS: &str = r###"(?xs)
    //[^\n]* | /\*.*?\*/
    | b?r\#\#"(.*?)"\#\# | b?r\#"(.*?)"\# | b?r"([^"]*)"
    | b?"((?:\\.|[^"\\])*)"
    | b?'(?:\\.[^']*|[^'\\])'"###;

/// Every literal; a placeholder of a format string is `{}` whatever it names.
pub fn of_source() -> BTreeSet<String> {
    let tokens = Regex::new(TOKENS).unwrap();
    let placeholder = Regex::new(r"\{[^{}]*\}").unwrap();
    let mut literals = BTreeSet::new();
    for file in source_files() {
        let text = fs::read_to_string(&file).unwrap();
        for token in tokens.captures_iter(without_tests(&text)) {
            let Some(literal) = (1..=4).find_map(|group| token.get(group)) else { continue };
            literals.insert(placeholder.replace_all(literal.as_str(), "{}").into_owned());
        }
    }
    assert!(literals.len() > 1000, "the source was not found");
    literals
}

/// The files of the program, in `src` and in the crates.
fn source_files() -> Vec<PathBuf> {
    let files = files::source_folders().into_iter().flat_map(|folder| files::below(&folder));
    files.filter(|file| file.extension().is_some_and(|extension| extension == "rs") && !is_test(file)).collect()
}

fn is_test(file: &Path) -> bool {
    let name = file.file_stem().unwrap().to_string_lossy();
    name == "tests" || name.ends_with("_tests") || file.components().any(|part| part.as_os_str() == "tests")
}

/// Up to the module with the unit tests, which is the last one of a file.
fn without_tests(text: &str) -> &str {
    let modules = Regex::new(r"(?m)^#\[cfg\(test\)\]\nmod \w+ \{").unwrap();
    modules.find(text).map_or(text, |module| &text[..module.start()])
}

#[test]
fn literals_are_found_and_those_of_comments_are_not() {
    let text = r###"let a = "one"; // "two"
        let b = ('"', b'\'', r#"th"ree"#, b"four", "f\"ive"); /* "six" */ fn f<'a>(a: &'a str) -> &'a str { "seven" }"###;
    let tokens = Regex::new(TOKENS).unwrap();
    let literals: Vec<_> = tokens
        .captures_iter(text)
        .filter_map(|token| (1..=4).find_map(|group| token.get(group)).map(|literal| literal.as_str().to_owned()))
        .collect();
    assert_eq!(literals, ["one", "th\"ree", "four", "f\\\"ive", "seven"]);
}
