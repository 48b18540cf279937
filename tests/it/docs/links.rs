//! The links between the pages of the documentation.

use std::{collections::BTreeSet, fs};

use super::blocks::pages;
use crate::support::files;

#[test]
fn links_lead_to_existing_files_and_headings() {
    let mut dead = Vec::new();
    let mut checked = 0;
    for page in pages() {
        let text = fs::read_to_string(files::root().join(&page)).unwrap();
        for link in links(&text).filter(|link| !link.contains(':')) {
            checked += 1;
            if !exists(&page, link) {
                dead.push(format!("{page}: {link}"));
            }
        }
    }
    assert!(dead.is_empty() && checked > 50, "of {checked} links:\n{}", dead.join("\n"));
}

/// The targets of the links outside code blocks.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let prose = text.split("```").step_by(2);
    prose.flat_map(|part| part.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(link, _)| link)))
}

/// Whether the file exists, and the heading if the link names one.
fn exists(page: &str, link: &str) -> bool {
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let page = files::root().join(page);
    let file = if path.is_empty() { page } else { page.parent().unwrap().join(path) };
    match anchor {
        None => file.exists(),
        Some(anchor) => fs::read_to_string(file).is_ok_and(|text| anchors(&text).contains(anchor)),
    }
}

/// The anchors of the headings, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let prose = text.split("```").step_by(2).flat_map(str::lines);
    let headings = prose.filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    headings
        .map(|heading| {
            let kept = heading.chars().filter(|sign| sign.is_alphanumeric() || " -_".contains(*sign));
            kept.flat_map(char::to_lowercase).map(|sign| if sign == ' ' { '-' } else { sign }).collect()
        })
        .collect()
}

#[test]
fn anchors_are_those_of_github() {
    let text = "# One `two`: three\n\n```sh\n# no heading\n```\n\n## A-b, c\n";
    assert_eq!(anchors(text), ["one-two-three", "a-b-c"].map(str::to_owned).into());
    assert!(!exists("README.md", "docs/nowhere.md") && !exists("README.md", "#nowhere"));
}
