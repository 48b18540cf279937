//! Refusals: why a request was not executed, and their representation in responses.

use async_graphql::{ErrorExtensionValues, Pos, ServerError, Value};
use axum::http::StatusCode;

use crate::limit::Limit;

/// The closed set of values of `extensions.code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// There is no valid token.
    Unauthenticated,
    /// The client is not allowed to do this.
    Forbidden,
    /// There is nothing with this id or path.
    NotFound,
    /// The request is invalid.
    BadRequest,
    /// The request exceeds a limit.
    TooComplex,
    /// The client must slow down.
    RateLimited,
    /// The service is overloaded or stopping; the request can be retried.
    Unavailable,
    /// A fault of the service.
    Internal,
    /// Apollo's code that makes a client send the whole document; clients compare it literally.
    PersistedQueryNotFound,
    /// Apollo's code that makes a client stop sending only hashes.
    PersistedQueryNotSupported,
}

impl Code {
    /// The code as it is sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::Unauthenticated => "UNAUTHENTICATED",
            Code::Forbidden => "FORBIDDEN",
            Code::NotFound => "NOT_FOUND",
            Code::BadRequest => "BAD_REQUEST",
            Code::TooComplex => "TOO_COMPLEX",
            Code::RateLimited => "RATE_LIMITED",
            Code::Unavailable => "UNAVAILABLE",
            Code::Internal => "INTERNAL",
            Code::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Code::PersistedQueryNotSupported => "PERSISTED_QUERY_NOT_SUPPORTED",
        }
    }

    /// Maps the code of an error to the closed set; an error without a known code is a client error.
    pub fn known(code: Option<&str>) -> &'static str {
        let known = [
            Code::Unauthenticated,
            Code::Forbidden,
            Code::NotFound,
            Code::BadRequest,
            Code::TooComplex,
            Code::RateLimited,
            Code::Unavailable,
            Code::Internal,
        ];
        let found = known.into_iter().find(|known| Some(known.as_str()) == code);
        found.unwrap_or(Code::BadRequest).as_str()
    }

    /// The status of a response with only this error, as `application/graphql-response+json`.
    pub fn status(code: &str) -> StatusCode {
        match code {
            "UNAUTHENTICATED" => StatusCode::UNAUTHORIZED,
            "FORBIDDEN" => StatusCode::FORBIDDEN,
            "NOT_FOUND" => StatusCode::NOT_FOUND,
            "RATE_LIMITED" => StatusCode::TOO_MANY_REQUESTS,
            "UNAVAILABLE" => StatusCode::SERVICE_UNAVAILABLE,
            "INTERNAL" => StatusCode::INTERNAL_SERVER_ERROR,
            // Apollo's link falls back only if it can read the response as a result.
            "PERSISTED_QUERY_NOT_FOUND" | "PERSISTED_QUERY_NOT_SUPPORTED" => StatusCode::OK,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// A request that is not executed.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The value of `extensions.code`.
    pub code: Code,
    /// The text of the error.
    pub message: String,
    /// Additional `extensions`.
    pub extensions: Vec<(&'static str, Value)>,
    /// The place in the document.
    pub position: Option<Pos>,
    /// The status for every media type. None if the GraphQL over HTTP draft requires 200 for `application/json`.
    pub status: Option<StatusCode>,
}

impl Refusal {
    /// The request is not a GraphQL request: 400 for every media type.
    pub fn malformed(message: impl Into<String>) -> Self {
        Self::http(StatusCode::BAD_REQUEST, Code::BadRequest, message)
    }

    /// The request is refused by HTTP rules, with this status.
    pub fn http(status: StatusCode, code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), extensions: Vec::new(), position: None, status: Some(status) }
    }

    /// A well-formed request that can't be executed.
    pub fn document(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), extensions: Vec::new(), position: None, status: None }
    }

    /// A limit is exceeded. 400 for every media type, because the document was not validated.
    pub(crate) fn too_complex(what: &'static str, limit: Limit, value: usize) -> Self {
        let (allowed, hint) = (limit.max, limit.hint());
        let message = format!("The {what} of this document is {value}; at most {allowed} is allowed{hint}.");
        let number = |number: usize| Value::from(u64::try_from(number).unwrap_or(u64::MAX));
        let facts = vec![("limit", what.into()), ("allowed", number(allowed)), ("value", number(value))];
        Self { extensions: facts, ..Self::http(StatusCode::BAD_REQUEST, Code::TooComplex, message) }
    }

    /// The client is not allowed to do this: 403 for every media type.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::http(StatusCode::FORBIDDEN, Code::Forbidden, message)
    }

    /// Overloaded or stopping: the request can be retried.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::http(StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable, message)
    }

    /// The refusal as a member of `errors`.
    pub fn into_error(self) -> ServerError {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", self.code.as_str());
        for (name, value) in self.extensions {
            extensions.set(name, value);
        }
        ServerError { extensions: Some(extensions), ..ServerError::new(self.message, self.position) }
    }

    /// The refusal as a result.
    pub fn into_result(self) -> async_graphql::Response {
        async_graphql::Response::from_errors(vec![self.into_error()])
    }
}
