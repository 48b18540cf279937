//! A panic is a mistake of ours; its place goes to the log, its words only if they were written in the source.

use std::panic::{self, PanicHookInfo};

/// From now on panics are logged like everything else, instead of being written to standard error as they are.
pub fn log_panics() {
    panic::set_hook(Box::new(|info| tracing::error!(place = %Place(info), cause = words(info), "panic")));
}

/// A panic's own words. Formatted ones may carry a value (`called unwrap() on an Err value: …`), and nobody can tell
/// from here; the place says enough to find the mistake.
fn words(info: &PanicHookInfo<'_>) -> &'static str {
    info.payload().downcast_ref::<&'static str>().copied().unwrap_or("[formatted, and so not shown]")
}

struct Place<'a, 'b>(&'a PanicHookInfo<'b>);

impl std::fmt::Display for Place<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.location() {
            Some(place) => place.fmt(f),
            None => f.write_str("unknown"),
        }
    }
}
