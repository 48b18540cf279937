//! Judges what a build with `embed-web` takes in, before the compiler stumbles over it.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if cfg!(feature = "embed-web") {
        println!("cargo::rerun-if-changed=web/dist");
        for page in ["web/dist/index.html", "web/dist/demo/index.html"] {
            if !Path::new(page).is_file() {
                println!(
                    "cargo::error=The feature embed-web takes the built pages into the binary, and {page} is missing. \
                     Build them first: npm --prefix web ci && npm --prefix web run build"
                );
            }
        }
    }
}
