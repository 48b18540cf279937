//! The files of this repository, for tests that read the source.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Folders with generated or third-party files.
const NOT_OURS: [&str; 6] = ["node_modules", "dist", "generated", "artefacts", ".docs", "target"];

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The source folders of the server and of each crate in `crates/`.
pub fn source_folders() -> Vec<PathBuf> {
    let crates = fs::read_dir(root().join("crates")).unwrap();
    let crates = crates.map(|entry| entry.unwrap().path().join("src"));
    [root().join("src")].into_iter().chain(crates).collect()
}

/// All files of a folder and its subfolders; a file is itself. Empty if the path does not exist.
pub fn below(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let Ok(entries) = fs::read_dir(path) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path()).filter(|path| !path.is_symlink());
    let ours = paths.filter(|path| !NOT_OURS.iter().any(|name| path.ends_with(name)));
    ours.flat_map(|path| below(&path)).collect()
}
