//! Resource usage of processes, from `/proc` of Linux.

use std::{collections::HashMap, fs};

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
        let times = Times::parse(stat)?;
        let line = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            value.trim().trim_end_matches(" kB").parse::<u64>().ok()
        };
        Some(Self {
            cpu_seconds: times.own as f64 / TICKS,
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

/// CPU times of a process in ticks, from its file `stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Times {
    parent: u32,
    /// User and system time of all threads.
    own: u64,
    /// The same of children that have ended, and of theirs.
    ended: u64,
}

impl Times {
    fn parse(stat: &str) -> Option<Self> {
        // The name, in parentheses, may contain spaces and parentheses. After it: state, parent, and from the twelfth
        // field on utime, stime, cutime and cstime.
        let (_, fields) = stat.rsplit_once(") ")?;
        let fields: Vec<_> = fields.split(' ').collect();
        let field = |number: usize| fields.get(number)?.parse::<u64>().ok();
        Some(Self {
            parent: u32::try_from(field(1)?).ok()?,
            own: field(11)? + field(12)?,
            ended: field(13)? + field(14)?,
        })
    }
}

/// CPU time of a process and of all its descendants in seconds, including those that have ended.
///
/// # Errors
/// The process has ended, or `/proc` is not readable.
pub fn tree_cpu_seconds(root: u32) -> Result<f64, String> {
    let mut all = HashMap::new();
    for entry in fs::read_dir("/proc").map_err(|error| format!("/proc: {error}"))?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // A process that ends meanwhile has no file any more.
        if let Some(times) = fs::read_to_string(entry.path().join("stat")).ok().as_deref().and_then(Times::parse) {
            all.insert(pid, times);
        }
    }
    tree_ticks(&all, root).map(|ticks| ticks as f64 / TICKS).ok_or_else(|| format!("process {root}: ended"))
}

fn tree_ticks(all: &HashMap<u32, Times>, root: u32) -> Option<u64> {
    let top = all.get(&root)?;
    let children = all.iter().filter(|(_, times)| times.parent == root).map(|(pid, _)| *pid);
    Some(top.own + top.ended + children.filter_map(|child| tree_ticks(all, child)).sum::<u64>())
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

    #[test]
    fn tree_includes_descendants_and_children_that_ended() {
        let stat = "7 (postgres: a) b) S 1 7 7 0 -1 4194560 5 0 0 0 150 50 30 20 20 0 4 0 9 1 2 3";
        let times = Times::parse(stat).unwrap();
        assert_eq!(times, Times { parent: 1, own: 200, ended: 50 });
        let child = |parent, own| Times { parent, own, ended: 1 };
        let all = HashMap::from([(7, times), (8, child(7, 10)), (9, child(8, 100)), (10, child(1, 1000))]);
        assert_eq!(tree_ticks(&all, 7), Some(250 + 11 + 101));
        assert_eq!(tree_ticks(&all, 42), None);
    }

    #[test]
    fn tree_of_own_process_has_its_cpu_time() {
        let own = std::process::id();
        let before = Usage::of(&[own]).unwrap().cpu_seconds;
        assert!(tree_cpu_seconds(own).unwrap() >= before);
        assert!(tree_cpu_seconds(u32::MAX).is_err());
    }
}
