//! Who may read the outbox. It shows every code, and needs nobody to be signed in: so it answers this machine alone,
//! and only under a name that is ours.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::Response,
};

use crate::{
    config::http::Http,
    http::{
        answer,
        graphql::{
            negotiate::Media,
            refusal::{Code, Refusal},
        },
        host,
    },
};
use domain::caller::Caller;

/// What is asked of a request before the outbox answers it.
#[derive(Clone, Debug)]
pub struct Guard {
    /// Whether other machines may read it.
    open: bool,
    /// The host of `PUBLIC_URL`.
    public: Option<String>,
}

impl Guard {
    pub fn new(settings: &Http) -> Self {
        let authority = settings.public_url.as_deref().and_then(|url| url.split_once("://")).map(|(_, host)| host);
        let public = authority.and_then(host::without_port).map(str::to_owned);
        Self { open: settings.outbox_open, public }
    }

    /// Whether no name server of a stranger's can have led a browser here under this host.
    fn is_ours(&self, host: &str) -> bool {
        let public = self.public.as_deref().is_some_and(|public| public.eq_ignore_ascii_case(host));
        public || host::is_loopback(host) || (self.open && host::address(host).is_some())
    }

    fn refusal(&self, request: &Request) -> Option<Refusal> {
        let refused = |status, message| Some(Refusal::http(status, Code::Forbidden, message));
        let client = request.extensions().get::<Caller>().map(|caller| caller.address.ip());
        if !self.open && !client.is_some_and(|client| client.is_loopback()) {
            let message = "The outbox shows every code, so it answers this machine alone. OUTBOX_ACCESS=all opens it \
                           to everybody who reaches this address.";
            return refused(StatusCode::FORBIDDEN, message);
        }
        // In a request's first line a host wins over the header's (RFC 9112, 3.2.2).
        let target = request.uri().authority().map(|authority| authority.as_str());
        let target_is_ours =
            target.is_none_or(|target| host::without_port(target).is_some_and(|name| self.is_ours(name)));
        if !target_is_ours || !host::named(request.headers()).is_some_and(|name| self.is_ours(name)) {
            let message = "The outbox does not answer under this host: ask localhost, or set PUBLIC_URL to the address \
                           that browsers use.";
            return refused(StatusCode::MISDIRECTED_REQUEST, message);
        }
        None
    }
}

/// Lets those pass who may read the outbox.
pub async fn guard(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    match guard.refusal(&request) {
        Some(refusal) => answer::refusal(Media::Json, refusal),
        None => next.run(request).await,
    }
}
