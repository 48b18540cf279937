//! The fenced code blocks of the documentation.
//!
//! The words after the language say how a block is run:
//!
//! - `serve`: the block starts the server of its page. A page without one gets a server that the test starts.
//! - `with=production`: the block is a part of the settings of a production server.
//! - `requires=PROGRAM`: the block is left out where the program is not installed; `requires=OLD_DATABASE`: where the
//!   tests have no PostgreSQL.
//! - `no-run=reason-in-words`: the block is not run. `docs/not-run.txt` lists these.

use std::{fs, path::Path, process::Command};

/// One block.
#[derive(Clone, Debug)]
pub struct Block {
    /// The path of its page in the repository.
    pub page: String,
    /// The line of its fence, from 1.
    pub line: usize,
    pub language: String,
    attributes: Vec<String>,
    pub text: String,
}

impl Block {
    /// The value of `name=value`.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find_map(|attribute| attribute.strip_prefix(name)?.strip_prefix('='))
    }

    pub fn has(&self, word: &str) -> bool {
        self.attributes.iter().any(|attribute| attribute == word)
    }

    /// Why it is not run.
    pub fn no_run(&self) -> Option<String> {
        self.attribute("no-run").map(|reason| reason.replace('-', " "))
    }
}

/// The pages: every Markdown file that is under version control, or would be.
pub fn pages() -> Vec<String> {
    let list = ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"];
    let listed = Command::new("git").args(list).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let mut pages: Vec<_> = String::from_utf8(listed.stdout).unwrap().lines().map(str::to_owned).collect();
    pages.sort();
    assert!(pages.iter().any(|page| page == "README.md"), "{pages:?}");
    pages
}

/// The blocks of a page, from its top.
pub fn blocks(page: &str) -> Vec<Block> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = None;
    for (at, line) in text.lines().enumerate() {
        let fence = line.trim_start().strip_prefix("```");
        match (&mut open, fence) {
            (None, Some(info)) => {
                let mut words = info.split_whitespace().map(str::to_owned);
                let language = words.next().unwrap_or_default();
                let attributes = words.collect();
                open = Some(Block { page: page.to_owned(), line: at + 1, language, attributes, text: String::new() });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{page}: the last fence is not closed");
    blocks
}
