//! Standard output.

use std::{
    fmt,
    io::{self, Write},
};

/// Prints a line. Write errors are ignored: the success of a command does not depend on the reader of its output.
pub fn line(text: fmt::Arguments<'_>) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// Prints a text unchanged.
pub fn text(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
