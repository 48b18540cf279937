//! Metrics of operations: each root field with its outcome, and the duration of the whole operation.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Name, PathSegment, Response, ServerError, Value, parser::types::OperationType};
use graphql_http::{Code, RootField, SchemaTypes, error_code};
use tokio::time::Instant;

use crate::graphql::outcomes::Outcomes;
use platform::telemetry::metrics;

/// Label for documents that were refused before parsing, and for unknown fields. Names chosen by clients are not used
/// as labels, because their number is unlimited.
const NONE: &str = "none";
/// Label for introspection fields.
const INTROSPECTION: &str = "introspection";

/// The names of all root fields of the schema: the closed set of labels.
#[derive(Debug, Default)]
pub struct Labels([HashMap<String, Arc<str>>; 3]);

/// The measurement of one operation.
pub struct OperationMetrics {
    roots: Vec<(Name, metrics::Operation)>,
    outcomes: Outcomes,
    started: Instant,
}

impl Labels {
    pub fn read(schema_types: &SchemaTypes) -> Self {
        let kinds = [OperationType::Query, OperationType::Mutation, OperationType::Subscription];
        Self(kinds.map(|kind| schema_types.root_fields(kind).map(|name| (name.to_owned(), name.into())).collect()))
    }

    fn of(&self, kind: OperationType, field: &str) -> metrics::Operation {
        let Self([queries, mutations, subscriptions]) = self;
        let names = match kind {
            OperationType::Query => queries,
            OperationType::Mutation => mutations,
            OperationType::Subscription => subscriptions,
        };
        match names.get(field) {
            Some(name) => metrics::Operation::from(Arc::clone(name)),
            None if field.starts_with("__") => metrics::Operation::from(INTROSPECTION),
            None => metrics::Operation::from(NONE),
        }
    }
}

/// Counts a document that was refused before execution.
pub fn refused(code: Code) {
    metrics::request_refused(NONE.into(), code.as_str());
}

/// Counts an operation that was refused by load shedding.
pub fn shed(labels: &Labels, kind: OperationType, roots: &[RootField]) {
    for root in roots {
        metrics::request_refused(labels.of(kind, &root.field), Code::Unavailable.as_str());
    }
}

impl OperationMetrics {
    /// Starts the measurement. Resolvers record their refusals in `outcomes`.
    pub fn begin(labels: &Labels, kind: OperationType, roots: &[RootField], outcomes: Outcomes) -> Self {
        let roots = roots.iter().map(|root| (root.key.clone(), labels.of(kind, &root.field))).collect();
        Self { roots, outcomes, started: Instant::now() }
    }

    /// The metric labels of its root fields.
    pub fn names(&self) -> String {
        let names: Vec<&str> = self.roots.iter().map(|(_, operation)| &**operation).collect();
        names.join(",")
    }

    /// Counts an operation that was admitted and then refused by load shedding.
    pub fn shed(self) {
        for (_, operation) in self.roots {
            metrics::request_refused(operation, Code::Unavailable.as_str());
        }
    }

    /// Records the outcome of the operation.
    pub fn close(self, response: &Response) {
        let took = self.started.elapsed();
        for (key, operation) in self.roots {
            let failed = response.errors.iter().find(|error| is_of(error, &key));
            // If the whole data is null, the error of another field has propagated to the root.
            let failed = failed.or_else(|| response.errors.first().filter(|_| response.data == Value::Null));
            let outcome = match (failed, &response.data) {
                (Some(error), _) => Code::known(error_code(error)),
                // Skipped by a directive.
                (None, Value::Object(fields)) if !fields.contains_key(&key) => continue,
                (None, _) => self.outcomes.refusal(&key).unwrap_or("ok"),
            };
            metrics::request(operation, outcome, took);
        }
    }
}

/// Whether an error belongs to the field with this key. Errors without a path occurred before execution and belong to
/// all fields.
fn is_of(error: &ServerError, key: &Name) -> bool {
    match error.path.first() {
        Some(PathSegment::Field(field)) => field.as_str() == key.as_str(),
        Some(PathSegment::Index(_)) => false,
        None => true,
    }
}
