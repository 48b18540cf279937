//! Logs panics: always the location, and the message only if it is a literal of the source.

use std::{
    panic::{self, PanicHookInfo},
    thread,
};

use super::queue::{FLUSH, LogQueue};

/// Installs a panic hook that logs panics, instead of the default hook that writes to standard error.
pub fn log_panics(queue: LogQueue) {
    panic::set_hook(Box::new(move |info| {
        tracing::error!(place = %PanicLocation(info), cause = panic_message(info), "panic");
        // A panic of the main thread ends the program. A panic of another thread ends at most a task, and must not
        // block the thread until the log is read.
        if thread::current().name() == Some("main") {
            queue.flush(FLUSH);
        }
    }));
}

/// The message of a panic. A formatted message may contain a value (`called unwrap() on an Err value: …`), which can't
/// be recognised here, so it is not logged; the location is enough to find the bug.
fn panic_message(info: &PanicHookInfo<'_>) -> &'static str {
    info.payload().downcast_ref::<&'static str>().copied().unwrap_or("[formatted message, not shown]")
}

struct PanicLocation<'a, 'b>(&'a PanicHookInfo<'b>);

impl std::fmt::Display for PanicLocation<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.location() {
            Some(place) => place.fmt(f),
            None => f.write_str("unknown"),
        }
    }
}
