//! `schema.graphql` is what the program's own schema says.

use std::{fs, path::Path};

#[test]
fn the_committed_schema_is_the_programs() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.graphql");
    let sdl = countersign::graphql::sdl();
    if std::env::var_os("COUNTERSIGN_WRITE").is_some() {
        fs::write(&file, &sdl).unwrap();
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == sdl, "run `cargo run -- schema > schema.graphql` and commit what changed");
}
