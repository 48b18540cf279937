//! Log lines on their way to standard error.
//!
//! Whoever reads standard error may stall (a pager, a full disk behind a pipe, a stopped collector), and a write to it
//! then blocks. So no thread that does any work writes there: lines are queued, and a thread of their own writes them.
//! The queue is bounded in bytes. A line that does not fit is lost and counted, and when the reader is back one line
//! says how many were.

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

/// Bytes of lines that wait: a second or two of a busy service, and nothing that its memory would show.
const MOST_BYTES: usize = 512 * 1024;

/// How long the end of the program waits for the reader.
pub const FLUSH: Duration = Duration::from_secs(1);

/// A wait before writing again to a descriptor that somebody made non-blocking.
const AGAIN: Duration = Duration::from_millis(10);

/// Cheap to clone.
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
    /// Of the lines that wait and of those that are being written.
    bytes: usize,
    writing: bool,
    /// Since this was last logged.
    lost: u64,
}

impl LogQueue {
    /// A queue whose lines go to standard error.
    ///
    /// # Errors
    /// Standard error is closed, or there can be no further thread.
    pub fn to_stderr() -> io::Result<Self> {
        // A descriptor of our own: the lock of `io::stderr` would be held for as long as a write blocks.
        Self::to(File::from(io::stderr().as_fd().try_clone_to_owned()?))
    }

    fn to(target: impl Write + Send + 'static) -> io::Result<Self> {
        let queue = Self(Arc::default());
        let lines = queue.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || lines.write_all(target))?;
        Ok(queue)
    }

    /// Queues a line, or counts it as lost. Never waits for the reader.
    pub fn push(&self, line: &[u8]) {
        let lost = {
            let mut state = self.state();
            let fits = state.bytes + line.len() <= MOST_BYTES;
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

    /// Waits until everything is written, but no longer than `patience`. Whether it was.
    pub fn flush(&self, patience: Duration) -> bool {
        let pending = |state: &mut State| state.writing || !state.lines.is_empty();
        let waited = self.0.changed.wait_timeout_while(self.state(), patience, pending);
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
                tracing::warn!(lost, "log lines were lost, since standard error was not read");
            }
        }
    }

    /// All lines that wait, once there is one.
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

/// Writes a whole line, and keeps trying where the descriptor does not block.
fn write(target: &mut impl Write, mut line: &[u8]) -> io::Result<()> {
    while !line.is_empty() {
        match target.write(line) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => line = line.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(AGAIN),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// One line after the other, as the formatter writes them: each in one call.
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

    /// Takes a write when the test lets it, and shows what it was given.
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
    fn lines_are_written_in_order_and_a_flush_waits_for_them() {
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
    fn while_nobody_reads_lines_are_lost_and_memory_is_bounded() {
        let (queue, go, seen) = stalled();
        let line = [b'x'; 1024];
        for _ in 0..2_000 {
            queue.push(&line);
        }
        let kept = MOST_BYTES / line.len();
        assert_eq!(queue.state().bytes, MOST_BYTES);
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
    fn a_reader_that_is_gone_costs_its_lines_alone() {
        let (queue, go, seen) = stalled();
        drop((go, seen));
        queue.push(b"lost\n");
        assert!(queue.flush(Duration::from_secs(60)));
        assert_eq!(queue.state().bytes, 0);
    }
}
