//! Checks that the web pages are built before `embed-web` includes them, with a clearer error than the compiler's; and
//! writes a list of all log targets, so that a mistyped target in LOG is noticed.

use std::{collections::BTreeSet, env, fs, io, path::Path};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    if cfg!(feature = "embed-web") {
        println!("cargo::rerun-if-changed=web/dist");
        for page in ["web/dist/index.html", "web/dist/demo/index.html"] {
            if !Path::new(page).is_file() {
                println!(
                    "cargo::error=The feature embed-web includes the built web pages in the binary, and {page} is missing. \
                     Build them first: npm --prefix web ci && npm --prefix web run build"
                );
            }
        }
    }
    log_targets()
}

/// Writes the log targets: the module paths of this crate, the names of all crates in the lock file, and the target of
/// the audit trail.
fn log_targets() -> io::Result<()> {
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rerun-if-changed=crates");
    println!("cargo::rerun-if-changed=Cargo.lock");
    let mut targets = BTreeSet::from(["audit".to_owned(), "countersign".to_owned()]);
    modules(Path::new("src"), "countersign", &mut targets)?;
    for folder in fs::read_dir("crates")? {
        let folder = folder?;
        let name = format!("countersign_{}", folder.file_name().to_string_lossy().replace('-', "_"));
        modules(&folder.path().join("src"), &name, &mut targets)?;
        targets.insert(name);
    }
    let lock = fs::read_to_string("Cargo.lock").unwrap_or_default();
    let names = lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    targets.extend(names.map(|name| name.replace('-', "_")));
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("OUT_DIR is not set"))?;
    let text: String = targets.iter().map(|target| format!("{target}\n")).collect();
    fs::write(Path::new(&out).join("log-targets"), text)
}

fn modules(folder: &Path, path: &str, targets: &mut BTreeSet<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let file = entry?.path();
        let Some(name) = file.file_stem().and_then(|name| name.to_str()) else { continue };
        let module = format!("{path}::{name}");
        if file.is_dir() {
            modules(&file, &module, targets)?;
            targets.insert(module);
        } else if file.extension().is_some_and(|kind| kind == "rs") && !matches!(name, "mod" | "lib" | "main") {
            targets.insert(module);
        }
    }
    Ok(())
}
