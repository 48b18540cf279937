//! Cookies on the wire (RFC 6265): out of the request into the jar, out of the jar into the answer.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::{config::Secret, graphql::cookies::Cookies};

/// Headers that a page of another site cannot send without a CORS preflight; any of them, with any value.
const PROTECTING: [&str; 2] = ["x-requested-with", "apollo-require-preflight"];

/// The jar of a request.
pub fn read(headers: &HeaderMap) -> Cookies {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let sent = pairs.map(|(name, value)| (name.to_owned(), Secret::new(value.trim_matches('"'))));
    Cookies::new(sent, PROTECTING.iter().any(|name| headers.contains_key(*name)))
}

/// Writes what was set in the jar.
pub fn write(cookies: &Cookies, headers: &mut HeaderMap) {
    for cookie in cookies.take_set() {
        match HeaderValue::from_str(cookie.expose()) {
            Ok(mut value) => {
                value.set_sensitive(true);
                headers.append(header::SET_COOKIE, value);
            }
            Err(_) => tracing::error!("a cookie that was set is not a header value"),
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
        assert_eq!(jar.get("__Host-refresh").unwrap().expose(), "x y");
        assert_eq!(jar.get("a").unwrap().expose(), "1");
        assert!(!jar.protected());
        headers.insert("x-requested-with", "page".parse().unwrap());
        assert!(read(&headers).protected());

        jar.set("b=3; HttpOnly");
        jar.set("bad\r\nx: y");
        let mut answer = HeaderMap::new();
        write(&jar, &mut answer);
        assert_eq!(answer.get_all(header::SET_COOKIE).iter().collect::<Vec<_>>(), ["b=3; HttpOnly"]);
    }

    #[test]
    fn a_transport_without_cookies_neither_reads_nor_sets() {
        let jar = Cookies::none();
        jar.set("a=1");
        assert!(!jar.writable() && jar.take_set().is_empty());
    }
}
