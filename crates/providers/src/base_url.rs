//! Configured base URLs of provider APIs.

use std::net::IpAddr;

use reqwest::Url;

/// Parses the URL of a provider. `http` is only allowed to loopback addresses, because requests contain keys and codes.
///
/// # Errors
/// A hint for the operator, without the value: a URL may contain a secret.
pub fn parse(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|_| "a URL such as https://api.example.com".to_owned())?;
    match (url.scheme(), url.host_str()) {
        ("https", Some(host)) if !is_link_local(host) => Ok(url),
        ("http", Some(host)) if is_loopback(host) => Ok(url),
        ("http", Some(_)) => Err("https:// (http:// only to a loopback address)".to_owned()),
        _ => Err("a URL that starts with https:// and names a host".to_owned()),
    }
}

/// Like [`parse`], for the base URL of an API: no query and no fragment; a trailing slash is removed.
///
/// # Errors
/// A hint for the operator.
pub fn parse_base(text: &str) -> Result<String, String> {
    let url = parse(text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("a base URL without a query and a fragment".to_owned());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Whether a host name or address is a loopback address.
pub fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || address(host).is_some_and(|address| address.is_loopback())
}

/// Link-local addresses are those of cloud metadata services; no provider has one.
fn is_link_local(host: &str) -> bool {
    match address(host) {
        Some(IpAddr::V4(address)) => address.is_link_local(),
        Some(IpAddr::V6(address)) => address.is_unicast_link_local(),
        None => false,
    }
}

fn address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// DL-06: requests to other hosts are encrypted and go only to configured URLs.
    #[test]
    fn http_is_only_allowed_to_loopback_addresses() {
        for good in ["https://api.twilio.com", "http://127.0.0.1:4010", "http://localhost:1", "http://[::1]:2/x"] {
            assert!(parse_base(good).is_ok(), "{good}");
        }
        for bad in
            ["http://api.twilio.com", "ftp://127.0.0.1", "api.twilio.com", "https://169.254.169.254", "", "https://x?y"]
        {
            assert!(parse_base(bad).is_err(), "{bad}");
        }
        assert_eq!(parse_base("https://api.example.com/v1/").unwrap(), "https://api.example.com/v1");
    }
}
