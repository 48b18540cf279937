//! Converts results to JSON and a status.

use async_graphql::{PathSegment, Response, ServerError, Value};
use axum::http::StatusCode;
use serde::Serialize;

use crate::{negotiate::Media, refusal::Code};

/// Limits for the errors of one response: their number and total size in bytes.
const MAX_ERRORS: usize = 10;
const MAX_ERROR_BYTES: usize = 64 * 1024;
const MAX_MESSAGE_BYTES: usize = 1024;

/// A result, independent of the transport.
#[derive(Serialize)]
pub struct ExecutionResult {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ServerError>,
    /// None if execution has not started: the specification does not allow a `data` entry then.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    extensions: std::collections::BTreeMap<String, Value>,
}

impl ExecutionResult {
    /// Limits the errors, and adds a code to those without one.
    pub fn new(response: Response) -> Self {
        let mut errors = response.errors;
        // Errors of execution have the path of a field; errors without a path occurred before it.
        let executed =
            errors.is_empty() || response.data != Value::Null || errors.iter().any(|error| !error.path.is_empty());
        errors.truncate(MAX_ERRORS);
        for error in &mut errors {
            normalise(error);
        }
        while errors.len() > 1 && size(&errors) > MAX_ERROR_BYTES {
            errors.pop();
        }
        Self { errors, data: executed.then_some(response.data), extensions: response.extensions }
    }

    /// Whether execution has started.
    pub fn executed(&self) -> bool {
        self.data.is_some()
    }

    pub fn errors(&self) -> &[ServerError] {
        &self.errors
    }

    /// The status of this response in `media`; `fixed` is the status of a refusal, if it has one.
    pub fn status(&self, media: Media, fixed: Option<StatusCode>) -> StatusCode {
        let first = || self.errors.first().and_then(code).unwrap_or("BAD_REQUEST");
        match (fixed, media) {
            (Some(status), _) => status,
            (None, Media::GraphqlResponse) if !self.executed() => Code::status(first()),
            (None, _) => StatusCode::OK,
        }
    }

    /// The JSON of the response, for bodies, events and messages.
    pub fn to_json(&self) -> String {
        // Names and values come from JSON or the schema, so serialization does not fail.
        serde_json::to_string(self).unwrap_or_else(|_| r#"{"errors":[{"message":"Internal error."}]}"#.to_owned())
    }
}

/// The code of an error, if it has one.
pub fn code(error: &ServerError) -> Option<&str> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(code) => Some(code),
        _ => None,
    }
}

/// Errors of the library (unknown fields, values of wrong types) have no code, and are client errors; the services
/// always set one. Long messages contain text of the client.
fn normalise(error: &mut ServerError) {
    if code(error).is_none() {
        error.extensions.get_or_insert_default().set("code", Code::BadRequest.as_str());
    }
    if error.message.len() > MAX_MESSAGE_BYTES {
        error.message.truncate(error.message.floor_char_boundary(MAX_MESSAGE_BYTES));
        error.message.push('…');
    }
    error.locations.truncate(MAX_ERRORS);
}

/// Approximate size of the errors in bytes: parts that clients can make long are counted.
fn size(errors: &[ServerError]) -> usize {
    let path = |error: &ServerError| -> usize {
        let length = |segment: &PathSegment| match segment {
            PathSegment::Field(name) => name.len() + 3,
            PathSegment::Index(_) => 8,
        };
        error.path.iter().map(length).sum()
    };
    errors.iter().map(|error| error.message.len() + path(error) + 200).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gq_08_errors_are_limited_and_have_codes() {
        let errors = (0..5_000).map(|n| ServerError::new(format!("{n}{}", "x".repeat(5_000)), None)).collect();
        let result = ExecutionResult::new(Response::from_errors(errors));
        assert_eq!(result.errors().len(), 10);
        assert!(result.to_json().len() < MAX_ERROR_BYTES);
        assert!(result.errors().iter().all(|error| code(error) == Some("BAD_REQUEST")));
    }

    #[test]
    fn tr_05_data_entry_is_present_only_after_execution() {
        let before = ExecutionResult::new(Response::from_errors(vec![ServerError::new("no such field", None)]));
        assert!(!before.to_json().contains("\"data\""));
        let mut error = ServerError::new("failed", None);
        error.path = vec![PathSegment::Field("a".to_owned())];
        let during = ExecutionResult::new(Response::from_errors(vec![error]));
        assert!(during.to_json().contains("\"data\":null"));
        assert_eq!(before.status(Media::GraphqlResponse, None), 400);
        assert_eq!(before.status(Media::Json, None), 200);
        assert_eq!(during.status(Media::GraphqlResponse, None), 200);
    }
}
