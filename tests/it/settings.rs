//! `.env.example` says what the program's own table of settings says.

use std::{fs, path::Path};

#[test]
fn env_example_is_the_table_of_settings() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(".env.example");
    let table = countersign::app::env_example();
    if std::env::var_os("COUNTERSIGN_WRITE").is_some() {
        fs::write(&file, &table).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    let missing: Vec<_> = table.lines().filter(|line| !written.lines().any(|other| other == *line)).collect();
    assert!(written == table, "`just env-example` writes .env.example anew; it lacks\n{}", missing.join("\n"));
}

#[test]
fn no_setting_stands_twice() {
    let settings = countersign::app::settings();
    let mut names: Vec<_> = settings.map(|setting| setting.name).collect();
    names.sort_unstable();
    let twice: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
    assert!(twice.is_empty(), "{twice:?}");
}
