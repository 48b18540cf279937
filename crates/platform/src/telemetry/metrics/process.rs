//! Process metrics of the operating system, under the names that the Prometheus client libraries use.
//!
//! Read from `/proc` at each scrape; where there is no `/proc`, none are exported.

use std::{fmt::Write, fs};

/// Name, type and help text of each metric.
pub const METRICS: &[(&str, &str, &str)] = &[
    ("process_cpu_seconds_total", "counter", "User and system CPU time spent."),
    ("process_resident_memory_bytes", "gauge", "Resident memory."),
    ("process_virtual_memory_bytes", "gauge", "Virtual memory."),
    ("process_open_fds", "gauge", "Open file descriptors."),
    ("process_max_fds", "gauge", "Maximum number of open file descriptors."),
    ("process_threads", "gauge", "Number of operating system threads."),
];

/// Clock ticks a second in `/proc/PID/stat`: Linux uses this value in user space on all supported architectures.
const USER_HZ: f64 = 100.0;

/// All process metrics in the Prometheus text format.
pub fn render() -> String {
    let values = [cpu_seconds(), status("VmRSS:"), status("VmSize:"), open_files(), most_files(), status("Threads:")];
    let mut text = String::new();
    for ((name, kind, help), value) in METRICS.iter().zip(values) {
        if let Some(value) = value {
            // Writing to a string can't fail.
            let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n\n");
        }
    }
    text
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the program's name in parentheses, which may contain spaces; utime and stime are 14 and 15.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_ascii_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().ok());
    Some((times.next()?? + times.next()??) / USER_HZ)
}

/// A number from `/proc/self/status`; kilobytes are converted to bytes.
fn status(name: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let mut words = line.split_ascii_whitespace();
    let number: f64 = words.next()?.parse().ok()?;
    Some(if words.next() == Some("kB") { number * 1024.0 } else { number })
}

fn open_files() -> Option<f64> {
    // One of them is the listing itself.
    let open = fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1);
    Some(f64::from(u32::try_from(open).ok()?))
}

/// The limit of open file descriptors of this process. `None`: unlimited or unknown.
pub fn most_files() -> Option<f64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn process_metrics_are_plausible() {
        let text = render();
        let value = |name: &str| -> f64 {
            let line = text.lines().find(|line| line.starts_with(name) && !line.starts_with('#')).unwrap();
            line.rsplit(' ').next().unwrap().parse().unwrap()
        };
        assert!(value("process_resident_memory_bytes ") > 1024.0 * 1024.0);
        assert!(value("process_virtual_memory_bytes ") >= value("process_resident_memory_bytes "));
        assert!(value("process_open_fds ") >= 3.0);
        assert!(value("process_max_fds ") >= value("process_open_fds "));
        assert!(value("process_threads ") >= 1.0);
        assert!(value("process_cpu_seconds_total ") >= 0.0);
        assert_eq!(text.matches("# TYPE ").count(), METRICS.len());
    }
}
