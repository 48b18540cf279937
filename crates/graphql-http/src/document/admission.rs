//! Checks before execution, the same for every transport: find the document, check its cost, validate it, select the
//! operation, validate its arguments.

use std::sync::Arc;

use async_graphql::{
    Request,
    parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition, OperationType},
};

use crate::{
    document::{
        arguments, descriptions, hoist,
        inputs::Inputs,
        known::DocumentCache,
        limits, merging,
        nulls::SchemaTypes,
        order::{self, Conditions},
        persisted::{Documents, FoundDocument},
        roots::{self, RootField},
        tokens, typename,
        variables::VariableValues,
    },
    limit::DocumentLimits,
    refusal::{Code, Refusal},
    request::GraphqlRequest,
};

/// Admits documents to execution.
pub(crate) struct Admission {
    documents: Documents,
    limits: DocumentLimits,
    introspection: bool,
    known: DocumentCache,
    inputs: Inputs,
    shapes: Arc<SchemaTypes>,
}

/// An operation whose document was parsed and is within the limits.
pub struct Operation {
    /// What is passed to the executor. Its data is available to resolvers.
    pub request: Request,
    /// Query, mutation or subscription.
    pub kind: OperationType,
    /// Its root fields, for metrics.
    pub roots: Vec<RootField>,
    /// The parsed document, for processing the response.
    pub(crate) document: Arc<ExecutableDocument>,
    /// Determines which selections are skipped.
    pub(crate) conditions: Conditions,
}

impl Admission {
    pub fn new(
        documents: Documents,
        limits: DocumentLimits,
        introspection: bool,
        inputs: Inputs,
        shapes: Arc<SchemaTypes>,
    ) -> Self {
        Self { documents, limits, introspection, known: DocumentCache::default(), inputs, shapes }
    }

    /// Converts the parameters of a request to an operation that can be executed.
    ///
    /// # Errors
    /// The refusal to respond with; nothing was executed.
    pub fn admit(&self, mut ask: GraphqlRequest) -> Result<Operation, Refusal> {
        let found = self.documents.find(&mut ask)?;
        let document = match self.known.get(&found.text) {
            Some(known) => known,
            None => self.read(&found)?,
        };
        let operation = choose(&document, ask.operation_name.as_deref())?;
        let kind = operation.ty;
        let roots = roots::roots(&document, &operation.selection_set.node);
        let given = VariableValues::new(operation, &ask.variables)?;
        let conditions = Conditions::of(operation, &given);
        hoist::require_not_skipped(operation, &given)?;
        arguments::validate(&self.inputs, &document, operation, &given)?;
        self.documents.keep(&found);
        let mut request = Request::new(&*found.text).variables(ask.variables);
        request.operation_name = ask.operation_name;
        if !self.introspection {
            request = request.disable_introspection();
        }
        request.set_parsed_query(ExecutableDocument::clone(&document));
        Ok(Operation { request, kind, roots, document, conditions })
    }

    /// Parses a document and checks the limits.
    fn read(&self, found: &FoundDocument) -> Result<Arc<ExecutableDocument>, Refusal> {
        if !found.trusted {
            let bytes = found.text.len();
            if bytes > self.limits.bytes.most {
                return Err(Refusal::too_complex("size in bytes", self.limits.bytes, bytes));
            }
            tokens::count(&found.text, self.limits.tokens)?;
        }
        let mut document = descriptions::parse(&found.text).map_err(|error| syntax_error(&error))?;
        if !found.trusted {
            let weighed = limits::analyze(&document, &self.limits)?;
            if weighed.introspects && !self.introspection {
                return Err(Refusal::document(Code::Forbidden, "Introspection is disabled."));
            }
        }
        typename::check(&document)?;
        merging::check(&document, &self.shapes)?;
        if let Some(root) = self.inputs.root(OperationType::Subscription) {
            hoist::hoist(&mut document, root);
        }
        order::mark(&mut document, &self.shapes);
        let document = Arc::new(document);
        self.known.keep(&found.text, &document);
        Ok(document)
    }
}

/// Selects the operation of a request (specification, section 6.1, `GetOperation`).
pub fn choose<'a>(document: &'a ExecutableDocument, name: Option<&str>) -> Result<&'a OperationDefinition, Refusal> {
    let operation = match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Some(operation),
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => operations.values().next(),
        (DocumentOperations::Multiple(_), None) => {
            let message = "The document has several operations: select one with operationName.";
            return Err(Refusal::document(Code::BadRequest, message));
        }
        (DocumentOperations::Single(_), Some(_)) => None,
    };
    let unknown = || Refusal::document(Code::BadRequest, "The document has no operation with this operationName.");
    operation.map(|operation| &operation.node).ok_or_else(unknown)
}

/// The refusal of a syntax error, with its position and what the parser expected there. The rest of the parser's message
/// shows the source line, which may contain a secret.
fn syntax_error(error: &async_graphql::parser::Error) -> Refusal {
    let position = error.positions().next();
    let place = position.map_or_else(String::new, |at| format!(" at line {}, column {}", at.line, at.column));
    let message = match error {
        async_graphql::parser::Error::Syntax { message, .. } => match expected(message) {
            Some(expected) => format!("Syntax error{place}: expected {expected}."),
            None => format!("Syntax error{place}."),
        },
        other => format!("Syntax error{place}: {other}."),
    };
    Refusal { position, ..Refusal::document(Code::BadRequest, message) }
}

/// What the parser expected, from the last line of its message: names of its rules.
fn expected(message: &str) -> Option<String> {
    let rules = message.lines().last()?.trim().strip_prefix("= expected ")?;
    Some(rules.replace("EOI", "the end of the document").replace('_', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str, name: Option<&str>) -> Result<OperationType, &'static str> {
        let document = async_graphql::parser::parse_query(text).unwrap();
        choose(&document, name).map(|operation| operation.ty).map_err(|refusal| refusal.code.as_str())
    }

    #[test]
    fn operation_is_selected_by_name() {
        let two = "query A {a} mutation B {b}";
        assert_eq!(kind("{a}", None), Ok(OperationType::Query));
        assert_eq!(kind(two, Some("B")), Ok(OperationType::Mutation));
        assert_eq!(kind("subscription S {a}", None), Ok(OperationType::Subscription));
        for (text, name) in [(two, None), (two, Some("C")), ("{a}", Some("A"))] {
            assert_eq!(kind(text, name), Err("BAD_REQUEST"));
        }
    }

    #[test]
    fn syntax_error_has_position_but_no_source_text() {
        let error = async_graphql::parser::parse_query("{ signIn(password: \"hunter2\" }").unwrap_err();
        let refusal = syntax_error(&error);
        assert!(refusal.message.starts_with("Syntax error at line 1, column"), "{}", refusal.message);
        assert!(refusal.message.contains(": expected "), "{}", refusal.message);
        assert!(!refusal.message.contains("hunter2"));
    }
}
