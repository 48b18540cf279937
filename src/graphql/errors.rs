//! Conversion of faults to GraphQL errors. Only the kind of a fault is sent to the client; the details are logged under
//! the request id.

use async_graphql::{Error, ErrorExtensions};

use platform::{
    fault::{Fault, FaultKind},
    telemetry,
};

/// What a resolver returns.
pub type Result<T, E = ResolverError> = std::result::Result<T, E>;

/// An error of a resolver. It has no `Display`, so that async-graphql can't turn a fault into a public message.
#[derive(Clone, Debug)]
pub struct ResolverError(Error);

impl ResolverError {
    /// An error with `extensions.code`. The message is shown to people.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self(Error::new(message).extend_with(|_, extensions| extensions.set("code", code)))
    }

    /// Adds the time in seconds after which the request can be repeated.
    #[must_use]
    pub fn retry_after(self, seconds: i32) -> Self {
        Self(self.0.extend_with(|_, extensions| extensions.set("retryAfterSeconds", seconds)))
    }
}

impl From<Fault> for ResolverError {
    fn from(fault: Fault) -> Self {
        telemetry::report(&fault);
        let (code, message) = match fault.kind() {
            FaultKind::Unavailable => ("UNAVAILABLE", "This is not possible right now. Please try again in a moment."),
            FaultKind::Internal => ("INTERNAL", "Internal error."),
        };
        Self::new(code, message)
    }
}

impl From<Error> for ResolverError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<ResolverError> for Error {
    fn from(ResolverError(error): ResolverError) -> Self {
        error
    }
}
