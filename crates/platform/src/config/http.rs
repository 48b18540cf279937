//! Settings of the HTTP layer: addresses, trusted proxies, limits and timeouts.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use http::{
    Uri,
    uri::{Authority, Parts, Scheme},
};
use ipnet::IpNet;

use super::networks;
use crate::config::{Env, Setting};

/// The settings of this module.
pub const SETTINGS: &[Setting] = &[
    Setting::new(
        "ENVIRONMENT",
        "development",
        "development or production. Production disables introspection, suggestions, GraphiQL and other features that help developers and attackers.",
    ),
    Setting::new(
        "LISTEN_ADDR",
        "127.0.0.1:8000",
        "Address and port to listen on; 0.0.0.0:8000 listens on all interfaces.",
    ),
    Setting::optional(
        "PUBLIC_URL",
        "The URL that browsers use, such as https://id.example.com. Its origin may open streams, and links in messages start with it.",
    ),
    Setting::new(
        "CORS_ORIGINS",
        "",
        "Comma-separated origins of pages on other hosts that may call the API, such as https://app.example.com or an app's own capacitor://localhost; none by default. Compared exactly; cookies are allowed.",
    ),
    Setting::new(
        "TRUSTED_PROXIES",
        "",
        "Comma-separated addresses or networks of reverse proxies, such as 10.0.0.0/8. Only from these is the client address read from FORWARDED_HEADER.",
    ),
    Setting::new(
        "FORWARDED_HEADER",
        "x-forwarded-for",
        "x-forwarded-for or forwarded: the header that the trusted proxies set. The other one is never read, since a proxy may pass it on from a client.",
    ),
    Setting::new(
        "SOCKETS_PER_ADDRESS",
        "100",
        "WebSockets and event streams open at once from one client address (IPv6: one /64).",
    ),
    Setting::new(
        "SOCKETS_PER_ACCOUNT",
        "50",
        "WebSockets and event streams open at once that are signed in to one account, from any address.",
    ),
    Setting::new("OPERATIONS_PER_SOCKET", "50", "Operations running at once on one WebSocket."),
    Setting::new(
        "MAX_CONNECTIONS",
        "20000",
        "Connections open at once. Beyond it, the connection that has been idle longest (no request in flight, no stream) is closed for a new one; if none is idle, new ones wait. Keep it below the process's limit of open files.",
    ),
    Setting::optional(
        "CONNECTIONS_PER_ADDRESS",
        "Connections open at once from one client address (IPv6: one /64). Beyond it, idle connections of the same address are closed for its new ones; if none is idle, new ones are refused. TRUSTED_PROXIES have no such limit. Unset: a quarter of MAX_CONNECTIONS.",
    ),
    Setting::new(
        "MAX_IN_FLIGHT",
        "1000",
        "Queries and mutations running at once; further ones return UNAVAILABLE, and clients may retry.",
    ),
    Setting::new(
        "SHED_AFTER",
        "1s",
        "When all requests have waited for the database longer than this for half a second, or MAX_IN_FLIGHT is reached, only as many requests are admitted as keep the database busy: they wait about a hundredth of this time, and the others return UNAVAILABLE.",
    ),
    Setting::new("MAX_BODY", "65536", "Bytes of a request body or WebSocket message."),
    Setting::new("MAX_DOCUMENT", "16384", "Bytes of a GraphQL document."),
    Setting::new("MAX_TOKENS", "2000", "Tokens of a GraphQL document."),
    Setting::new("MAX_OPERATIONS", "20", "Operations that one document may define; one of them runs."),
    Setting::new("MAX_DEPTH", "10", "How deep fields may be nested. Introspection has separate limits."),
    Setting::new("MAX_COMPLEXITY", "200", "Fields of an operation with all fragments expanded."),
    Setting::new("MAX_ALIASES", "10", "Aliases of an operation with all fragments expanded."),
    Setting::new(
        "MAX_ROOT_MUTATIONS",
        "1",
        "Mutations in one operation. Clients need one; more would allow many guesses in one request.",
    ),
    Setting::new("MAX_DIRECTIVES", "5", "Directives in one place."),
    Setting::new("MAX_BATCH", "off", "Operations in one JSON array (2 to 10), or off to refuse arrays."),
    Setting::new("EXECUTION_TIMEOUT", "10s", "How long a query or mutation may run before it is cancelled."),
    Setting::new(
        "PERSISTED_QUERIES",
        "1000",
        "Documents cached for automatic persisted queries, or off to respond that they are not supported.",
    ),
    Setting::optional(
        "TRUSTED_DOCUMENTS",
        "Path of a manifest of persisted documents as written by graphql-codegen, Relay or Apollo. If set, only these documents may be executed.",
    ),
    Setting::optional(
        "INTROSPECTION",
        "on or off: whether introspection of the schema is allowed. Unset: on in development, off in production.",
    ),
    Setting::optional("GRAPHIQL", "on or off: whether / serves GraphiQL. Unset: on in development, off in production."),
    Setting::new(
        "OUTBOX_ACCESS",
        "local",
        "local or all: which clients may read /dev/outbox, which shows all codes while a provider is development. local: only this machine, with localhost or the host of PUBLIC_URL. all: every client that can reach the service, for example in a private container.",
    ),
    Setting::new(
        "WEB_DIST",
        "web/dist",
        "Folder with the built web pages; if it is missing, GraphiQL is loaded from a public CDN.",
    ),
    Setting::new("SHUTDOWN_GRACE", "10s", "How long requests and streams may take to finish after SIGTERM."),
    Setting::optional(
        "TLS_CERT",
        "Path of the certificate chain (PEM) for HTTPS; needs TLS_KEY. Unset: plain HTTP, for a proxy that terminates TLS.",
    ),
    Setting::optional("TLS_KEY", "Path of the private key (PEM) of TLS_CERT."),
];

/// The environment of the process: development of an app, or production.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    Development,
    Production,
}

/// The header in which trusted proxies send the client address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`, the de-facto standard of most proxies.
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// Limits of one GraphQL document. Checked before the schema is involved (docs/security.md, GQ-02).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentLimits {
    /// Bytes of the document.
    pub bytes: usize,
    pub tokens: usize,
    pub operations: usize,
    /// Nested fields; 1 for a root field.
    pub depth: usize,
    /// Fields, with fragments expanded.
    pub complexity: usize,
    /// Aliases, with fragments expanded.
    pub aliases: usize,
    /// Root fields of a mutation, except `__typename`.
    pub root_mutations: usize,
    /// Directives in one place.
    pub directives: usize,
}

/// Timeouts of connections and requests. They follow from the protocols and common practice and are not settings; a
/// struct, so that tests can shorten them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the head of a request, from its first byte (for the first request, from the start of the connection).
    pub head: Duration,
    /// For the next request on a keep-alive connection. Longer than the 60 s for which proxies commonly keep idle
    /// connections, so that the proxy closes them first.
    pub idle: Duration,
    /// For the whole body of a request.
    pub body: Duration,
    /// Without progress of a write to the peer.
    pub write_timeout: Duration,
    /// For `connection_init` on a socket.
    pub init: Duration,
    /// Between heartbeats on sockets and streams. A peer that has not responded to one when the next is due is
    /// considered disconnected.
    pub heartbeat: Duration,
    /// For a last request on a keep-alive connection when the server stops: the client may have sent it already, and
    /// would get a connection reset.
    pub drain_delay: Duration,
    /// For the peer's response to a close frame, and for draining what it still sends after an early response.
    pub close_timeout: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            body: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            init: Duration::from_secs(5),
            heartbeat: Duration::from_secs(20),
            drain_delay: Duration::from_millis(500),
            close_timeout: Duration::from_secs(2),
        }
    }
}

/// Paths of the certificate and the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// The settings of the HTTP layer.
#[derive(Clone, Debug)]
pub struct Http {
    pub environment: Environment,
    pub listen: SocketAddr,
    /// Without a trailing slash.
    pub public_url: Option<String>,
    /// Serialised origins, as browsers send them.
    pub cors_origins: Vec<String>,
    pub trusted_proxies: Vec<IpNet>,
    pub forwarded_header: ForwardedHeader,
    pub sockets_per_address: usize,
    pub sockets_per_account: usize,
    pub operations_per_socket: usize,
    pub max_connections: usize,
    /// For one client network that is not a trusted proxy.
    pub connections_per_address: usize,
    pub max_in_flight: usize,
    /// How long requests may wait for the database before load is shed.
    pub shed_after: Duration,
    /// Bytes.
    pub max_body: usize,
    pub document: DocumentLimits,
    /// `None`: arrays are rejected.
    pub max_batch: Option<usize>,
    pub execution_timeout: Duration,
    /// How many documents are cached. `None`: not supported.
    pub persisted_queries: Option<usize>,
    pub trusted_documents: Option<PathBuf>,
    pub introspection: bool,
    pub graphiql: bool,
    /// Whether other machines may read the development outbox.
    pub outbox_is_public: bool,
    pub web_dist: PathBuf,
    pub shutdown_grace: Duration,
    pub tls: Option<TlsFiles>,
    pub timeouts: Timeouts,
}

impl Http {
    /// Reads the settings; errors are recorded in `env`.
    pub fn from_env(env: &Env) -> Self {
        let environment = env.choice(
            "ENVIRONMENT",
            &[("development", Environment::Development), ("production", Environment::Production)],
        );
        let development = environment == Environment::Development;
        let switch = |name| env.parse_optional(name, on_or_off).unwrap_or(development);
        let max_connections = env.number("MAX_CONNECTIONS", 10..=1_000_000);
        let http = Self {
            environment,
            listen: env.parse("LISTEN_ADDR", |text| {
                text.parse().map_err(|_| format!("must be an address and a port such as 127.0.0.1:8000, not {text:?}"))
            }),
            public_url: env.parse_optional("PUBLIC_URL", |text| origin(text.trim_end_matches('/'))),
            cors_origins: env.list("CORS_ORIGINS", any_origin),
            trusted_proxies: networks::trusted_proxies(env),
            forwarded_header: env.choice(
                "FORWARDED_HEADER",
                &[("x-forwarded-for", ForwardedHeader::XForwardedFor), ("forwarded", ForwardedHeader::Forwarded)],
            ),
            sockets_per_address: env.number("SOCKETS_PER_ADDRESS", 1..=1_000_000),
            sockets_per_account: env.number("SOCKETS_PER_ACCOUNT", 1..=1_000_000),
            operations_per_socket: env.number("OPERATIONS_PER_SOCKET", 1..=1_000),
            max_connections,
            connections_per_address: connections_per_address(env).unwrap_or(max_connections / 4),
            max_in_flight: env.number("MAX_IN_FLIGHT", 1..=100_000),
            shed_after: env.duration("SHED_AFTER", Duration::from_millis(1)..=Duration::from_secs(60)),
            max_body: env.number("MAX_BODY", 1_024..=1_048_576),
            document: document_limits(env),
            max_batch: env.parse("MAX_BATCH", |text| off_or(text, 2..=10)),
            execution_timeout: env.duration("EXECUTION_TIMEOUT", Duration::from_millis(100)..=Duration::from_secs(60)),
            persisted_queries: env.parse("PERSISTED_QUERIES", |text| off_or(text, 1..=100_000)),
            trusted_documents: env.parse_optional("TRUSTED_DOCUMENTS", |text| {
                let path = PathBuf::from(text);
                if path.is_file() { Ok(path) } else { Err(format!("the file {text:?} does not exist")) }
            }),
            introspection: switch("INTROSPECTION"),
            graphiql: switch("GRAPHIQL"),
            outbox_is_public: env.choice("OUTBOX_ACCESS", &[("local", false), ("all", true)]),
            web_dist: PathBuf::from(env.text("WEB_DIST").unwrap_or_default()),
            shutdown_grace: env.duration("SHUTDOWN_GRACE", Duration::ZERO..=Duration::from_secs(600)),
            tls: tls(env),
            timeouts: Timeouts::default(),
        };
        http.refuse_public_plain_http(env);
        http
    }

    /// Rejects plain HTTP on a public address, which would send codes and passwords unencrypted (docs/security.md,
    /// OP-04).
    fn refuse_public_plain_http(&self, env: &Env) {
        let guarded = self.tls.is_some() || !self.trusted_proxies.is_empty() || self.listen.ip().is_loopback();
        if self.environment == Environment::Production && !guarded {
            env.add_error(
                "LISTEN_ADDR",
                "plain HTTP on an address that other hosts can reach: set TLS_CERT and TLS_KEY, or name the proxy that \
                 terminates TLS in TRUSTED_PROXIES, or listen on 127.0.0.1",
            );
        }
    }
}

fn document_limits(env: &Env) -> DocumentLimits {
    DocumentLimits {
        bytes: env.number("MAX_DOCUMENT", 512..=1_048_576),
        tokens: env.number("MAX_TOKENS", 100..=20_000),
        operations: env.number("MAX_OPERATIONS", 1..=1_000),
        depth: env.number("MAX_DEPTH", 3..=30),
        complexity: env.number("MAX_COMPLEXITY", 50..=10_000),
        aliases: env.number("MAX_ALIASES", 0..=1_000),
        root_mutations: env.number("MAX_ROOT_MUTATIONS", 1..=100),
        directives: env.number("MAX_DIRECTIVES", 1..=100),
    }
}

fn connections_per_address(env: &Env) -> Option<usize> {
    env.parse_optional("CONNECTIONS_PER_ADDRESS", |text| match text.parse() {
        Ok(max @ 1..=1_000_000) => Ok(max),
        _ => Err(format!("must be a whole number from 1 to 1000000, not {text:?}")),
    })
}

fn tls(env: &Env) -> Option<TlsFiles> {
    match (env.text("TLS_CERT"), env.text("TLS_KEY")) {
        (Some(certificate), Some(key)) => Some(TlsFiles { certificate: certificate.into(), key: key.into() }),
        (Some(_), None) => {
            env.add_error("TLS_KEY", "is missing: TLS_CERT needs its private key");
            None
        }
        (None, Some(_)) => {
            env.add_error("TLS_CERT", "is missing: TLS_KEY needs its certificate");
            None
        }
        (None, None) => None,
    }
}

fn on_or_off(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(format!("must be on or off, not {text:?}")),
    }
}

fn off_or(text: &str, range: std::ops::RangeInclusive<usize>) -> Result<Option<usize>, String> {
    match text.parse() {
        Ok(number) if range.contains(&number) => Ok(Some(number)),
        Err(_) if text.eq_ignore_ascii_case("off") => Ok(None),
        _ => Err(format!("must be a number from {} to {}, or off, not {text:?}", range.start(), range.end())),
    }
}

/// The origin of a web page, or of an app with its own scheme (`capacitor://localhost`), as clients send it.
fn any_origin(text: &str) -> Result<String, String> {
    let hint = || format!("must be an origin such as https://app.example.com, without path or wildcard, not {text:?}");
    let (scheme, _) = text.split_once("://").ok_or_else(hint)?;
    if ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web)) {
        return origin(text);
    }
    // Pages from files have the origin `null`, and a socket has no origin.
    let none = ["file", "ws", "wss"].iter().any(|none| scheme.eq_ignore_ascii_case(none));
    if none || !scheme.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return Err(hint());
    }
    parts_of_origin(text).map(|_| text.to_owned()).ok_or_else(hint)
}

/// A web origin as a browser sends it (RFC 6454, section 6.2): scheme, host, and the port unless it is the default port
/// of the scheme.
fn origin(text: &str) -> Result<String, String> {
    let hint = || format!("must be an origin such as https://app.example.com, without path or wildcard, not {text:?}");
    let (scheme, authority) = parts_of_origin(text).ok_or_else(hint)?;
    let scheme = scheme.as_str();
    if !matches!(scheme, "http" | "https") {
        return Err(hint());
    }
    let host = authority.host().to_ascii_lowercase();
    Ok(match authority.port_u16() {
        Some(port) if !matches!((scheme, port), ("http", 80) | ("https", 443)) => format!("{scheme}://{host}:{port}"),
        _ => format!("{scheme}://{host}"),
    })
}

/// Scheme and authority of a URI without path, query and user information.
fn parts_of_origin(text: &str) -> Option<(Scheme, Authority)> {
    let uri: Uri = text.parse().ok()?;
    let bare = uri.path_and_query().is_none_or(|path| path.as_str() == "/") && !text.ends_with('/');
    let Parts { scheme, authority, .. } = uri.into_parts();
    let authority = authority.filter(|authority| !authority.as_str().contains(['@', '*']))?;
    bare.then_some((scheme?, authority))
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
