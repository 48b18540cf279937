//! Checks before execution, the same for every transport: find the document, check its cost, validate it, select the
//! operation, validate its arguments.

use std::sync::Arc;

use async_graphql::{
    Request,
    parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition, OperationType},
};

use crate::http::graphql::{
    arguments, descriptions, hoist,
    inputs::Inputs,
    known::Known,
    limits, merging,
    nulls::Shapes,
    order::{self, Conditions},
    persisted::{Documents, Found, Kept, Trusted},
    refusal::{Code, Refusal},
    request::Ask,
    tally::{self, Root},
    tokens, typename,
    variables::Given,
};
use platform::config::http::{DocumentLimits, Http};

/// Admits documents to execution.
pub struct Admission {
    limits: DocumentLimits,
    introspection: bool,
    documents: Documents,
    known: Known,
    inputs: Inputs,
    shapes: Arc<Shapes>,
}

/// A request whose document was parsed and is within the limits.
pub struct Operation {
    pub request: Request,
    pub kind: OperationType,
    /// Its root fields, for the metrics.
    pub roots: Vec<Root>,
    /// The parsed document, for processing the response.
    pub document: Arc<ExecutableDocument>,
    /// Determines which selections are skipped.
    pub conditions: Conditions,
}

impl Admission {
    /// # Errors
    /// A message for the operator if the manifest of trusted documents can't be used.
    pub fn new(settings: &Http, inputs: Inputs, shapes: Arc<Shapes>) -> Result<Self, String> {
        let documents = match (&settings.trusted_documents, settings.persisted_queries) {
            (Some(path), _) => {
                Documents::Trusted(Trusted::load(path).map_err(|reason| format!("TRUSTED_DOCUMENTS: {reason}"))?)
            }
            (None, Some(most)) => Documents::Kept(Kept::new(most)),
            (None, None) => Documents::Spelt,
        };
        Ok(Self {
            limits: settings.document.clone(),
            introspection: settings.introspection,
            documents,
            known: Known::default(),
            inputs,
            shapes,
        })
    }

    /// Converts the parameters of a request to an operation that can be executed.
    ///
    /// # Errors
    /// The refusal to respond with; nothing was executed.
    pub fn admit(&self, ask: Ask) -> Result<Operation, Refusal> {
        self.check(ask).inspect_err(|refusal| tally::refused(refusal.code))
    }

    fn check(&self, mut ask: Ask) -> Result<Operation, Refusal> {
        let found = self.documents.find(&mut ask)?;
        let document = match self.known.get(&found.text) {
            Some(known) => known,
            None => self.read(&found)?,
        };
        let operation = choose(&document, ask.operation_name.as_deref())?;
        let kind = operation.ty;
        let roots = tally::roots(&document, &operation.selection_set.node);
        let given = Given::new(operation, &ask.variables)?;
        let conditions = Conditions::of(operation, &given);
        hoist::wanted(operation, &given)?;
        arguments::judge(&self.inputs, &document, operation, &given)?;
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
    fn read(&self, found: &Found) -> Result<Arc<ExecutableDocument>, Refusal> {
        if !found.trusted {
            let bytes = found.text.len();
            if bytes > self.limits.bytes {
                return Err(Refusal::too_complex("size in bytes", Some("MAX_DOCUMENT"), self.limits.bytes, bytes));
            }
            tokens::count(&found.text, self.limits.tokens)?;
        }
        let mut document = descriptions::parse(&found.text).map_err(|error| syntax_error(&error))?;
        if !found.trusted {
            let weighed = limits::weigh(&document, &self.limits)?;
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

/// The refusal of a syntax error, with its position. The parser's message shows the source line, which may contain a
/// secret.
fn syntax_error(error: &async_graphql::parser::Error) -> Refusal {
    let position = error.positions().next();
    let place = position.map_or_else(String::new, |at| format!(" at line {}, column {}", at.line, at.column));
    let message = match error {
        async_graphql::parser::Error::Syntax { .. } => format!("Syntax error{place}."),
        other => format!("Syntax error{place}: {other}."),
    };
    Refusal { position, ..Refusal::document(Code::BadRequest, message) }
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
        assert!(refusal.message.starts_with("Syntax error at line 1, column"));
        assert!(!refusal.message.contains("hunter2"));
    }
}
