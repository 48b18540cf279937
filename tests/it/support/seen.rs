//! Which members of the schema's unions the tests were answered: `refusals.rs` judges it when the suite has run.
//!
//! The tests run at the same time and in several processes, so what they see goes to one file, a line each.

use std::{fs::OpenOptions, io::Write};

use serde_json::Value;

/// Names the file.
pub const VARIABLE: &str = "COUNTERSIGN_TEST_SEEN";

/// Notes which member a field was answered with.
pub fn note(field: &str, answer: &Value) {
    let (Some(file), Some(member)) = (super::given(VARIABLE), answer["__typename"].as_str()) else { return };
    let mut file = OpenOptions::new().create(true).append(true).open(file).unwrap();
    // One write: the lines of tests that run at once do not mix.
    file.write_all(format!("{field} {member}\n").as_bytes()).unwrap();
}

/// Notes every field of an answer that goes by its own name.
pub fn note_all(data: &Value) {
    for (field, answer) in data.as_object().into_iter().flatten() {
        note(field, answer);
    }
}
