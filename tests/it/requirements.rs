//! Compares the requirements that tests cite with `docs/security.md`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The topics of `docs/security.md`: an id is one of these, a hyphen and two digits.
const TOPICS: [&str; 14] = ["BF", "CL", "CR", "DL", "DR", "EN", "FD", "FZ", "GQ", "OP", "PW", "SB", "TK", "TR"];

const PAGE: &str = "docs/security.md";
const FOLDERS: [&str; 5] = ["tests", "src", "crates", "migration", "web"];
/// Folders below `web` that hold other people's or generated files.
const NOT_OURS: [&str; 5] = ["node_modules", "dist", "generated", "artefacts", ".docs"];

#[test]
fn security_page_lists_every_requirement_with_the_files_that_test_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let citations = Citations::read(root);
    let page = fs::read_to_string(root.join(PAGE)).unwrap();
    let current = with_tests(&page, &citations.tests);
    if std::env::var_os("COUNTERSIGN_WRITE").is_some() {
        fs::write(root.join(PAGE), &current).unwrap();
    }

    let listed: Vec<_> = page.lines().filter_map(|line| Some(Row::parse(line)?.id)).collect();
    let unique: BTreeSet<_> = listed.iter().map(|id| (*id).to_owned()).collect();
    assert_eq!(unique.len(), listed.len(), "an id has two rows in {PAGE}");
    let unknown: BTreeMap<_, _> = citations.anywhere.iter().filter(|(id, _)| !unique.contains(*id)).collect();
    assert!(unknown.is_empty(), "cited, and not in {PAGE}: {unknown:#?}");
    let untested: Vec<_> = unique.iter().filter(|id| !citations.tests.contains_key(*id)).collect();
    assert!(untested.is_empty(), "in {PAGE}, and cited by no test: {untested:?}");

    let read = fs::read_to_string(root.join(PAGE)).unwrap();
    let stale: Vec<_> = read.lines().zip(current.lines()).filter(|(old, new)| old != new).collect();
    assert!(stale.is_empty(), "COUNTERSIGN_WRITE=1 cargo test --test it requirements:: updates {PAGE}: {stale:#?}");
}

#[test]
fn citations_are_read_from_names_and_comments() {
    let text = "/// CL-07, DL-02: one code.\nfn fd_08_bf_04_is_bounded() {}\n// UTF-16, XCL-07, CL-071, cl-01\nfn sb_1_no() {}\n";
    assert_eq!(in_text(text), ["CL-07", "DL-02"].map(str::to_owned).into());
    assert_eq!(in_names(text), ["BF-04", "FD-08"].map(str::to_owned).into());
    assert_eq!(in_names("#[test]\nfn other() { let fd_08_x = 1; }"), BTreeSet::new());
}

/// Documents that are not part of the repository, and names that make them look as if they were.
const MISSING: [&str; 5] = ["DESIGN.md", "glossary.md", "providers.md", "channels.md", "../shared"];

#[test]
fn files_refer_to_documents_of_the_repository_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join(PAGE)).unwrap();
    let mut wrong = Vec::new();
    for file in FOLDERS.iter().chain(&["docs", "scripts"]).flat_map(|folder| texts_below(&root.join(folder))) {
        if file.ends_with("tests/it/requirements.rs") {
            continue;
        }
        let Ok(text) = fs::read_to_string(&file) else { continue };
        for line in text.lines() {
            let invariant =
                line.split_once("invariant ").map(|(_, rest)| rest.split(|sign: char| !sign.is_ascii_digit()));
            let number = invariant.and_then(|mut parts| parts.next()).filter(|number| !number.is_empty());
            let unlisted = number.is_some_and(|number| !page.contains(&format!("\n{number}. ")));
            if unlisted || MISSING.iter().any(|name| line.contains(name)) {
                wrong.push(format!("{}: {line}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "not in the repository, or no invariant of {PAGE}:\n{}", wrong.join("\n"));
}

/// The files that cite an id, by id. Paths are relative to the root of the repository.
type Files = BTreeMap<String, BTreeSet<String>>;

#[derive(Default)]
struct Citations {
    tests: Files,
    anywhere: Files,
}

impl Citations {
    fn read(root: &Path) -> Self {
        let mut citations = Self::default();
        for file in FOLDERS.iter().flat_map(|folder| sources_below(&root.join(folder))) {
            let path = file.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            if path == "tests/it/requirements.rs" {
                continue;
            }
            let text = fs::read_to_string(&file).unwrap();
            let names = in_names(&text);
            for id in in_text(&text).union(&names) {
                citations.anywhere.entry(id.clone()).or_default().insert(path.clone());
            }
            for id in in_text(tests_of(&path, &text)).union(&names) {
                citations.tests.entry(id.clone()).or_default().insert(path.clone());
            }
        }
        assert!(citations.tests.len() > 50, "the tests were not found: {:?}", citations.tests);
        citations
    }
}

/// The part of a file that is a test: a whole test file, or a source file from its module of tests on.
fn tests_of<'a>(path: &str, text: &'a str) -> &'a str {
    let helper = path.starts_with("tests/it/support/");
    let whole = ["tests/", "web/"].iter().any(|folder| path.starts_with(folder))
        || path.contains("/tests/")
        || path.ends_with("/tests.rs")
        || path.ends_with("_tests.rs");
    match text.find("#[cfg(test)]") {
        _ if helper => "",
        _ if whole => text,
        Some(start) => &text[start..],
        None => "",
    }
}

/// Ids in comments: `FD-08`.
fn in_text(text: &str) -> BTreeSet<String> {
    let words = text.split(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '-' || sign == '_'));
    words.filter(|word| is_id(word)).map(str::to_owned).collect()
}

/// Ids at the beginning of names of functions: `fn fd_08_bf_04_…`.
fn in_names(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for mut name in text.lines().filter_map(|line| line.split_once("fn ")).map(|(_, name)| name) {
        while let Some((start, rest)) = name.split_at_checked(6)
            && let Some(id) = start.strip_suffix('_').map(|id| id.to_ascii_uppercase().replace('_', "-"))
            && is_id(&id)
        {
            found.insert(id);
            name = rest;
        }
    }
    found
}

fn is_id(word: &str) -> bool {
    word.split_once('-').is_some_and(|(topic, number)| {
        TOPICS.contains(&topic) && number.len() == 2 && number.bytes().all(|sign| sign.is_ascii_digit())
    })
}

/// A row of a table of the page: `| FD-08 | requirement | source | tests |`.
struct Row<'a> {
    id: &'a str,
    requirement: &'a str,
    source: &'a str,
}

impl<'a> Row<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let cells: Vec<_> = line.strip_prefix("| ")?.split(" |").map(str::trim).collect();
        let [id, requirement, source, ..] = cells[..] else { return None };
        is_id(id).then_some(Self { id, requirement, source })
    }
}

/// The page with the present files in the last column.
fn with_tests(page: &str, tests: &Files) -> String {
    let mut current = String::new();
    for line in page.lines() {
        match Row::parse(line) {
            Some(Row { id, requirement, source }) => {
                let files: Vec<_> = tests.get(id).into_iter().flatten().map(|file| format!("`{file}`")).collect();
                current += &format!("| {id} | {requirement} | {source} | {} |\n", files.join(", "));
            }
            None => {
                current += line;
                current.push('\n');
            }
        }
    }
    current
}

fn sources_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = texts_below(folder);
    files.retain(|file| file.extension().is_some_and(|kind| ["rs", "ts", "tsx"].iter().any(|known| kind == *known)));
    files
}

fn texts_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !path.is_symlink() {
            if !NOT_OURS.contains(&name) {
                files.extend(texts_below(&path));
            }
        } else {
            files.push(path);
        }
    }
    files
}
