//! Cookies in HTTP headers (RFC 6265): from the request into the jar, and from the jar into the response.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::graphql::cookies::Cookies;
use platform::config::Secret;

/// Headers that pages of other sites can't send without a CORS preflight; any of them, with any value.
const PROTECTING: [&str; 2] = ["x-requested-with", "apollo-require-preflight"];

/// The cookie jar of a request.
///
/// A browser sends the cookies of all applications on this host, and they may contain any bytes. They are split as
/// bytes, and a pair that is not text is skipped without affecting the others.
pub fn read(headers: &HeaderMap) -> Cookies {
    let lines = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
    let pairs = lines.flat_map(|line| line.split(|byte| *byte == b';')).filter_map(pair);
    Cookies::new(pairs, PROTECTING.iter().any(|name| headers.contains_key(*name)))
}

fn pair(bytes: &[u8]) -> Option<(String, Secret)> {
    let (name, value) = std::str::from_utf8(bytes).ok()?.split_once('=')?;
    Some((trimmed(name).to_owned(), Secret::new(unquoted(trimmed(value)))))
}

/// Without the white space of RFC 6265: space and tab. Other white space is part of the name: browsers do not treat
/// U+2003 followed by `__Host-x` as a name with the prefix `__Host-`, so any host of the domain can set such a cookie.
fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value)
}

/// Writes the cookies that were set in the jar.
pub fn write(cookies: &Cookies, headers: &mut HeaderMap) {
    for cookie in cookies.take_set() {
        match HeaderValue::from_str(cookie.expose()) {
            Ok(mut value) => {
                value.set_sensitive(true);
                headers.append(header::SET_COOKIE, value);
            }
            Err(_) => tracing::error!("a cookie is not a valid header value"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_read_and_written() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, "a=1; __Host-refresh=\"x y\"; a=2".parse().unwrap());
        let jar = read(&headers);
        let named = |name| jar.named(name).map(Secret::expose).collect::<Vec<_>>();
        assert_eq!(named("__Host-refresh"), ["x y"]);
        assert_eq!(named("a"), ["1", "2"]);
        assert!(!jar.protected());
        headers.insert("x-requested-with", "page".parse().unwrap());
        assert!(read(&headers).protected());

        jar.set("b=3; HttpOnly");
        jar.set("bad\r\nx: y");
        let mut response = HeaderMap::new();
        write(&jar, &mut response);
        assert_eq!(response.get_all(header::SET_COOKIE).iter().collect::<Vec<_>>(), ["b=3; HttpOnly"]);
    }

    #[test]
    fn unreadable_cookies_are_skipped_individually() {
        let mut headers = HeaderMap::new();
        let lines: [&[u8]; 3] = ["nick=김민지; ours=1".as_bytes(), b"raw=\xff\xfe; ours=2;flag; =x", b"\xe9; ours=3"];
        for line in lines {
            headers.append(header::COOKIE, HeaderValue::from_bytes(line).unwrap());
        }
        let jar = read(&headers);
        assert_eq!(jar.named("ours").map(Secret::expose).collect::<Vec<_>>(), ["1", "2", "3"]);
        assert_eq!(jar.named("raw").count(), 0);
    }

    #[test]
    fn only_spaces_and_tabs_are_trimmed() {
        let mut headers = HeaderMap::new();
        let line = " \ta=1 ;\u{2003}a=2; \u{a0}a=3; \u{85}a=4;\u{3000}a=5; a\u{2000}=6";
        headers.insert(header::COOKIE, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        assert_eq!(read(&headers).named("a").map(Secret::expose).collect::<Vec<_>>(), ["1"]);
    }

    #[test]
    fn transport_without_cookies_neither_reads_nor_sets() {
        let jar = Cookies::none();
        jar.set("a=1");
        assert!(!jar.writable() && jar.take_set().is_empty());
    }
}
