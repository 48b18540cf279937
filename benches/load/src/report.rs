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

/// The fields of a report, in the order in which they are printed.
pub type Fields = Vec<(&'static str, Value)>;

impl Output {
    /// # Errors
    /// A file could not be written.
    pub fn write(&self, report: Fields, chart: impl FnOnce(&str) -> String) -> Result<(), String> {
        let name = (!self.name.is_empty()).then(|| ("name", json!(self.name)));
        let text = pretty(name.into_iter().chain(report))?;
        println!("{text}");
        if let Some(file) = &self.json {
            save(file, &text)?;
        }
        if let Some(file) = &self.svg {
            let machine = format!("{} ({} CPUs)", self.name, cpus());
            save(file, &chart(&machine))?;
        }
        Ok(())
    }
}

/// A JSON object. Unlike a `Value`, it keeps the order of the fields.
fn pretty(fields: impl Iterator<Item = (&'static str, Value)>) -> Result<String, String> {
    let mut lines = Vec::new();
    for (name, value) in fields {
        let value = serde_json::to_string_pretty(&value).map_err(|error| error.to_string())?;
        lines.push(format!("  \"{name}\": {}", value.replace('\n', "\n  ")));
    }
    Ok(format!("{{\n{}\n}}", lines.join(",\n")))
}

fn cpus() -> usize {
    // Of the machine: this process may be pinned to fewer.
    fs::read_to_string("/proc/cpuinfo").map_or(0, |text| text.matches("processor\t").count())
}

fn save(file: &Path, text: &str) -> Result<(), String> {
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}

/// Reads a report from its file.
///
/// # Errors
/// The file can't be read, or contains no report.
pub fn read(file: &Path) -> Result<Value, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))
}

/// A number with so many decimals; empty if there is none.
pub fn figure(value: &Value, digits: usize) -> String {
    value.as_f64().map_or(String::new(), |value| format!("{value:.digits$}"))
}

/// Columns of the table with one figure for each run: heading, place in the report, decimals.
const COLUMNS: [(&str, &str, usize); 8] = [
    ("sustained/s", "/sustained_per_second", 0),
    ("accepted/s", "/operations_per_second", 0),
    ("late p99 ms", "/begun_late_ms/p99", 2),
    ("CPU ms/op", "/cpu_ms_per_operation", 3),
    ("PostgreSQL CPU ms/op", "/postgres_cpu_ms_per_operation", 3),
    ("WAL B/op", "/wal_bytes_per_operation", 0),
    ("left after p99 ms", "/left_after_ms/p99", 2),
    ("backlog", "/backlog", 0),
];

/// A Markdown table of reports.
///
/// # Errors
/// A file can't be read, or contains no report.
pub fn table(files: &[PathBuf]) -> Result<String, String> {
    let headings: Vec<_> = COLUMNS.iter().map(|(heading, ..)| *heading).collect();
    let mut table = format!(
        "| run | {} | step | p50 ms | p90 ms | p99 ms | p99.9 ms | max ms | errors |\n|---|{}---|{}---|\n",
        headings.join(" | "),
        "---:|".repeat(headings.len()),
        "---:|".repeat(PERCENTILES.len()),
    );
    for file in files {
        table.push_str(&rows(&read(file)?));
    }
    Ok(table)
}

fn rows(report: &Value) -> String {
    let cells = COLUMNS.iter().map(|(_, path, digits)| figure(report.pointer(path).unwrap_or(&Value::Null), *digits));
    let cells: Vec<_> = cells.collect();
    let mut ahead = format!("| {} | {} ", report["name"].as_str().unwrap_or("?"), cells.join(" | "));
    let errors = report["errors"].as_object().filter(|errors| !errors.is_empty());
    let mut errors = errors.map_or_else(|| "none".to_owned(), |errors| json!(errors).to_string());
    let mut rows = String::new();
    for (step, latency) in report["latency_ms"].as_object().into_iter().flatten() {
        let cells: Vec<_> = PERCENTILES.iter().map(|(name, _)| figure(&latency[*name], 2)).collect();
        rows.push_str(&format!("{ahead}| {step} | {} | {errors} |\n", cells.join(" | ")));
        (ahead, errors) = ("| ".repeat(COLUMNS.len() + 1), String::new());
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
            "name": "send", "sustained_per_second": 1000.2, "operations_per_second": 1234.4,
            "cpu_ms_per_operation": 0.1, "left_after_ms": {"p99": 7.0}, "backlog": 3,
            "errors": {}, "latency_ms": {"confirm": latency, "send": latency},
        });
        let rows = rows(&report);
        let lines: Vec<_> = rows.lines().collect();
        let figures = "1000 | 1234 |  | 0.100 |  |  | 7.00 | 3";
        assert_eq!(lines[0], format!("| send | {figures} | confirm | 1.00 | 2.00 | 3.00 | 4.00 | 5.50 | none |"));
        assert_eq!(lines[1], "| | | | | | | | | | send | 1.00 | 2.00 | 3.00 | 4.00 | 5.50 |  |");
    }

    #[test]
    fn report_keeps_the_order_of_its_fields_and_is_json() {
        let fields: Fields = vec![("z", json!({"b": [1, "x\ny"]})), ("a", Value::Null)];
        let text = pretty(fields.into_iter()).unwrap();
        assert!(text.find("\"z\"").unwrap() < text.find("\"a\"").unwrap(), "{text}");
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value, json!({"z": {"b": [1, "x\ny"]}, "a": null}));
    }
}
