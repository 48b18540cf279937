//! Words that must not come back: they were used in place of standard terms, or made things into persons. `CONTRIBUTING.md`
//! says how this project is written.

use std::fs;

use crate::support::files;

/// A word, and what to write instead. Underscores separate the words of an identifier.
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
    ("judgement", "the result: AttemptResult, Outcome"),
    ("house", "architecture"),
    ("patience", "timeouts, wait_limit"),
    ("newcomer", "new_account, the recipient of a sign-up"),
    ("dialect", "subprotocol"),
    ("ways_in", "access_revocation; name the tokens or sessions"),
    ("asker", "RequestIdentity, caller"),
    ("vitals", "supervisor"),
    ("tally", "counts, metrics"),
    ("ledger", "name the data: limits, rows, history"),
    ("pulse", "activity"),
    ("verdict", "decision, result"),
    ("fallen", "failed"),
    ("farewell", "close_timeout"),
    ("linger", "drain"),
    ("clash", "conflict"),
    ("weighed", "cost"),
    ("hang_up", "close"),
    ("put_back", "restore, requeue"),
    ("planted", "untrusted, injected"),
    ("in_own_time", "timeout_excluding_delays; name the limit"),
    ("look_at_proof", "check_proof"),
    ("forget_tries", "reset_attempts"),
    ("tell_of_lock", "notify_of_lock"),
];

/// Folders and files of this repository that are written by hand.
const PATHS: &[&str] = &[
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

#[test]
fn replaced_words_do_not_come_back() {
    let mut found = Vec::new();
    for place in PATHS {
        let path = files::root().join(place);
        assert!(path.exists(), "{place} does not exist: correct PATHS");
        found.extend(files::below(&path));
    }
    // Texts for people (Fluent) are ordinary language, and this file lists the words.
    found.retain(|file| !file.ends_with("plain_english.rs") && file.extension().is_none_or(|kind| kind != "ftl"));
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
