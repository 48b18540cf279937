//! Words that must not come back: they were used in place of standard terms, or made things into persons. `CONTRIBUTING.md`
//! says how this project is written.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A word, and what to write instead.
const WORDS: &[(&str, &str)] = &[
    ("whoever", "name the party: the client, the caller, the owner"),
    ("everybody", "all clients, all users"),
    ("anew", "again"),
    ("mends", "repairs, fixes"),
    ("the heart of", "the core of"),
    ("lets go of", "releases"),
    ("for want of", "without"),
    ("to the letter", "exactly as specified"),
    ("comes to nothing", "fails"),
    ("is owed", "is queued"),
    ("bears witness", "verifies"),
    ("the people at the door", "the clients"),
];

/// Folders and files of this repository that are written by hand.
const PLACES: &[&str] = &[
    "src",
    "crates",
    "migration",
    "tests/it",
    "tests/faults",
    "benches",
    "scripts",
    "deploy",
    "docs",
    "web/client/src",
    "web/demo/src",
    "web/graphiql/src",
    "web/fake-server/src",
    "web/e2e",
    "README.md",
    "CONTRIBUTING.md",
    "ARCHITECTURE.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "schema.graphql",
    ".env.example",
];

fn files(path: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(path) else {
        return found.push(path.to_owned());
    };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // Texts for people (Fluent) are ordinary language.
        let skipped = ["node_modules", "dist", "artefacts", "generated", "plain_english.rs"];
        if !skipped.contains(&name.as_str()) && !name.ends_with(".ftl") {
            files(&path, found);
        }
    }
}

#[test]
fn replaced_words_do_not_come_back() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for place in PLACES {
        let path = root.join(place);
        assert!(path.exists(), "{place} does not exist: correct PLACES");
        files(&path, &mut found);
    }
    let mut used = Vec::new();
    for file in found {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        for (at, line) in text.lines().enumerate() {
            let line = line.to_lowercase();
            for (word, instead) in WORDS {
                let is_word = |at: usize| {
                    let boundary = |character: Option<char>| !character.is_some_and(char::is_alphanumeric);
                    boundary(line[..at].chars().next_back()) && boundary(line[at + word.len()..].chars().next())
                };
                if line.match_indices(word).any(|(at, _)| is_word(at)) {
                    used.push(format!("{}:{}: {word:?}; write: {instead}", file.display(), at + 1));
                }
            }
        }
    }
    assert!(used.is_empty(), "{}", used.join("\n"));
}
