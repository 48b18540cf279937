//! Refusals: why a request was not executed, and their representation in responses.

use async_graphql::{ErrorExtensionValues, Pos, ServerError, Value};
use axum::http::StatusCode;

/// The closed set of values of `extensions.code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    Unauthenticated,
    Forbidden,
    NotFound,
    BadRequest,
    TooComplex,
    RateLimited,
    Unavailable,
    Internal,
    /// Apollo's code that makes a client send the whole document; clients compare it literally.
    PersistedQueryNotFound,
    /// Apollo's code that makes a client stop sending only hashes.
    PersistedQueryNotSupported,
}

impl Code {
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
    pub code: Code,
    pub message: String,
    /// Additional `extensions`.
    pub facts: Vec<(&'static str, Value)>,
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
        Self { code, message: message.into(), facts: Vec::new(), position: None, status: Some(status) }
    }

    /// A well-formed request that can't be executed.
    pub fn document(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), facts: Vec::new(), position: None, status: None }
    }

    /// A limit is exceeded. 400 for every media type, because the document was not validated.
    pub fn too_complex(limit: &'static str, setting: Option<&'static str>, allowed: usize, value: usize) -> Self {
        let message = match setting {
            Some(setting) => {
                format!("The {limit} of this document is {value}; at most {allowed} is allowed ({setting}).")
            }
            None => format!("The {limit} of this document is {value}; at most {allowed} is allowed."),
        };
        let number = |number: usize| Value::from(u64::try_from(number).unwrap_or(u64::MAX));
        let facts = vec![("limit", limit.into()), ("allowed", number(allowed)), ("value", number(value))];
        Self { facts, ..Self::http(StatusCode::BAD_REQUEST, Code::TooComplex, message) }
    }

    /// Overloaded or stopping: the request can be retried.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::http(StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable, message)
    }

    /// The refusal as a member of `errors`.
    pub fn into_error(self) -> ServerError {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", self.code.as_str());
        for (name, value) in self.facts {
            extensions.set(name, value);
        }
        ServerError { extensions: Some(extensions), ..ServerError::new(self.message, self.position) }
    }

    /// The refusal as a result.
    pub fn into_result(self) -> async_graphql::Response {
        async_graphql::Response::from_errors(vec![self.into_error()])
    }
}
