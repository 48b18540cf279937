//! What a service adds to the transports: authentication, access limits, and hooks around each operation.
//!
//! [`Authenticator`] is required. The methods of [`Access`] and [`Operations`] have defaults, so that a service only
//! writes what it needs.

use async_graphql::Response;
use axum::http::{HeaderMap, header, request::Parts};
use futures_util::future::BoxFuture;

use crate::{
    bearer::BearerToken,
    document::admission::Operation,
    refusal::{Code, Refusal},
};

/// Authenticates requests and sockets.
pub trait Authenticator: Send + Sync + 'static {
    /// What is known of a client before it is authenticated, such as its address and an id of the request. Each
    /// operation has a clone.
    type Client: Clone + Send + Sync + 'static;
    /// The result of authentication, for resolvers. Each operation has a clone.
    type Identity: Clone + Send + Sync + 'static;

    /// Identifies the client of a request or a handshake.
    fn client(&self, head: &Parts) -> Self::Client;

    /// Verifies the token of a client; None if it sent none.
    fn authenticate(&self, token: Option<&BearerToken>) -> Authentication<Self::Identity>;

    /// Completes when the token that a socket or a stream was opened with is no longer valid. The socket or stream is
    /// then closed. None if it stays valid, as for anonymous clients.
    fn until_invalid(&self, token: Option<BearerToken>, identity: &Self::Identity) -> Option<BoxFuture<'static, ()>> {
        drop(token);
        let _ = identity;
        None
    }
}

/// The result of authentication.
#[derive(Clone, Debug)]
pub enum Authentication<I> {
    /// A valid token, or none.
    Accepted(I),
    /// An invalid token. Queries and mutations are executed with this identity, because one of them may be the one that
    /// renews the token. Sockets and subscriptions are refused.
    Refused(I),
}

impl<I> Authentication<I> {
    /// Whether the token is invalid.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    /// The identity, for resolvers.
    pub fn identity(&self) -> &I {
        match self {
            Self::Accepted(identity) | Self::Refused(identity) => identity,
        }
    }

    pub(crate) fn into_identity(self) -> I {
        match self {
            Self::Accepted(identity) | Self::Refused(identity) => identity,
        }
    }
}

/// Released when dropped: a permit of a concurrency limit, or the measurement of an open connection.
pub type Permit = Box<dyn Send>;

/// How the results of an operation are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// One HTTP response.
    Http,
    /// Server-sent events.
    EventStream,
    /// Parts of a `multipart/mixed` response.
    Multipart,
    /// A WebSocket.
    WebSocket,
}

impl Transport {
    /// A label for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::EventStream => "sse",
            Self::Multipart => "multipart",
            Self::WebSocket => "websocket",
        }
    }
}

/// A long-lived connection or stream, for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenConnection {
    /// A WebSocket, with or without operations.
    Socket,
    /// An operation with several results on this transport.
    Stream(Transport),
}

/// What clients may send and open.
pub trait Access: Authenticator {
    /// Refuses a request by its headers, before anything else.
    ///
    /// # Errors
    /// The refusal to respond with.
    fn check_request(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let _ = headers;
        Ok(())
    }

    /// Refuses to open a socket or a stream for a page of another origin. Browsers do not apply CORS to WebSockets. The
    /// default accepts clients without an `Origin` header, which are not browsers, and pages of the requested host.
    ///
    /// # Errors
    /// The refusal to respond with.
    fn check_origin(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        let Some(origin) = text(header::ORIGIN) else { return Ok(()) };
        let page = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        match page.is_some() && page == text(header::HOST) {
            true => Ok(()),
            false => Err(Refusal::forbidden("Pages of this origin must not open streams.")),
        }
    }

    /// A permit for one more socket or stream of this client, by its address for example.
    ///
    /// # Errors
    /// The refusal to respond with if the client has reached its limit.
    fn acquire_for_client(&self, client: &Self::Client) -> Result<Permit, Refusal> {
        let _ = client;
        Ok(Box::new(()))
    }

    /// A permit for one more socket or stream of this identity. A socket is closed with 1013 if it is refused.
    ///
    /// # Errors
    /// The refusal to respond with if the identity has reached its limit.
    fn acquire_for_identity(&self, client: &Self::Client, identity: &Self::Identity) -> Result<Permit, Refusal> {
        let _ = (client, identity);
        Ok(Box::new(()))
    }

    /// The refusal of a request whose body failed with this error, e.g. because it exceeded a deadline that the service
    /// has set. None for the general refusal.
    fn body_error(&self, error: &axum::Error) -> Option<Refusal> {
        let _ = error;
        None
    }

    /// The response is sent before the end of the request's body, so the connection should be closed after it.
    fn close_connection(&self, head: &Parts) {
        let _ = head;
    }

    /// A request gets a single response, whose headers its operations may set (e.g. cookies).
    fn begin_response(&self, client: &mut Self::Client, head: &Parts) {
        let _ = (client, head);
    }

    /// Writes the headers that the operations have set.
    fn finish_response(&self, client: &Self::Client, headers: &mut HeaderMap) {
        let _ = (client, headers);
    }
}

/// Runs an admitted query or mutation, and returns its response: work can be added before and after it, and it can be
/// abandoned.
pub type Run = Box<dyn FnOnce(BoxFuture<'static, Response>) -> BoxFuture<'static, Response> + Send>;

/// Observes the first result of a subscription.
pub type FirstResult = Box<dyn FnOnce(&Response) + Send>;

/// What runs around operations: request data, load shedding, metrics, traces.
pub trait Operations: Authenticator {
    /// The client of the next operation on a socket, e.g. with a request id of its own.
    fn next_operation(&self, client: &Self::Client) -> Self::Client {
        client.clone()
    }

    /// Makes the client and its identity available to resolvers. By default each is request data by its type.
    fn attach(&self, request: &mut async_graphql::Request, client: Self::Client, identity: Self::Identity) {
        request.data.insert(client);
        request.data.insert(identity);
    }

    /// Admits a query or mutation to execution, or refuses it for lack of capacity. The refusal may be delayed.
    ///
    /// # Errors
    /// The refusal to respond with.
    fn admit(&self, operation: &mut Operation, client: &Self::Client) -> Result<Run, BoxFuture<'static, Refusal>> {
        let _ = (operation, client);
        Ok(Box::new(|work| work))
    }

    /// A subscription starts.
    fn subscribe(&self, operation: &mut Operation, client: &Self::Client) -> FirstResult {
        let _ = (operation, client);
        Box::new(|_| {})
    }

    /// The span in which the operations of sockets and streams run.
    fn span(&self, client: &Self::Client) -> tracing::Span {
        let _ = client;
        tracing::Span::current()
    }

    /// A document was refused before execution.
    fn refused(&self, code: Code) {
        let _ = code;
    }

    /// A socket or stream was opened. The permit is dropped when it is closed.
    fn opened(&self, open: OpenConnection) -> Permit {
        let _ = open;
        Box::new(())
    }

    /// The error of an operation whose resolver panicked.
    fn internal_error(&self, client: &Self::Client) -> Refusal {
        let _ = client;
        Refusal::document(Code::Internal, "Internal server error.")
    }
}

/// A service with all hooks of an endpoint.
pub trait Service: Access + Operations {}

impl<S: Access + Operations> Service for S {}

#[cfg(test)]
mod tests {
    use super::*;

    struct Anonymous;

    impl Authenticator for Anonymous {
        type Client = ();
        type Identity = ();

        fn client(&self, _: &Parts) {}

        fn authenticate(&self, _: Option<&BearerToken>) -> Authentication<()> {
            Authentication::Accepted(())
        }
    }

    impl Access for Anonymous {}

    #[test]
    fn by_default_only_pages_of_the_requested_host_open_streams() {
        let accepted = |origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "api.example:8000".parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            Anonymous.check_origin(&headers).is_ok()
        };
        assert!(accepted(None) && accepted(Some("https://api.example:8000")));
        for foreign in ["null", "", "https://api.example", "https://evil.example", "file://api.example:8000"] {
            assert!(!accepted(Some(foreign)), "{foreign}");
        }
    }
}
