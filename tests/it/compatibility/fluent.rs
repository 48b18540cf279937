//! The ids of Fluent messages: operators override them in `MESSAGES_DIR`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use regex::Regex;

use super::literals::files_below;

/// By locale, which is the name of the folder: `file id`.
pub fn messages() -> BTreeMap<String, BTreeSet<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = ["src", "crates"].into_iter().flat_map(|folder| files_below(&root.join(folder)));
    let mut messages: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for file in files.filter(|file| file.extension().is_some_and(|extension| extension == "ftl")) {
        let locale = file.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        messages.entry(locale).or_default().extend(ids(&name, &fs::read_to_string(&file).unwrap()));
    }
    messages
}

fn ids(file: &str, text: &str) -> BTreeSet<String> {
    let id = Regex::new(r"(?m)^(-?[a-zA-Z][\w-]*) *=").unwrap();
    id.captures_iter(text).map(|id| format!("{file} {}", &id[1])).collect()
}
