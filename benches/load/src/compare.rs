//! Compares servers that ran in turn: medians over the rounds, and the ratios of the product to the others.

use std::{collections::BTreeSet, path::PathBuf};

use clap::Args;
use serde_json::Value;

use crate::report::{figure, read};

/// The server whose ratios to the others are shown.
const PRODUCT: &str = "product";
/// Costs and rates: what a figure is called in the table, its place in a report, and its decimals.
const FIGURES: [(&str, &str, usize); 5] = [
    ("sustained per second", "/sustained_per_second", 0),
    ("accepted per second", "/operations_per_second", 0),
    ("server CPU ms per operation", "/cpu_ms_per_operation", 3),
    ("PostgreSQL CPU ms per operation", "/postgres_cpu_ms_per_operation", 3),
    ("WAL bytes per operation", "/wal_bytes_per_operation", 0),
];
/// Figures that may be next to zero, so that ratios mean nothing.
const DELAYS: [(&str, &str, usize); 5] = [
    ("left after ms p50", "/left_after_ms/p50", 2),
    ("left after ms p99", "/left_after_ms/p99", 2),
    ("backlog after the last operation", "/backlog", 0),
    ("settled after the last operation ms", "/settled/after_last_operation_ms", 0),
    ("generator late ms p99", "/begun_late_ms/p99", 2),
];

/// Prints medians of several reports for each server, and ratios, as a Markdown table.
#[derive(Args)]
pub struct Compare {
    /// What was measured.
    #[arg(long)]
    title: String,
    /// A server and the report of one of its runs, NAME=FILE. Ratios are those of `product` to each other server.
    #[arg(long = "report", required = true, value_parser = pair)]
    reports: Vec<(String, PathBuf)>,
}

/// The reports of one server.
struct Peer {
    name: String,
    reports: Vec<Value>,
}

impl Compare {
    /// # Errors
    /// A file can't be read, or contains no report.
    pub fn go(self) -> Result<(), String> {
        let mut peers: Vec<Peer> = Vec::new();
        for (name, file) in self.reports {
            let report = read(&file)?;
            match peers.iter_mut().find(|peer| peer.name == name) {
                Some(peer) => peer.reports.push(report),
                None => peers.push(Peer { name, reports: vec![report] }),
            }
        }
        print!("{}", table(&self.title, &peers));
        Ok(())
    }
}

fn pair(text: &str) -> Result<(String, PathBuf), String> {
    let (name, file) = text.split_once('=').ok_or("expected NAME=FILE")?;
    Ok((name.to_owned(), PathBuf::from(file)))
}

fn table(title: &str, peers: &[Peer]) -> String {
    let others: Vec<&Peer> = peers.iter().filter(|peer| peer.name != PRODUCT).collect();
    let product = peers.iter().find(|peer| peer.name == PRODUCT);
    let rounds = peers.iter().map(|peer| peer.reports.len()).max().unwrap_or(0);
    let heads = peers.iter().map(Peer::head);
    let ratios = others.iter().map(|other| format!("{PRODUCT}/{}", other.name));
    let columns: Vec<_> = heads.chain(ratios).collect();
    let mut table = format!("| {title}: medians of {rounds} | {} |\n", columns.join(" | "));
    table.push_str(&format!("|---|{}\n", "---:|".repeat(columns.len())));
    for Row { label, path, digits, has_ratio } in rows(peers) {
        let medians: Vec<_> = peers.iter().map(|peer| peer.median(&path)).collect();
        if medians.iter().all(Option::is_none) {
            continue;
        }
        let own = product.filter(|_| has_ratio).and_then(|product| product.median(&path));
        let ratios = others.iter().map(|other| ratio(own, other.median(&path)));
        let cells = medians.iter().map(|median| cell(*median, digits)).chain(ratios.map(|ratio| cell(ratio, 2)));
        table.push_str(&format!("| {label} | {} |\n", cells.collect::<Vec<_>>().join(" | ")));
    }
    let errors: Vec<_> = peers.iter().map(|peer| peer.errors().to_string()).collect();
    table.push_str(&format!("| errors in all rounds | {} |{}\n", errors.join(" | "), " |".repeat(others.len())));
    table
}

/// A row of the table.
struct Row {
    label: String,
    path: String,
    digits: usize,
    has_ratio: bool,
}

/// The figures, and the percentiles of each step that occurs in a report.
fn rows(peers: &[Peer]) -> Vec<Row> {
    let row = |(label, path, digits): &(&str, &str, usize), has_ratio: bool| Row {
        label: (*label).to_owned(),
        path: (*path).to_owned(),
        digits: *digits,
        has_ratio,
    };
    let mut rows: Vec<_> = FIGURES.iter().map(|figure| row(figure, true)).collect();
    let reports = peers.iter().flat_map(|peer| &peer.reports);
    let latencies = reports.filter_map(|report| report["latency_ms"].as_object());
    for step in latencies.flat_map(|latencies| latencies.keys()).collect::<BTreeSet<_>>() {
        for percentile in ["p50", "p99"] {
            let (label, path) = (format!("{step} ms {percentile}"), format!("/latency_ms/{step}/{percentile}"));
            rows.push(row(&(&label, &path, 2), true));
        }
    }
    rows.extend(DELAYS.iter().map(|figure| row(figure, false)));
    rows
}

impl Peer {
    /// The name, with the hash of the sources if the reports have it.
    fn head(&self) -> String {
        let sources = self.reports.first().and_then(|report| report["sources_sha256"].as_str());
        sources.map_or_else(|| self.name.clone(), |sources| format!("{} ({sources})", self.name))
    }

    /// `None` if a report lacks the figure: a median of the others would hide a failed round.
    fn median(&self, path: &str) -> Option<f64> {
        let figures: Option<Vec<_>> =
            self.reports.iter().map(|report| report.pointer(path).and_then(Value::as_f64)).collect();
        median(figures?)
    }

    fn errors(&self) -> u64 {
        let kinds = self.reports.iter().filter_map(|report| report["errors"].as_object());
        kinds.flat_map(|kinds| kinds.values()).filter_map(Value::as_u64).sum()
    }
}

fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() % 2 {
        1 => figures.get(middle).copied(),
        _ => Some(f64::midpoint(*figures.get(middle.checked_sub(1)?)?, *figures.get(middle)?)),
    }
}

fn ratio(own: Option<f64>, other: Option<f64>) -> Option<f64> {
    let other = other.filter(|other| *other > 0.0)?;
    Some(own? / other)
}

fn cell(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| figure(&value.into(), digits))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn peer(name: &str, rates: &[Option<f64>]) -> Peer {
        let report = |rate: &Option<f64>| {
            json!({
                "sustained_per_second": rate,
                "sources_sha256": if name == "baseline" { json!("abc") } else { Value::Null },
                "errors": {"timed_out": 2},
                "latency_ms": {"send": {"p50": 1.0, "p99": 9.0}},
                "backlog": 7,
            })
        };
        Peer { name: name.to_owned(), reports: rates.iter().map(report).collect() }
    }

    #[test]
    fn median_is_the_middle_or_the_mean_of_both() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0]), Some(2.5));
        assert_eq!(median(vec![]), None);
    }

    #[test]
    fn table_has_medians_and_ratios_of_the_product() {
        let peers = [peer("baseline", &[Some(100.0), Some(400.0), Some(200.0)]), peer("product", &[Some(500.0)])];
        let table = table("send", &peers);
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines[0], "| send: medians of 3 | baseline (abc) | product | product/baseline |");
        assert_eq!(lines[1], "|---|---:|---:|---:|");
        assert_eq!(lines[2], "| sustained per second | 200 | 500 | 2.50 |");
        assert_eq!(lines[3], "| send ms p50 | 1.00 | 1.00 | 1.00 |");
        assert_eq!(lines[4], "| send ms p99 | 9.00 | 9.00 | 1.00 |");
        assert_eq!(lines[5], "| backlog after the last operation | 7 | 7 | – |");
        assert_eq!(lines[6], "| errors in all rounds | 6 | 2 | |");
        assert_eq!(lines.len(), 7);
    }

    #[test]
    fn round_without_a_figure_is_not_left_out_of_the_median() {
        let peers = [peer("baseline", &[Some(100.0), None]), peer("product", &[Some(500.0)])];
        assert!(table("send", &peers).contains("| sustained per second | – | 500 | – |"));
    }

    #[test]
    fn report_needs_a_name() {
        assert_eq!(pair("yoga=a=b.json").unwrap(), ("yoga".to_owned(), PathBuf::from("a=b.json")));
        assert!(pair("a.json").is_err());
    }
}
