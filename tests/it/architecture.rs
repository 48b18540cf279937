//! The module layers: modules import only from lower layers. `src/lib.rs` describes the modules.

mod imports;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use imports::imported_modules;

use crate::support::files;

/// The modules of `src`, from top to bottom. Modules of one layer do not import each other.
const LAYERS: &[&[&str]] = &[
    &["main"],
    &["cli"],
    &["app"],
    &["http", "janitor"],
    &["graphql"],
    &["account"],
    &["session"],
    &["verification"],
    &["delivery"],
    &["quota", "events"],
    &["code"],
];

/// The crates of `crates/`, each with those of the workspace that it may depend on.
const CRATES: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("graphql-http", &[]),
    ("platform", &["../domain"]),
    ("providers", &["../domain", "../platform"]),
    ("store", &["../domain", "../platform", "../../migration"]),
];

/// The maximum number of lines of a file.
const MAX_FILE_LINES: usize = 400;

#[test]
fn modules_import_only_lower_layers() {
    let graph = ModuleGraph::read();
    let mut wrong = Vec::new();
    for (file, imported) in &graph.files {
        let module = module_of(file);
        for other in imported.iter().filter(|other| **other != module) {
            if !may_import(&module, other) {
                wrong.push(format!("{}: {module} imports {other}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n\nThe current architecture:\n{}", wrong.join("\n"), graph.render());
}

#[test]
fn every_module_has_a_layer() {
    let graph = ModuleGraph::read();
    let unlisted: BTreeSet<_> = graph.modules().into_keys().filter(|module| layer_of(module).is_none()).collect();
    assert!(unlisted.is_empty(), "{unlisted:?}: not in any layer. Add it to LAYERS.\n{}", graph.render());
}

#[test]
fn every_layer_names_existing_modules() {
    let modules = ModuleGraph::read().modules();
    let gone: Vec<_> = LAYERS.iter().copied().flatten().filter(|name| !modules.contains_key(**name)).collect();
    assert!(gone.is_empty(), "remove these from LAYERS: {gone:?}");
}

#[test]
fn crates_depend_only_on_lower_crates() {
    let manifest = |folder: &Path| fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    let paths = |manifest: &str| -> BTreeSet<String> {
        let lines = manifest.lines().filter_map(|line| line.split_once("path = \""));
        lines.map(|(_, rest)| rest.split('"').next().unwrap().to_owned()).collect()
    };
    let shared = manifest(files::root());
    let (_, shared) = shared.split_once("[workspace.dependencies]").unwrap();
    let (shared, _) = shared.split_once("[package]").unwrap();
    assert_eq!(paths(shared), BTreeSet::new(), "dependencies on our crates are not shared, so that they are seen here");
    let found: Vec<_> =
        fs::read_dir(files::root().join("crates")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(found.len(), CRATES.len());
    for folder in found {
        let name = folder.file_name().unwrap().to_str().unwrap();
        let (_, allowed) = CRATES.iter().find(|(listed, _)| *listed == name).expect("every crate is in CRATES");
        let mut used = paths(&manifest(&folder));
        used.retain(|path| !allowed.contains(&path.as_str()));
        assert!(used.is_empty(), "{name} must not depend on {used:?}");
    }
}

/// Cargo forbids cycles between crates. Within one, modules must not import each other in a cycle either.
#[test]
fn modules_of_a_crate_have_no_import_cycles() {
    for folder in files::source_folders() {
        let graph = ModuleGraph::of(&folder);
        let mut modules = graph.modules();
        // Repeatedly removes modules that import none of the remaining modules. What is left forms a cycle.
        loop {
            let left: BTreeSet<_> = modules.keys().cloned().collect();
            modules.retain(|module, imported| imported.iter().any(|other| other != module && left.contains(other)));
            if modules.len() == left.len() {
                break;
            }
        }
        assert!(modules.is_empty(), "{}: a cycle of imports: {modules:?}", folder.display());
    }
}

/// Entities and SQL are private to the store. `Fault` is made from the errors of the database, so that `?` works.
#[test]
fn only_the_store_uses_the_database() {
    let allowed = ["crates/store", "crates/platform/src/fault.rs"].map(|path| files::root().join(path));
    let offenders: Vec<_> = files::source_folders()
        .iter()
        .flat_map(|folder| files::below(folder))
        .filter(|file| file.extension().is_some_and(|kind| kind == "rs"))
        .filter(|file| !allowed.iter().any(|path| file.starts_with(path)))
        .filter(|file| {
            let text = fs::read_to_string(file).unwrap();
            ["sea_orm", "use sqlx", "(sqlx::", "<sqlx::"].iter().any(|path| text.contains(path))
        })
        .collect();
    assert!(offenders.is_empty(), "put the query into crates/store, by the name of what it does: {offenders:?}");
}

#[test]
fn metrics_are_only_named_in_telemetry() {
    let telemetry = files::root().join("crates/platform/src/telemetry");
    assert!(telemetry.is_dir());
    let offenders: Vec<_> = files::source_folders()
        .iter()
        .flat_map(|folder| files::below(folder))
        .filter(|file| !file.starts_with(&telemetry))
        .filter(|file| {
            let text = fs::read_to_string(file).unwrap();
            ["counter!(", "gauge!(", "histogram!("].iter().any(|call| text.contains(call))
        })
        .collect();
    assert!(offenders.is_empty(), "record metrics through telemetry::metrics and add them to its table: {offenders:?}");
}

#[test]
fn no_file_exceeds_the_line_limit() {
    let root = files::root();
    let mut long = Vec::new();
    for folder in ["src", "crates", "migration", "tests", "benches", "scripts"] {
        // Fixtures are data: dumps, and lists of one entry per line.
        let files = files::below(&root.join(folder)).into_iter();
        for file in files.filter(|file| !file.starts_with(root.join("tests/fixtures"))) {
            let Ok(text) = fs::read_to_string(&file) else { continue };
            let lines = text.lines().count();
            if lines > MAX_FILE_LINES {
                long.push(format!("{}: {lines} lines", file.strip_prefix(root).unwrap().display()));
            }
        }
    }
    assert!(long.is_empty(), "longer than {MAX_FILE_LINES} lines:\n{}", long.join("\n"));
}

/// The files of a source folder, each with the modules that it imports.
struct ModuleGraph {
    files: BTreeMap<PathBuf, BTreeSet<String>>,
}

impl ModuleGraph {
    /// Of the server.
    fn read() -> Self {
        Self::of(&files::root().join("src"))
    }

    fn of(folder: &Path) -> Self {
        let rust = files::below(folder).into_iter().filter(|file| file.extension().is_some_and(|ext| ext == "rs"));
        let files: BTreeMap<_, _> = rust
            .map(|file| {
                let inside = file.strip_prefix(folder).unwrap().to_owned();
                let imported = imported_modules(&fs::read_to_string(&file).unwrap());
                (inside, imported)
            })
            // `lib.rs` only declares and re-exports modules.
            .filter(|(file, _)| file != Path::new("lib.rs"))
            .collect();
        assert!(files.len() > 10, "the sources were not found: {files:?}");
        Self { files }
    }

    /// Each module with the modules that it imports.
    fn modules(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut modules: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (file, imported) in &self.files {
            modules.entry(module_of(file)).or_default().extend(imported.iter().cloned());
        }
        modules
    }

    /// The modules by layer, each with its imports. Imports that violate the layering are marked.
    fn render(&self) -> String {
        let mut modules: Vec<_> = self.modules().into_iter().collect();
        modules.sort_by_key(|(module, _)| layer_of(module));
        let mut map = String::new();
        for (module, imported) in modules {
            let layer =
                layer_of(&module).map_or_else(|| "?".to_owned(), |layer| (LAYERS.len() - layer - 1).to_string());
            let others = imported.iter().filter(|other| **other != module);
            let marked =
                others.map(|other| if may_import(&module, other) { other.clone() } else { format!("↑{other}↑") });
            writeln!(map, "{layer:>3}  {module:<13} → {}", marked.collect::<Vec<_>>().join(" · ")).unwrap();
        }
        map
    }
}

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

fn may_import(module: &str, other: &str) -> bool {
    match (layer_of(module), layer_of(other)) {
        (Some(here), Some(there)) => here < there,
        _ => false,
    }
}

/// `session/access.rs` is in `session`; `clock.rs` is `clock`.
fn module_of(file: &Path) -> String {
    Path::new(file.iter().next().unwrap()).file_stem().unwrap().to_str().unwrap().to_owned()
}
