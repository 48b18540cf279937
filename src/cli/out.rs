//! Standard output.

use std::{
    fmt,
    io::{self, Write},
};

/// Prints a line. What can't be written is lost: whether a command succeeded does not depend on its reader.
pub fn line(text: fmt::Arguments<'_>) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// Prints a text as it stands.
pub fn text(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
