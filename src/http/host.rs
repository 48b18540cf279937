//! The host of a request by its `Host` header.
//!
//! An attacker's DNS server can point a name at this machine (DNS rebinding). A page under that name then has the same
//! origin as this service for the browser. The page can't change the name that the browser sends in `Host`.

use std::net::IpAddr;

use axum::http::{HeaderMap, header};

/// The host without its port. None if the header is missing or not unique.
pub fn named(headers: &HeaderMap) -> Option<&str> {
    let mut lines = headers.get_all(header::HOST).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return None };
    without_port(line.to_str().ok()?)
}

/// `[::1]:8000` is `::1`, `localhost:8000` is `localhost`.
pub fn without_port(authority: &str) -> Option<&str> {
    match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map(|(address, _)| address),
        None => authority.split(':').next().map(|name| name.strip_suffix('.').unwrap_or(name)),
    }
}

/// Whether the host is this machine for every resolver: a loopback address, or `localhost`, which browsers do not look
/// up.
pub fn is_loopback(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    address(&host).is_some_and(|address| address.is_loopback()) || host == "localhost" || host.ends_with(".localhost")
}

/// The IP address, if the host is one. DNS can't change it.
pub fn address(host: &str) -> Option<IpAddr> {
    host.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(line: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, line.parse().unwrap());
        named(&headers).map(str::to_owned)
    }

    #[test]
    fn host_is_read_without_port() {
        for (line, name) in [
            ("localhost:8000", "localhost"),
            ("localhost.", "localhost"),
            ("127.0.0.1", "127.0.0.1"),
            ("[::1]:8000", "::1"),
            ("id.example.com:443", "id.example.com"),
        ] {
            assert_eq!(host(line).as_deref(), Some(name), "{line}");
        }
        let mut two = HeaderMap::new();
        two.append(header::HOST, "localhost".parse().unwrap());
        two.append(header::HOST, "evil.example".parse().unwrap());
        assert_eq!(named(&two), None);
        assert_eq!(named(&HeaderMap::new()), None);
    }

    #[test]
    fn names_controlled_by_dns_are_not_loopback() {
        for ours in ["localhost", "LocalHost", "app.localhost", "127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"] {
            assert!(is_loopback(ours), "{ours}");
        }
        for foreign in
            ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0", "192.168.0.5", "", "127.1"]
        {
            assert!(!is_loopback(foreign), "{foreign}");
        }
    }
}
