//! What operations cost: CPU time of the server, of PostgreSQL and of the generator, and WAL.

use serde_json::{Value, json};

use crate::{
    database::Database,
    process::{Usage, tree_cpu_seconds},
};

/// A reading of all counters at one time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading {
    pub server: Usage,
    /// CPU time of PostgreSQL and its processes.
    postgres_seconds: Option<f64>,
    generator_seconds: f64,
    wal_bytes: Option<u64>,
}

impl Reading {
    /// # Errors
    /// A process has ended, or the database does not answer.
    pub async fn take(pids: &[u32], postgres: Option<u32>, database: Option<&mut Database>) -> Result<Self, String> {
        let wal_bytes = match database {
            Some(database) => Some(database.wal_bytes().await?),
            None => None,
        };
        Ok(Self {
            server: Usage::of(pids)?,
            postgres_seconds: postgres.map(tree_cpu_seconds).transpose()?,
            generator_seconds: Usage::of(&[std::process::id()])?.cpu_seconds,
            wal_bytes,
        })
    }

    /// The costs between an earlier reading and this one, divided by the number of operations. A figure is null if it was
    /// not measured, or without operations.
    pub fn since(&self, before: &Self, operations: u64) -> Vec<(&'static str, Value)> {
        let each = |sum: f64| (operations > 0).then(|| sum / operations as f64);
        let millis = |from: Option<f64>, to: Option<f64>| Some(each(to? - from?)? * 1000.0);
        let server = self.server.cpu_seconds - before.server.cpu_seconds;
        let generator = millis(Some(before.generator_seconds), Some(self.generator_seconds));
        let wal = self.wal_bytes.zip(before.wal_bytes).map(|(to, from)| to.saturating_sub(from) as f64);
        vec![
            ("cpu_ms_per_operation", json!(each(server * 1000.0))),
            ("cpu_seconds", json!(server)),
            ("postgres_cpu_ms_per_operation", json!(millis(before.postgres_seconds, self.postgres_seconds))),
            ("generator_cpu_ms_per_operation", json!(generator)),
            ("wal_bytes_per_operation", json!(wal.and_then(each))),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(seconds: f64, wal_bytes: Option<u64>) -> Reading {
        let server = Usage { cpu_seconds: seconds, ..Usage::default() };
        Reading { server, postgres_seconds: Some(seconds * 2.0), generator_seconds: seconds * 3.0, wal_bytes }
    }

    #[test]
    fn costs_are_differences_divided_by_operations() {
        let costs = reading(3.0, Some(9000)).since(&reading(1.0, Some(1000)), 4000);
        let cost = |name: &str| costs.iter().find(|(key, _)| *key == name).unwrap().1.clone();
        assert_eq!(cost("cpu_ms_per_operation"), 0.5);
        assert_eq!(cost("postgres_cpu_ms_per_operation"), 1.0);
        assert_eq!(cost("generator_cpu_ms_per_operation"), 1.5);
        assert_eq!(cost("wal_bytes_per_operation"), 2.0);
    }

    #[test]
    fn what_was_not_measured_is_null() {
        let costs = reading(3.0, None).since(&reading(1.0, None), 10);
        assert!(costs.contains(&("wal_bytes_per_operation", Value::Null)));
        let costs = reading(3.0, Some(1)).since(&reading(1.0, Some(0)), 0);
        assert!(costs.contains(&("cpu_ms_per_operation", Value::Null)));
    }
}
