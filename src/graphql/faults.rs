//! Conversion of faults to GraphQL errors. Only the kind of a fault is sent to the client; the details are logged under
//! the request id.

use async_graphql::{Error, ErrorExtensions};

use crate::{
    fault::{Fault, FaultKind},
    telemetry,
};

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        telemetry::report(&fault);
        let (code, message) = match fault.kind() {
            FaultKind::Unavailable => ("UNAVAILABLE", "This is not possible right now. Please try again in a moment."),
            FaultKind::Internal => ("INTERNAL", "Something went wrong on our side."),
        };
        Error::new(message).extend_with(|_, extensions| extensions.set("code", code))
    }
}
