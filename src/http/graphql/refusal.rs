//! Why a request was refused before or instead of being executed, and how that is told.

use async_graphql::{ErrorExtensionValues, Pos, ServerError, Value};
use axum::http::StatusCode;

/// The closed list of `extensions.code`.
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
    /// Apollo's word for "send the whole document"; clients compare it literally.
    PersistedQueryNotFound,
    /// Apollo's word for "never send hashes alone".
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

    /// The word of the list that an error's code is; an error without one is the client's to mend.
    pub fn known(word: Option<&str>) -> &'static str {
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
        let found = known.into_iter().find(|code| Some(code.as_str()) == word);
        found.unwrap_or(Code::BadRequest).as_str()
    }

    /// The status of an answer that consists of this error alone, as `application/graphql-response+json`.
    pub fn status(word: &str) -> StatusCode {
        match word {
            "UNAUTHENTICATED" => StatusCode::UNAUTHORIZED,
            "FORBIDDEN" => StatusCode::FORBIDDEN,
            "NOT_FOUND" => StatusCode::NOT_FOUND,
            "RATE_LIMITED" => StatusCode::TOO_MANY_REQUESTS,
            "UNAVAILABLE" => StatusCode::SERVICE_UNAVAILABLE,
            "INTERNAL" => StatusCode::INTERNAL_SERVER_ERROR,
            // Apollo's link falls back only upon an answer that it reads as a result.
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
    /// More facts for `extensions`.
    pub facts: Vec<(&'static str, Value)>,
    pub position: Option<Pos>,
    /// The status whatever media type was asked for; none where the GraphQL over HTTP draft has
    /// `application/json` answer 200.
    pub status: Option<StatusCode>,
}

impl Refusal {
    /// The request is no GraphQL request: 400 in every media type.
    pub fn malformed(message: impl Into<String>) -> Self {
        Self::http(StatusCode::BAD_REQUEST, Code::BadRequest, message)
    }

    /// HTTP itself says no, with this status.
    pub fn http(status: StatusCode, code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), facts: Vec::new(), position: None, status: Some(status) }
    }

    /// A well-formed request for something that cannot be executed.
    pub fn document(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), facts: Vec::new(), position: None, status: None }
    }

    /// More than the `setting` allows. 400 in every media type: nothing has looked at the document yet.
    pub fn too_complex(limit: &'static str, setting: Option<&'static str>, allowed: usize, value: usize) -> Self {
        let message = match setting {
            Some(setting) => {
                format!("The {limit} of this document is {value}, and at most {allowed} is taken ({setting}).")
            }
            None => format!("The {limit} of this document is {value}, and at most {allowed} is taken."),
        };
        let number = |number: usize| Value::from(u64::try_from(number).unwrap_or(u64::MAX));
        let facts = vec![("limit", limit.into()), ("allowed", number(allowed)), ("value", number(value))];
        Self { facts, ..Self::http(StatusCode::BAD_REQUEST, Code::TooComplex, message) }
    }

    /// Too busy, or stopping: the same request may succeed in a moment.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::http(StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable, message)
    }

    /// As it stands in `errors`.
    pub fn into_error(self) -> ServerError {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", self.code.as_str());
        for (name, value) in self.facts {
            extensions.set(name, value);
        }
        ServerError { extensions: Some(extensions), ..ServerError::new(self.message, self.position) }
    }

    /// An answer that consists of this refusal.
    pub fn into_result(self) -> async_graphql::Response {
        async_graphql::Response::from_errors(vec![self.into_error()])
    }
}
