//! The cookies of one HTTP request, as resolvers can read and set them.
//!
//! The jar is defined here and not in `http`, because resolvers read the refresh cookie and set its successor, and
//! modules may only import from lower layers. It has names and values; `http` reads and writes the headers.

use std::sync::{Arc, Mutex, PoisonError};

use platform::config::Secret;

/// The cookie jar of one request. Clones share its content.
#[derive(Clone, Debug, Default)]
pub struct Cookies(Arc<Jar>);

#[derive(Debug, Default)]
struct Jar {
    sent: Vec<(String, Secret)>,
    protected: bool,
    /// None if the transport has no response headers for cookies.
    fresh: Option<Mutex<Vec<Secret>>>,
}

impl Cookies {
    /// For transports on which cookies are neither read nor set: a page of another site can open a WebSocket with the
    /// browser's cookies (cross-site WebSocket hijacking), so sockets and streams only accept tokens.
    pub fn none() -> Self {
        Self::default()
    }

    /// The cookies of a request. `protected`: the request has a header that pages of other sites can't send without a
    /// CORS preflight.
    pub fn new(sent: impl IntoIterator<Item = (String, Secret)>, protected: bool) -> Self {
        let sent = sent.into_iter().collect();
        Self(Arc::new(Jar { sent, protected, fresh: Some(Mutex::default()) }))
    }

    /// All cookies of the request in order, as name and value.
    pub fn sent(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.0.sent.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The values of the cookies with this name. A client may send several.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &Secret> {
        self.sent().filter(move |(sent, _)| *sent == name).map(|(_, value)| value)
    }

    /// Whether the request has the header that only pages of allowed origins can send (`X-Requested-With` or
    /// `Apollo-Require-Preflight`, any value). Check it before a cookie is used for authentication.
    pub fn protected(&self) -> bool {
        self.0.protected
    }

    /// Whether cookies can be set in the response.
    pub fn writable(&self) -> bool {
        self.0.fresh.is_some()
    }

    /// Adds a cookie to the response: a whole `Set-Cookie` value (RFC 6265, section 4.1) with its attributes. Does
    /// nothing on a transport without cookies.
    pub fn set(&self, cookie: impl Into<String>) {
        if let Some(fresh) = &self.0.fresh {
            fresh.lock().unwrap_or_else(PoisonError::into_inner).push(Secret::new(cookie));
        }
    }

    /// Takes the cookies that were set, in order, for the response headers.
    pub fn take_set(&self) -> Vec<Secret> {
        let fresh = self.0.fresh.as_ref();
        fresh
            .map(|fresh| std::mem::take(&mut *fresh.lock().unwrap_or_else(PoisonError::into_inner)))
            .unwrap_or_default()
    }
}
