//! Which pages may open streams and bring cookies along: those of our own origin and of `CORS_ORIGINS`.

use std::collections::HashSet;

use axum::http::{HeaderMap, header};

use crate::{
    config::http::{Environment, Http},
    http::host,
};

/// Where a request comes from, as its `Origin` header says; only browsers send it, and they don't let pages forge it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// No header: no browser, or a browser's plain navigation.
    Absent,
    Ours,
    Foreign,
}

/// The list of origins that are ours.
#[derive(Clone, Debug)]
pub struct Origins {
    listed: HashSet<String>,
    /// Without `PUBLIC_URL` the origin of the page that we served ourselves is told by the `Host` header.
    by_host: bool,
    /// Whether the service may stand on a developer's machine, which only that machine should reach.
    development: bool,
}

impl Origins {
    pub fn new(settings: &Http) -> Self {
        let listed = settings.cors_origins.iter().chain(&settings.public_url).cloned().collect();
        let development = settings.environment == Environment::Development;
        Self { listed, by_host: settings.public_url.is_none(), development }
    }

    /// Judges a request by its headers. Compared byte for byte: no suffixes, no wildcards, `null` is foreign.
    pub fn judge(&self, headers: &HeaderMap) -> Origin {
        let mut lines = headers.get_all(header::ORIGIN).iter();
        let Some(origin) = lines.next() else { return Origin::Absent };
        let Ok(origin) = origin.to_str() else { return Origin::Foreign };
        let ours = self.listed.contains(origin) || (self.by_host && same_host(origin, headers));
        if ours && lines.next().is_none() { Origin::Ours } else { Origin::Foreign }
    }

    /// Whether a request shows that a foreign name was pointed at a developer's machine (DNS rebinding): a page whose
    /// origin is the host that it asks, and that host is a name that nobody configured. Such a page could spend what the
    /// service sends, from inside a network where it was never meant to be.
    pub fn is_rebound(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()) else { return false };
        let asked = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let own = origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(asked));
        let unknown =
            host::without_port(asked).is_none_or(|name| !host::is_loopback(name) && host::address(name).is_none());
        self.development && own && unknown && !self.listed.contains(origin)
    }
}

/// Whether `origin` is the address that the request itself was sent to, and that address is one that no foreign name
/// server can point here: an IP address or `localhost`. A name would open the door to DNS rebinding, so a service with
/// a name says so in `PUBLIC_URL`.
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

    fn judge(listed: &[&str], public: Option<&str>, origin: &str, host: &str) -> Origin {
        let listed = listed.iter().copied().chain(public).map(str::to_owned).collect();
        let origins = Origins { listed, by_host: public.is_none(), development: true };
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if !origin.is_empty() {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        origins.judge(&headers)
    }

    #[test]
    fn sb_06_origins_are_compared_exactly() {
        let listed = ["https://app.example.com"];
        let public = Some("https://id.example.com");
        for ours in ["https://app.example.com", "https://id.example.com"] {
            assert_eq!(judge(&listed, public, ours, "id.example.com"), Origin::Ours);
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
            assert_eq!(judge(&listed, public, foreign, "id.example.com"), Origin::Foreign, "{foreign}");
        }
        assert_eq!(judge(&listed, public, "", "id.example.com"), Origin::Absent);
    }

    #[test]
    fn sb_06_without_a_public_url_the_page_of_this_very_address_is_ours() {
        for host in ["127.0.0.1:8000", "[::1]:8000", "localhost:8000", "localhost", "192.168.0.5"] {
            assert_eq!(judge(&[], None, &format!("http://{host}"), host), Origin::Ours, "{host}");
        }
        assert_eq!(judge(&[], None, "http://127.0.0.1:9999", "127.0.0.1:8000"), Origin::Foreign);
        // An app's page is served by the app, whatever it calls its host.
        assert_eq!(judge(&[], None, "capacitor://localhost", "localhost"), Origin::Foreign);
        // DNS rebinding: a foreign name that was pointed at this machine.
        assert_eq!(judge(&[], None, "http://evil.example:8000", "evil.example:8000"), Origin::Foreign);
        assert_eq!(
            judge(&[], Some("https://id.example.com"), "http://localhost:8000", "localhost:8000"),
            Origin::Foreign
        );
    }
}
