//! Records which members of the schema's result unions the tests received. `union_coverage.rs` checks the record at
//! the end.
//!
//! Tests run concurrently and in several processes, so each result is one line appended to a shared file.

use std::{fs::OpenOptions, io::Write};

use serde_json::Value;

/// The environment variable with the path of the file.
pub const VARIABLE: &str = "COUNTERSIGN_TEST_SEEN";

/// Records the union member that a field returned.
pub fn record(field: &str, response: &Value) {
    let (Some(file), Some(member)) = (super::env_var(VARIABLE), response["__typename"].as_str()) else { return };
    let mut file = OpenOptions::new().create(true).append(true).open(file).unwrap();
    // A single write, so that lines of concurrent tests do not interleave.
    file.write_all(format!("{field} {member}\n").as_bytes()).unwrap();
}

/// Records every field of a response that is not aliased.
pub fn record_all(data: &Value) {
    for (field, response) in data.as_object().into_iter().flatten() {
        record(field, response);
    }
}
