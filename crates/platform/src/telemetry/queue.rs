//! A queue of log lines for standard error.
//!
//! The reader of standard error may stall (a pager, a full disk behind a pipe, a stopped collector), and then a write
//! to it blocks. Therefore lines are queued, and a dedicated thread writes them. The queue is bounded in bytes. A line
//! that does not fit is dropped and counted; when the reader continues, a log line reports the number of dropped lines.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, ErrorKind, Write},
    os::fd::AsFd,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use super::metrics;

/// Maximum bytes of queued lines: enough for one or two seconds of a busy service, and negligible memory.
const MAX_BYTES: usize = 512 * 1024;

/// How long shutdown waits until the queue is written.
pub const FLUSH: Duration = Duration::from_secs(1);

/// The pause before a retry of a write to a non-blocking descriptor.
const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// The queue. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LogQueue(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<Vec<u8>>,
    /// Total length of the queued lines and of those that are being written.
    bytes: usize,
    writing: bool,
    /// Lines dropped since the last report in the log.
    lost: u64,
}

impl LogQueue {
    /// A queue whose lines go to standard error.
    ///
    /// # Errors
    /// Standard error is closed, or the thread can't be started.
    pub fn to_stderr() -> io::Result<Self> {
        // A duplicate of the descriptor: the lock of `io::stderr` would be held for as long as a write blocks.
        Self::to(File::from(io::stderr().as_fd().try_clone_to_owned()?))
    }

    fn to(target: impl Write + Send + 'static) -> io::Result<Self> {
        let queue = Self(Arc::default());
        let lines = queue.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || lines.write_all(target))?;
        Ok(queue)
    }

    /// Queues a line, or drops and counts it if the queue is full. Never blocks.
    pub fn push(&self, line: &[u8]) {
        let lost = {
            let mut state = self.state();
            let fits = state.bytes + line.len() <= MAX_BYTES;
            if fits {
                state.bytes += line.len();
                state.lines.push_back(line.to_vec());
            } else {
                state.lost += 1;
            }
            !fits
        };
        if lost {
            metrics::log_lines_lost(1);
        }
        self.0.changed.notify_all();
    }

    /// Waits until everything is written, for at most `timeout`. Returns whether everything was written.
    pub fn flush(&self, timeout: Duration) -> bool {
        let pending = |state: &mut State| state.writing || !state.lines.is_empty();
        let waited = self.0.changed.wait_timeout_while(self.state(), timeout, pending);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn write_all(&self, mut target: impl Write) {
        loop {
            let lines = self.next();
            let bytes = lines.iter().map(Vec::len).sum::<usize>();
            let unwritten = lines.iter().filter(|line| write(&mut target, line).is_err()).count();
            let lost = {
                let mut state = self.state();
                state.bytes -= bytes;
                state.writing = false;
                std::mem::take(&mut state.lost)
            };
            self.0.changed.notify_all();
            if unwritten > 0 {
                metrics::log_lines_lost(u64::try_from(unwritten).unwrap_or(u64::MAX));
            }
            if lost > 0 {
                tracing::warn!(lost, "log lines dropped, standard error was not read in time");
            }
        }
    }

    /// Takes all queued lines; waits until there is at least one.
    fn next(&self) -> VecDeque<Vec<u8>> {
        let nothing = |state: &mut State| state.lines.is_empty();
        let mut state = self.0.changed.wait_while(self.state(), nothing).unwrap_or_else(PoisonError::into_inner);
        state.writing = true;
        std::mem::take(&mut state.lines)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes a whole line; retries if the descriptor is non-blocking.
fn write(target: &mut impl Write, mut line: &[u8]) -> io::Result<()> {
    while !line.is_empty() {
        match target.write(line) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => line = line.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(RETRY_PAUSE),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The formatter writes each line in one call.
impl Write for LogQueue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// A writer that accepts a write when the test allows it, and sends what was written to the test.
    struct Reader(mpsc::Receiver<()>, mpsc::Sender<Vec<u8>>);

    impl Write for Reader {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(|_| ErrorKind::BrokenPipe)?;
            self.1.send(bytes.to_vec()).map_err(|_| ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn stalled() -> (LogQueue, mpsc::Sender<()>, mpsc::Receiver<Vec<u8>>) {
        let ((go, wait), (shown, seen)) = (mpsc::channel(), mpsc::channel());
        (LogQueue::to(Reader(wait, shown)).unwrap(), go, seen)
    }

    #[test]
    fn lines_are_written_in_order_and_flush_waits_for_them() {
        let (queue, go, seen) = stalled();
        for line in ["one\n", "two\n", "three\n"] {
            queue.push(line.as_bytes());
        }
        assert!(!queue.flush(Duration::from_millis(1)), "nothing is written yet");
        for _ in 0..3 {
            go.send(()).unwrap();
        }
        assert!(queue.flush(Duration::from_secs(60)));
        let written: Vec<u8> = seen.try_iter().flatten().collect();
        assert_eq!(String::from_utf8(written).unwrap(), "one\ntwo\nthree\n");
    }

    #[test]
    fn lines_beyond_the_limit_are_dropped_while_the_reader_stalls() {
        let (queue, go, seen) = stalled();
        let line = [b'x'; 1024];
        for _ in 0..2_000 {
            queue.push(&line);
        }
        let kept = MAX_BYTES / line.len();
        assert_eq!(queue.state().bytes, MAX_BYTES);
        assert_eq!(queue.state().lost, 2_000 - kept as u64);
        for _ in 0..kept {
            go.send(()).unwrap();
        }
        assert!(queue.flush(Duration::from_secs(60)));
        assert_eq!(seen.try_iter().count(), kept);
        let state = queue.state();
        assert_eq!((state.lost, state.bytes), (0, 0));
    }

    #[test]
    fn closed_reader_loses_only_its_lines() {
        let (queue, go, seen) = stalled();
        drop((go, seen));
        queue.push(b"lost\n");
        assert!(queue.flush(Duration::from_secs(60)));
        assert_eq!(queue.state().bytes, 0);
    }
}
