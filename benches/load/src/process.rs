//! Resource usage of processes, from `/proc` of Linux.

use std::fs;

use serde_json::{Value, json};

/// `USER_HZ`: the unit of the times in `/proc/PID/stat`, equal on every supported Linux.
const TICKS: f64 = 100.0;

/// Resource usage of several processes together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// User and system time of all threads.
    pub cpu_seconds: f64,
    pub rss_bytes: u64,
    pub descriptors: u64,
    pub threads: u64,
}

impl Usage {
    /// The sum over these processes.
    ///
    /// # Errors
    /// A process has ended, or its files are not readable.
    pub fn of(pids: &[u32]) -> Result<Self, String> {
        let mut sum = Self::default();
        for pid in pids {
            let read = |file: &str| {
                fs::read_to_string(format!("/proc/{pid}/{file}")).map_err(|error| format!("process {pid}: {error}"))
            };
            let one = Self::parse(&read("stat")?, &read("status")?).ok_or_else(|| format!("process {pid}: ended"))?;
            let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).map_err(|error| format!("{pid}: {error}"))?;
            sum.cpu_seconds += one.cpu_seconds;
            sum.rss_bytes += one.rss_bytes;
            sum.threads += one.threads;
            sum.descriptors += descriptors.count() as u64;
        }
        Ok(sum)
    }

    fn parse(stat: &str, status: &str) -> Option<Self> {
        // The name, in parentheses, may contain spaces and parentheses. utime and stime are fields 12 and 13 after it.
        let (_, fields) = stat.rsplit_once(") ")?;
        let ticks: u64 = fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
        let line = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            value.trim().trim_end_matches(" kB").parse::<u64>().ok()
        };
        Some(Self {
            cpu_seconds: ticks as f64 / TICKS,
            rss_bytes: line("VmRSS")? * 1024,
            descriptors: 0,
            threads: line("Threads")?,
        })
    }

    pub fn json(&self) -> Value {
        json!({
            "cpu_seconds": self.cpu_seconds,
            "rss_mib": self.rss_bytes as f64 / f64::from(1 << 20),
            "descriptors": self.descriptors,
            "threads": self.threads,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_names_with_spaces_and_parentheses() {
        let stat = "42 (a) b (c)) S 1 42 42 0 -1 4194560 5 0 0 0 150 50 0 0 20 0 4 0 9 1 2 3";
        let status = "Name:\ta) b (c)\nVmRSS:\t    2048 kB\nThreads:\t4\n";
        let usage = Usage::parse(stat, status).unwrap();
        assert_eq!(usage, Usage { cpu_seconds: 2.0, rss_bytes: 2 << 20, descriptors: 0, threads: 4 });
    }

    #[test]
    fn reads_usage_of_own_process() {
        let usage = Usage::of(&[std::process::id()]).unwrap();
        assert!(usage.rss_bytes > 0 && usage.threads > 0 && usage.descriptors > 2);
        assert!(Usage::of(&[u32::MAX]).is_err());
    }
}
