//! What is counted of an operation: each of its root fields, with what became of it and how long the whole took.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{
    Name, PathSegment, Response, ServerError, Value,
    parser::types::{ExecutableDocument, OperationType, Selection, SelectionSet},
};
use tokio::time::Instant;

use crate::{
    graphql::outcomes::Outcomes,
    http::graphql::{nulls::Shapes, refusal::Code, response},
    telemetry::metrics,
};

/// What is counted where a document was refused before it named anything, or names what there is not: clients can make
/// up any number of names.
const NONE: &str = "none";
/// Fields of the specification's own.
const INTROSPECTION: &str = "introspection";
/// Fragments in fragments at the root, which limits on depth bound already.
const DEEPEST: usize = 8;

/// A root field of an operation: its key in the answer, and its name.
#[derive(Clone, Debug)]
pub struct Root {
    key: Name,
    field: Name,
}

/// The names of all root fields there are: the closed list of labels.
#[derive(Debug, Default)]
pub struct Labels([HashMap<String, Arc<str>>; 3]);

/// One operation that is being counted.
pub struct Tally {
    roots: Vec<(Name, metrics::Operation)>,
    outcomes: Outcomes,
    started: Instant,
}

impl Labels {
    pub fn read(shapes: &Shapes) -> Self {
        let kinds = [OperationType::Query, OperationType::Mutation, OperationType::Subscription];
        Self(kinds.map(|kind| shapes.root_fields(kind).map(|name| (name.to_owned(), name.into())).collect()))
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

/// The root fields of an operation, those in fragments included.
pub fn roots(document: &ExecutableDocument, set: &SelectionSet) -> Vec<Root> {
    let mut found = Vec::new();
    gather(document, set, DEEPEST, &mut found);
    found
}

fn gather(document: &ExecutableDocument, set: &SelectionSet, deepest: usize, found: &mut Vec<Root>) {
    let Some(deepest) = deepest.checked_sub(1) else { return };
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => {
                let key = field.node.response_key().node.clone();
                found.push(Root { key, field: field.node.name.node.clone() });
            }
            Selection::InlineFragment(inline) => {
                gather(document, &inline.node.selection_set.node, deepest, found);
            }
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                    gather(document, &fragment.node.selection_set.node, deepest, found);
                }
            }
        }
    }
}

/// Counts a document that was refused before it was executed.
pub fn refused(code: Code) {
    metrics::request_refused(NONE.into(), code.as_str());
}

/// Counts an operation that was not begun, for want of room.
pub fn turned_away(labels: &Labels, kind: OperationType, roots: &[Root]) {
    for root in roots {
        metrics::request_refused(labels.of(kind, &root.field), Code::Unavailable.as_str());
    }
}

impl Tally {
    /// Begins to count. `outcomes` is what the resolvers note their refusals in.
    pub fn begin(labels: &Labels, kind: OperationType, roots: &[Root], outcomes: Outcomes) -> Self {
        let roots = roots.iter().map(|root| (root.key.clone(), labels.of(kind, &root.field))).collect();
        Self { roots, outcomes, started: Instant::now() }
    }

    /// The names of its root fields, as they are counted.
    pub fn names(&self) -> String {
        let names: Vec<&str> = self.roots.iter().map(|(_, operation)| &**operation).collect();
        names.join(",")
    }

    /// Counts an operation that was let in and then not begun, for want of room.
    pub fn turned_away(self) {
        for (_, operation) in self.roots {
            metrics::request_refused(operation, Code::Unavailable.as_str());
        }
    }

    /// Counts what was answered.
    pub fn close(self, answer: &Response) {
        let took = self.started.elapsed();
        for (key, operation) in self.roots {
            let failed = answer.errors.iter().find(|error| is_of(error, &key));
            // Where the answer as a whole is null, another field's error took this one with it.
            let failed = failed.or_else(|| answer.errors.first().filter(|_| answer.data == Value::Null));
            let outcome = match (failed, &answer.data) {
                (Some(error), _) => Code::known(response::code(error)),
                // Left out by a directive.
                (None, Value::Object(fields)) if !fields.contains_key(&key) => continue,
                (None, _) => self.outcomes.refusal(&key).unwrap_or("ok"),
            };
            metrics::request(operation, outcome, took);
        }
    }
}

/// Whether an error is of the field with this key; one without a path came before execution, and is everybody's.
fn is_of(error: &ServerError, key: &Name) -> bool {
    match error.path.first() {
        Some(PathSegment::Field(field)) => field.as_str() == key.as_str(),
        Some(PathSegment::Index(_)) => false,
        None => true,
    }
}
