//! Which pages may open streams and send cookies: those of the service's own origin and of `CORS_ORIGINS`.

use std::collections::HashSet;

use axum::http::{HeaderMap, header};

use crate::http::host;
use platform::config::http::{Environment, Http};

/// Origin of a request by its `Origin` header. Only browsers send it, and pages can't forge it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// No header: not a browser, or a plain navigation of a browser.
    Absent,
    Own,
    Foreign,
}

/// The allowed origins.
#[derive(Clone, Debug)]
pub struct Origins {
    listed: HashSet<String>,
    /// Without `PUBLIC_URL`, the service's own origin is determined by the `Host` header.
    by_host: bool,
    /// Whether the service runs in development, where only the local machine should reach it.
    development: bool,
}

impl Origins {
    pub fn new(settings: &Http) -> Self {
        let listed = settings.cors_origins.iter().chain(&settings.public_url).cloned().collect();
        let development = settings.environment == Environment::Development;
        Self { listed, by_host: settings.public_url.is_none(), development }
    }

    /// Classifies a request by its headers. Origins are compared byte by byte: no suffixes, no wildcards; `null` is
    /// foreign.
    pub fn classify(&self, headers: &HeaderMap) -> Origin {
        let mut lines = headers.get_all(header::ORIGIN).iter();
        let Some(origin) = lines.next() else { return Origin::Absent };
        let Ok(origin) = origin.to_str() else { return Origin::Foreign };
        let ours = self.listed.contains(origin) || (self.by_host && same_host(origin, headers));
        if ours && lines.next().is_none() { Origin::Own } else { Origin::Foreign }
    }

    /// Whether the request shows DNS rebinding, i.e. a foreign name that points to a developer's machine: the origin of
    /// the page is the requested host, and that host is a name that is not configured. Such a page could send messages
    /// at the service's expense, from inside a network that it should not reach.
    pub fn is_dns_rebinding(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()) else { return false };
        let asked = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let own = origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(asked));
        let unknown =
            host::without_port(asked).is_none_or(|name| !host::is_loopback(name) && host::address(name).is_none());
        self.development && own && unknown && !self.listed.contains(origin)
    }
}

/// Whether `origin` is the address that the request was sent to, and that address can't be set by a foreign DNS server:
/// an IP address or `localhost`. Accepting names would allow DNS rebinding, so a service with a name must set
/// `PUBLIC_URL`.
fn same_host(origin: &str, headers: &HeaderMap) -> bool {
    let web = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    let (Some(authority), Some(host)) = (web, headers.get(header::HOST).and_then(|host| host.to_str().ok())) else {
        return false;
    };
    host == authority
        && host::without_port(host).is_some_and(|name| host::is_loopback(name) || host::address(name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classify(listed: &[&str], public: Option<&str>, origin: &str, host: &str) -> Origin {
        let listed = listed.iter().copied().chain(public).map(str::to_owned).collect();
        let origins = Origins { listed, by_host: public.is_none(), development: true };
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if !origin.is_empty() {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        origins.classify(&headers)
    }

    #[test]
    fn sb_06_origins_are_compared_exactly() {
        let listed = ["https://app.example.com"];
        let public = Some("https://id.example.com");
        for ours in ["https://app.example.com", "https://id.example.com"] {
            assert_eq!(classify(&listed, public, ours, "id.example.com"), Origin::Own);
        }
        for foreign in [
            "null",
            "https://evil.example",
            "https://app.example.com.evil.example",
            "https://evilapp.example.com",
            "http://app.example.com",
            "https://app.example.com:8443",
            "HTTPS://APP.EXAMPLE.COM",
        ] {
            assert_eq!(classify(&listed, public, foreign, "id.example.com"), Origin::Foreign, "{foreign}");
        }
        assert_eq!(classify(&listed, public, "", "id.example.com"), Origin::Absent);
    }

    #[test]
    fn sb_06_without_public_url_own_address_is_allowed() {
        for host in ["127.0.0.1:8000", "[::1]:8000", "localhost:8000", "localhost", "192.168.0.5"] {
            assert_eq!(classify(&[], None, &format!("http://{host}"), host), Origin::Own, "{host}");
        }
        assert_eq!(classify(&[], None, "http://127.0.0.1:9999", "127.0.0.1:8000"), Origin::Foreign);
        // The page of a native app is served by the app, whatever its host is called.
        assert_eq!(classify(&[], None, "capacitor://localhost", "localhost"), Origin::Foreign);
        // DNS rebinding: a foreign name that points to this machine.
        assert_eq!(classify(&[], None, "http://evil.example:8000", "evil.example:8000"), Origin::Foreign);
        assert_eq!(
            classify(&[], Some("https://id.example.com"), "http://localhost:8000", "localhost:8000"),
            Origin::Foreign
        );
    }
}
