//! Reports as JSON, as a chart, and as a Markdown table.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::{Value, json};

use crate::stats::PERCENTILES;

/// Output files.
#[derive(Args)]
pub struct Output {
    /// Name of the run in the table.
    #[arg(long, default_value = "")]
    name: String,
    /// File for the results in JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// File for the chart of the latency distribution in SVG.
    #[arg(long)]
    svg: Option<PathBuf>,
}

impl Output {
    /// # Errors
    /// A file could not be written.
    pub fn write(&self, mut report: Value, chart: impl FnOnce(&str) -> String) -> Result<(), String> {
        let text = |value: &Value| serde_json::to_string_pretty(value).map_err(|error| error.to_string());
        if !self.name.is_empty() {
            report["name"] = json!(self.name);
        }
        println!("{}", text(&report)?);
        if let Some(file) = &self.json {
            save(file, &text(&report)?)?;
        }
        if let Some(file) = &self.svg {
            let machine = format!("{} ({} CPUs)", self.name, cpus());
            save(file, &chart(&machine))?;
        }
        Ok(())
    }
}

fn cpus() -> usize {
    // Of the machine: this process may be pinned to fewer.
    fs::read_to_string("/proc/cpuinfo").map_or(0, |text| text.matches("processor\t").count())
}

fn save(file: &Path, text: &str) -> Result<(), String> {
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}

/// A Markdown table of reports.
///
/// # Errors
/// A file can't be read, or contains no report.
pub fn table(files: &[PathBuf]) -> Result<String, String> {
    let mut table = "| run | ops/s | CPU ms/op | step | p50 ms | p90 ms | p99 ms | p99.9 ms | max ms | errors |\n\
                     |---|---:|---:|---|---:|---:|---:|---:|---:|---|\n"
        .to_owned();
    for file in files {
        let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let report: Value = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
        table.push_str(&rows(&report));
    }
    Ok(table)
}

fn rows(report: &Value) -> String {
    let figure =
        |value: &Value, digits: usize| value.as_f64().map_or(String::new(), |value| format!("{value:.digits$}"));
    let mut ahead = format!(
        "| {} | {} | {} ",
        report["name"].as_str().unwrap_or("?"),
        figure(&report["operations_per_second"], 0),
        figure(&report["cpu_ms_per_operation"], 3),
    );
    let errors = report["errors"].as_object().filter(|errors| !errors.is_empty());
    let mut errors = errors.map_or_else(|| "none".to_owned(), |errors| json!(errors).to_string());
    let mut rows = String::new();
    for (step, latency) in report["latency_ms"].as_object().into_iter().flatten() {
        let cells: Vec<_> = PERCENTILES.iter().map(|(name, _)| figure(&latency[*name], 2)).collect();
        rows.push_str(&format!("{ahead}| {step} | {} | {errors} |\n", cells.join(" | ")));
        (ahead, errors) = ("| | | ".to_owned(), String::new());
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_has_a_row_for_each_step() {
        let latency = json!({"p50": 1.0, "p90": 2.0, "p99": 3.0, "p999": 4.0, "max": 5.5});
        let report = json!({
            "name": "send", "operations_per_second": 1234.4, "cpu_ms_per_operation": 0.1,
            "errors": {}, "latency_ms": {"confirm": latency, "send": latency},
        });
        let rows = rows(&report);
        let lines: Vec<_> = rows.lines().collect();
        assert_eq!(lines[0], "| send | 1234 | 0.100 | confirm | 1.00 | 2.00 | 3.00 | 4.00 | 5.50 | none |");
        assert_eq!(lines[1], "| | | | send | 1.00 | 2.00 | 3.00 | 4.00 | 5.50 |  |");
    }
}
