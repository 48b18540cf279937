//! Turns results into bytes and a status.

use async_graphql::{PathSegment, Response, ServerError, Value};
use axum::http::StatusCode;
use serde::Serialize;

use crate::http::graphql::{negotiate::Media, refusal::Code};

/// Errors in one answer, and bytes of all of them (docs/security.md, GQ-08).
const MAX_ERRORS: usize = 10;
const MAX_ERROR_BYTES: usize = 64 * 1024;
const MAX_MESSAGE_BYTES: usize = 1024;

/// A result, ready to be written on any transport.
#[derive(Serialize)]
pub struct Answer {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ServerError>,
    /// None before execution has begun: the specification wants no `data` entry then.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    extensions: std::collections::BTreeMap<String, Value>,
}

impl Answer {
    /// Bounds the errors, and gives a code to those without.
    pub fn new(response: Response) -> Self {
        let mut errors = response.errors;
        // Errors of execution say which field they belong to; errors without a path came before it.
        let executed =
            errors.is_empty() || response.data != Value::Null || errors.iter().any(|error| !error.path.is_empty());
        errors.truncate(MAX_ERRORS);
        for error in &mut errors {
            tidy(error);
        }
        while errors.len() > 1 && size(&errors) > MAX_ERROR_BYTES {
            errors.pop();
        }
        Self { errors, data: executed.then_some(response.data), extensions: response.extensions }
    }

    /// Whether the operation was begun. Errors alone mean that it was not.
    pub fn executed(&self) -> bool {
        self.data.is_some()
    }

    pub fn errors(&self) -> &[ServerError] {
        &self.errors
    }

    /// The status of this answer in `media`; `fixed` is what a refusal insists on.
    pub fn status(&self, media: Media, fixed: Option<StatusCode>) -> StatusCode {
        let first = || self.errors.first().and_then(code).unwrap_or("BAD_REQUEST");
        match (fixed, media) {
            (Some(status), _) => status,
            (None, Media::GraphqlResponse) if !self.executed() => Code::status(first()),
            (None, _) => StatusCode::OK,
        }
    }

    /// JSON, as it stands in bodies, events and messages.
    pub fn to_json(&self) -> String {
        // Names and values came out of JSON or the schema; there is nothing in them that JSON cannot say.
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

/// What the library itself found wrong (unknown fields, values of wrong types) has no code, and is the client's to
/// mend; rooms below always set one. Long messages quote the client's own text.
fn tidy(error: &mut ServerError) {
    if code(error).is_none() {
        error.extensions.get_or_insert_default().set("code", Code::BadRequest.as_str());
    }
    if error.message.len() > MAX_MESSAGE_BYTES {
        error.message.truncate(error.message.floor_char_boundary(MAX_MESSAGE_BYTES));
        error.message.push('…');
    }
    error.locations.truncate(MAX_ERRORS);
}

/// About how many bytes the errors take: what a client can make long is counted.
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
    fn gq_08_errors_are_bounded_and_have_codes() {
        let errors = (0..5_000).map(|n| ServerError::new(format!("{n}{}", "x".repeat(5_000)), None)).collect();
        let answer = Answer::new(Response::from_errors(errors));
        assert_eq!(answer.errors().len(), 10);
        assert!(answer.to_json().len() < MAX_ERROR_BYTES);
        assert!(answer.errors().iter().all(|error| code(error) == Some("BAD_REQUEST")));
    }

    #[test]
    fn tr_05_the_data_entry_is_there_only_after_execution() {
        let before = Answer::new(Response::from_errors(vec![ServerError::new("no such field", None)]));
        assert!(!before.to_json().contains("\"data\""));
        let mut error = ServerError::new("failed", None);
        error.path = vec![PathSegment::Field("a".to_owned())];
        let during = Answer::new(Response::from_errors(vec![error]));
        assert!(during.to_json().contains("\"data\":null"));
        assert_eq!(before.status(Media::GraphqlResponse, None), 400);
        assert_eq!(before.status(Media::Json, None), 200);
        assert_eq!(during.status(Media::GraphqlResponse, None), 200);
    }
}
