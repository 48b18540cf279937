//! Loading of the built-in message files and of an operator's overrides.

use domain::locale::Locale;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use fluent_bundle::FluentResource;
use unicode_normalization::UnicodeNormalization;

use super::{
    Bundle, Bundles,
    validate::{self, Catalogue},
};

const KO: [&str; 2] = [include_str!("ko/problems.ftl"), include_str!("ko/messages.ftl")];
const EN: [&str; 2] = [include_str!("en/problems.ftl"), include_str!("en/messages.ftl")];

/// The bundles of both languages, with the built-in messages overridden by those of the folder.
pub(super) fn bundles(messages_dir: Option<&Path>) -> Result<Bundles, Vec<String>> {
    let mut bundles = Bundles { ko: built_in(Locale::Ko), en: built_in(Locale::En) };
    let Some(folder) = messages_dir else { return Ok(bundles) };
    let mut refused = unknown_folders(folder)?;
    for locale in Locale::ALL {
        let (resources, mut wrong) = overrides(folder, locale);
        refused.append(&mut wrong);
        for resource in resources {
            bundles.of_mut(locale).add_resource_overriding(Arc::new(resource));
        }
    }
    if refused.is_empty() { Ok(bundles) } else { Err(refused) }
}

fn files(locale: Locale) -> [&'static str; 2] {
    match locale {
        Locale::Ko => KO,
        Locale::En => EN,
    }
}

/// The built-in messages of a language.
pub(super) fn built_in_catalogue(locale: Locale) -> Catalogue {
    let resources = files(locale).map(|file| parse(file).map(|resource| validate::catalogue(&resource)));
    resources.into_iter().flatten().flatten().flatten().collect()
}

#[expect(clippy::panic, reason = "a bug in a file that is compiled in, found by the first test that loads it")]
fn built_in(locale: Locale) -> Bundle {
    let language = locale.as_str().parse().unwrap_or_else(|error| panic!("language {locale}: {error:?}"));
    let mut bundle = Bundle::new_concurrent(vec![language]);
    // Isolation marks are invisible characters around every value. They break codes that are copied, and take up bytes.
    bundle.set_use_isolating(false);
    for file in files(locale) {
        let resource = parse(file).unwrap_or_else(|errors| panic!("messages in {locale}: {errors:?}"));
        let added = bundle.add_resource(Arc::new(resource));
        added.unwrap_or_else(|errors| panic!("messages in {locale}: {errors:?}"));
    }
    bundle
}

/// Errors for folders that are not a supported language: `kr/` instead of `ko/` would otherwise be ignored silently.
fn unknown_folders(folder: &Path) -> Result<Vec<String>, Vec<String>> {
    let entries = fs::read_dir(folder).map_err(|error| vec![format!("{}: {error}", folder.display())])?;
    let folders = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir());
    let mut unknown: Vec<String> = folders
        .filter(|path| !Locale::ALL.iter().any(|locale| path.file_name().is_some_and(|name| name == locale.as_str())))
        .map(|path| format!("{}: messages are in ko/ or en/", path.display()))
        .collect();
    unknown.sort();
    Ok(unknown)
}

/// The operator's files of one language, and all errors in them.
fn overrides(folder: &Path, locale: Locale) -> (Vec<FluentResource>, Vec<String>) {
    let folder = folder.join(locale.as_str());
    if !folder.exists() {
        return (Vec::new(), Vec::new());
    }
    let paths = match message_files(&folder) {
        Ok(paths) => paths,
        Err(error) => return (Vec::new(), vec![format!("{}: {error}", folder.display())]),
    };
    let built_in = built_in_catalogue(locale);
    let mut seen = Catalogue::new();
    let (mut resources, mut refused) = (Vec::new(), Vec::new());
    for path in paths {
        let read = fs::read_to_string(&path).map_err(|error| vec![error.to_string()]);
        let validated =
            read.and_then(|source| parse(&source)).and_then(|resource| Ok((validate::catalogue(&resource)?, resource)));
        let mut wrong = match validated {
            Err(wrong) => wrong,
            Ok((catalogue, resource)) => {
                resources.push(resource);
                let mut wrong: Vec<String> = catalogue
                    .iter()
                    .flat_map(|(name, asks)| validate::override_errors(name, asks, &built_in))
                    .collect();
                wrong.extend(
                    catalogue
                        .keys()
                        .filter(|name| seen.contains_key(*name))
                        .map(|name| format!("{name} is also defined in another file of this folder")),
                );
                seen.extend(catalogue);
                wrong
            }
        };
        refused.extend(wrong.drain(..).map(|wrong| format!("{}: {wrong}", path.display())));
    }
    (resources, refused)
}

fn message_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let paths: Result<Vec<_>, _> = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths: Vec<_> =
        paths?.into_iter().filter(|path| path.extension().is_some_and(|end| end == "ftl")).collect();
    paths.sort();
    Ok(paths)
}

/// Parses a file after normalisation to NFC: conjoining jamo, which some editors write, are not in the character set of
/// any carrier.
fn parse(source: &str) -> Result<FluentResource, Vec<String>> {
    let source: String = source.nfc().collect();
    FluentResource::try_new(source).map_err(|(resource, errors)| {
        let line = |position: usize| 1 + resource.source().bytes().take(position).filter(|byte| *byte == b'\n').count();
        // The parser's messages contain line breaks.
        let words = |kind: &dyn std::fmt::Display| kind.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        errors.into_iter().map(|error| format!("line {}: {}", line(error.pos.start), words(&error.kind))).collect()
    })
}
