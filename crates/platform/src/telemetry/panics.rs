//! A panic is a mistake of ours; its place goes to the log, its words only if they were written in the source.

use std::{
    panic::{self, PanicHookInfo},
    thread,
};

use super::queue::{FLUSH, LogQueue};

/// From now on panics are logged like everything else, instead of being written to standard error as they are.
pub fn log_panics(queue: LogQueue) {
    panic::set_hook(Box::new(move |info| {
        tracing::error!(place = %Place(info), cause = words(info), "panic");
        // A panic of the main thread ends the program. One of another thread ends a task at most, and must not make the
        // thread wait for whoever reads the log.
        if thread::current().name() == Some("main") {
            queue.flush(FLUSH);
        }
    }));
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
