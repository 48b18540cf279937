//! `.env.example` equals the settings table of the binary.

use std::{fs, path::Path};

#[test]
fn env_example_matches_the_settings_table() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(".env.example");
    let table = countersign::app::env_example();
    if std::env::var_os("COUNTERSIGN_WRITE").is_some() {
        fs::write(&file, &table).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    let missing: Vec<_> = table.lines().filter(|line| !written.lines().any(|other| other == *line)).collect();
    assert!(written == table, "run `just env-example` to write .env.example; missing lines:\n{}", missing.join("\n"));
}

#[test]
fn setting_names_are_unique() {
    let settings = countersign::app::settings();
    let mut names: Vec<_> = settings.map(|setting| setting.name).collect();
    names.sort_unstable();
    let twice: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
    assert!(twice.is_empty(), "{twice:?}");
}
