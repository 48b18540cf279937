//! The cookies of one HTTP request, as far as resolvers may see and set them.
//!
//! The jar stands here and not in `http`, since resolvers read the refresh cookie and set its successor, and import
//! downwards only. It knows names and values; how a cookie is spelt on the wire is the business of `http`.

use std::sync::{Arc, Mutex, PoisonError};

use crate::config::Secret;

/// The jar of one request. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Cookies(Arc<Jar>);

#[derive(Debug, Default)]
struct Jar {
    sent: Vec<(String, Secret)>,
    protected: bool,
    /// None: the transport has no head to put them in.
    fresh: Option<Mutex<Vec<Secret>>>,
}

impl Cookies {
    /// For transports on which no cookie is read or set: a page of another site can open a socket with the browser's
    /// cookies on it (cross-site WebSocket hijacking), so sockets and streams go by tokens alone.
    pub fn none() -> Self {
        Self::default()
    }

    /// The cookies that came with a request. `protected`: it carries a header that no page of another site can send
    /// without a CORS preflight.
    pub fn new(sent: impl IntoIterator<Item = (String, Secret)>, protected: bool) -> Self {
        let sent = sent.into_iter().collect();
        Self(Arc::new(Jar { sent, protected, fresh: Some(Mutex::default()) }))
    }

    /// Every cookie that was sent, in order, by name and value.
    pub fn sent(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.0.sent.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The values of the cookies of this name: a client may send several.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &Secret> {
        self.sent().filter(move |(sent, _)| *sent == name).map(|(_, value)| value)
    }

    /// Whether the request carries the header that only our own pages can send (`X-Requested-With` or
    /// `Apollo-Require-Preflight`, any value). Whoever acts upon a cookie asks for it.
    pub fn protected(&self) -> bool {
        self.0.protected
    }

    /// Whether a cookie that is set reaches the client.
    pub fn writable(&self) -> bool {
        self.0.fresh.is_some()
    }

    /// Sends `cookie` with the answer: a whole `Set-Cookie` value (RFC 6265, section 4.1), attributes included.
    /// Without effect on a transport that has no cookies.
    pub fn set(&self, cookie: impl Into<String>) {
        if let Some(fresh) = &self.0.fresh {
            fresh.lock().unwrap_or_else(PoisonError::into_inner).push(Secret::new(cookie));
        }
    }

    /// What was set, in order, for whoever writes the answer's head.
    pub fn take_set(&self) -> Vec<Secret> {
        let fresh = self.0.fresh.as_ref();
        fresh
            .map(|fresh| std::mem::take(&mut *fresh.lock().unwrap_or_else(PoisonError::into_inner)))
            .unwrap_or_default()
    }
}
