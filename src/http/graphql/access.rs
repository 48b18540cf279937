//! Who the clients are, and what they may send and open.

use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode, request::Parts};
use futures_util::future::BoxFuture;
use graphql_http::{Access, Authentication, Authenticator, BearerToken, Code, Permit, Refusal};

use super::{Api, Client};
use crate::{
    graphql::cookies::Cookies,
    http::{
        auth::until_invalid, body_deadline::BodyDeadlineExceeded, concurrency_limits::StreamLimit,
        connection_activity::ConnectionActivity, cookie, origins::Origin,
    },
    session::access_token_verifier::Auth,
};
use domain::caller::RequestInfo;

impl Authenticator for Api {
    type Client = Client;
    type Identity = Auth;

    /// The client as the middleware has identified it. Cookies are added when a single response follows.
    fn client(&self, head: &Parts) -> Client {
        let known = head.extensions.get::<RequestInfo>().cloned();
        let caller = known.unwrap_or_else(|| self.clients.identify(head.extensions.get().copied(), &head.headers));
        Client { caller, cookies: Cookies::none() }
    }

    fn authenticate(&self, token: Option<&BearerToken>) -> Authentication<Auth> {
        match token.map(|token| self.authenticator.authenticate(token.expose())) {
            None => Authentication::Accepted(Auth::Anonymous),
            Some(Ok(signed_in)) => Authentication::Accepted(Auth::SignedIn(signed_in)),
            Some(Err(_)) => Authentication::Refused(Auth::Refused),
        }
    }

    fn until_invalid(&self, token: Option<BearerToken>, identity: &Auth) -> Option<BoxFuture<'static, ()>> {
        let (Auth::SignedIn(signed_in), Some(token)) = (identity, token) else { return None };
        Some(Box::pin(until_invalid(self.authenticator.clone(), self.clock.clone(), token, signed_in.expires_at)))
    }
}

impl Access for Api {
    fn check_request(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        if !self.origins.is_dns_rebinding(headers) {
            return Ok(());
        }
        let message = "Unknown host in development mode. Use localhost, or set PUBLIC_URL to the address that browsers \
                       use.";
        Err(Refusal::http(StatusCode::MISDIRECTED_REQUEST, Code::Forbidden, message))
    }

    fn check_origin(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        match self.origins.classify(headers) {
            Origin::Absent | Origin::Own => Ok(()),
            Origin::Foreign => {
                let message = "Pages of this origin must not open streams; allow it with CORS_ORIGINS or PUBLIC_URL.";
                Err(Refusal::forbidden(message))
            }
        }
    }

    fn acquire_for_client(&self, client: &Client) -> Result<Permit, Refusal> {
        let permit = self.concurrency_limits.acquire_for_address(client.caller.address);
        permit.map(|permit| Box::new(permit) as Permit).map_err(|full| too_many_streams(full, &client.caller))
    }

    fn acquire_for_identity(&self, client: &Client, identity: &Auth) -> Result<Permit, Refusal> {
        let permit = self.concurrency_limits.acquire_for_account(identity);
        permit.map(|permit| Box::new(permit) as Permit).map_err(|full| too_many_streams(full, &client.caller))
    }

    fn body_error(&self, error: &axum::Error) -> Option<Refusal> {
        let message = "The request body was not received in time.";
        BodyDeadlineExceeded::is_cause_of(error)
            .then(|| Refusal::http(StatusCode::REQUEST_TIMEOUT, Code::BadRequest, message))
    }

    fn close_connection(&self, head: &Parts) {
        if let Some(activity) = head.extensions.get::<Arc<ConnectionActivity>>() {
            activity.close_within(self.http.timeouts.close_timeout);
        }
    }

    /// Cookies are ignored for foreign origins, whose pages can make a browser send them.
    fn begin_response(&self, client: &mut Client, head: &Parts) {
        client.cookies = match self.origins.classify(&head.headers) {
            Origin::Foreign => Cookies::none(),
            Origin::Absent | Origin::Own => cookie::read(&head.headers),
        };
    }

    fn finish_response(&self, client: &Client, headers: &mut HeaderMap) {
        cookie::write(&client.cookies, headers);
    }
}

fn too_many_streams(full: StreamLimit, caller: &RequestInfo) -> Refusal {
    tracing::info!(?full, address = %caller.address, "stream limit reached");
    let message = match full {
        StreamLimit::Address => "Too many open streams from your address (SOCKETS_PER_ADDRESS).",
        StreamLimit::Account => "Too many open streams for your account (SOCKETS_PER_ACCOUNT).",
    };
    Refusal::http(StatusCode::TOO_MANY_REQUESTS, Code::RateLimited, message)
}
