//! The endpoint: a schema with its settings and its service, shared by all transports.

use std::{fmt, sync::Arc};

use async_graphql::Executor;

use crate::{
    document::{
        admission::{Admission, Operation},
        inputs::{Inputs, Scalars},
        nulls::SchemaTypes,
    },
    refusal::Refusal,
    request::GraphqlRequest,
    service::Service,
    settings::Settings,
    shutdown::Stop,
};

/// A GraphQL endpoint on all transports. Cheap to clone.
pub struct Endpoint<E, S>(Arc<Shared<E, S>>);

/// What the requests of an endpoint share.
pub(crate) struct Shared<E, S> {
    pub executor: E,
    pub admission: Admission,
    pub shapes: Arc<SchemaTypes>,
    pub settings: Settings,
    pub service: S,
    pub stop: Stop,
}

/// The schema of an endpoint.
pub struct Schema<E> {
    /// Executes operations: an `async_graphql::Schema`, or anything that behaves like one.
    pub executor: E,
    /// The schema in SDL, for the types of its fields and arguments.
    pub sdl: String,
    /// Validation of the schema's custom scalars.
    pub scalars: Scalars,
}

impl<E: Executor, S: Service> Endpoint<E, S> {
    /// Creates an endpoint. Its sockets and streams end when `stop` is requested.
    ///
    /// # Errors
    /// If the SDL can't be read.
    pub fn new(schema: Schema<E>, settings: Settings, service: S, stop: Stop) -> Result<Self, String> {
        let Schema { executor, sdl, scalars } = schema;
        let shapes = Arc::new(SchemaTypes::read(&sdl)?);
        let inputs = Inputs::read(&sdl, scalars)?;
        let inputs = if settings.introspection { inputs } else { inputs.without_value_lists() };
        let admission = Admission::new(
            settings.documents.clone(),
            settings.document.clone(),
            settings.introspection,
            inputs,
            Arc::clone(&shapes),
        );
        Ok(Self(Arc::new(Shared { executor, admission, shapes, settings, service, stop })))
    }

    pub(crate) fn shared(&self) -> &Arc<Shared<E, S>> {
        &self.0
    }
}

impl<E, S: Service> Shared<E, S> {
    /// Converts the parameters of a request to an operation that can be executed.
    ///
    /// # Errors
    /// The refusal to respond with; nothing was executed.
    pub fn admit(&self, ask: GraphqlRequest) -> Result<Operation, Refusal> {
        self.admission.admit(ask).inspect_err(|refusal| self.service.refused(refusal.code))
    }
}

impl<E, S> Clone for Endpoint<E, S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<E, S> fmt::Debug for Endpoint<E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}
