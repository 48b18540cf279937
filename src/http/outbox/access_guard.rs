//! Access to the outbox. It shows all codes without authentication, so by default it is served only to this machine,
//! and only under a host name of the service.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::Response,
};

use crate::http::host;
use domain::caller::RequestInfo;
use graphql_http::{Code, Media, Refusal, http_response};
use platform::config::http::Http;

/// Conditions for access to the outbox.
#[derive(Clone, Debug)]
pub struct Guard {
    /// Whether other machines have access.
    open: bool,
    /// The host of `PUBLIC_URL`.
    public: Option<String>,
}

impl Guard {
    pub fn new(settings: &Http) -> Self {
        let authority = settings.public_url.as_deref().and_then(|url| url.split_once("://")).map(|(_, host)| host);
        let public = authority.and_then(host::without_port).map(str::to_owned);
        Self { open: settings.outbox_is_public, public }
    }

    /// Whether the host can't be a name that an attacker's DNS server points to this machine.
    fn is_own_host(&self, host: &str) -> bool {
        let public = self.public.as_deref().is_some_and(|public| public.eq_ignore_ascii_case(host));
        public || host::is_loopback(host) || (self.open && host::address(host).is_some())
    }

    fn refusal(&self, request: &Request) -> Option<Refusal> {
        let refused = |status, message| Some(Refusal::http(status, Code::Forbidden, message));
        let client = request.extensions().get::<RequestInfo>().map(|caller| caller.address.ip());
        if !self.open && !client.is_some_and(|client| client.is_loopback()) {
            let message = "The outbox shows all codes, so by default only this machine has access. OUTBOX_ACCESS=all \
                           grants access to every client that can reach this address.";
            return refused(StatusCode::FORBIDDEN, message);
        }
        // The host of an absolute request target takes precedence over the header (RFC 9112, section 3.2.2).
        let target = request.uri().authority().map(|authority| authority.as_str());
        let target_is_ours =
            target.is_none_or(|target| host::without_port(target).is_some_and(|name| self.is_own_host(name)));
        if !target_is_ours || !host::named(request.headers()).is_some_and(|name| self.is_own_host(name)) {
            let message = "The outbox is not available under this host. Use localhost, or set PUBLIC_URL to the address \
                           that browsers use.";
            return refused(StatusCode::MISDIRECTED_REQUEST, message);
        }
        None
    }
}

/// Rejects requests without access to the outbox.
pub async fn guard(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    match guard.refusal(&request) {
        Some(refusal) => http_response::refusal(Media::Json, refusal),
        None => next.run(request).await,
    }
}
