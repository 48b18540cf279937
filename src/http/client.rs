//! The client of a request: its address, user agent, request id and language.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;

use crate::http::Negotiate;
use domain::caller::{Caller, ClientAddress};
use platform::{
    clock::Entropy,
    config::http::{ForwardedHeader, Http},
};

/// Address of the connection's peer, set on each request by the server.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Identifies a request in logs and responses; taken from a trusted proxy, else generated.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const MAX_USER_AGENT: usize = 512;

/// Identifies clients.
#[derive(Clone)]
pub struct Clients {
    trusted: Vec<IpNet>,
    header: ForwardedHeader,
    entropy: Entropy,
    negotiate: Negotiate,
}

impl Clients {
    pub fn new(settings: &Http, entropy: Entropy, negotiate: Negotiate) -> Self {
        let (trusted, header) = (settings.trusted_proxies.clone(), settings.forwarded_header);
        Self { trusted, header, entropy, negotiate }
    }

    /// The client of a request with these headers on a connection from `peer`.
    pub fn recognise(&self, peer: Option<Peer>, headers: &HeaderMap) -> Caller {
        // Without a peer (a router without a server, in tests) all clients share one address and its quotas.
        let peer = peer.map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0.ip().to_canonical());
        let proxied = self.trusts(peer);
        let address = if proxied { self.forwarded(headers).unwrap_or(peer) } else { peer };
        let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(|id| proxied && well_formed(id));
        let language = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Caller {
            address: ClientAddress::new(address),
            user_agent: headers
                .get(header::USER_AGENT)
                .map(|value| truncate(&String::from_utf8_lossy(value.as_bytes())).into()),
            request_id: given.map_or_else(|| self.new_request_id(), str::to_owned).into(),
            locale: (self.negotiate)(language),
        }
    }

    /// The same client with a new request id, for one of the operations of a socket.
    pub fn again(&self, caller: &Caller) -> Caller {
        Caller { request_id: self.new_request_id().into(), ..caller.clone() }
    }

    fn new_request_id(&self) -> String {
        hex::encode(self.entropy.bytes::<8>())
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address))
    }

    /// The right-most address that is not a trusted proxy: entries to its left can be forged by the client. None if the
    /// header is missing or that entry is not an address.
    fn forwarded(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let (name, read): (_, fn(&str) -> Option<IpAddr>) = match self.header {
            ForwardedHeader::XForwardedFor => ("x-forwarded-for", node),
            ForwardedHeader::Forwarded => ("forwarded", forwarded_element),
        };
        let mut client = None;
        for line in headers.get_all(name).iter().rev() {
            // An unreadable line ends the search like an invalid entry, because entries to its left can be forged.
            for hop in line.to_str().ok()?.rsplit(',') {
                let address = read(hop.trim())?;
                client = Some(address);
                if !self.trusts(address) {
                    return client;
                }
            }
        }
        client
    }
}

/// The `for` of one element of `Forwarded` (RFC 7239, section 4).
fn forwarded_element(element: &str) -> Option<IpAddr> {
    let mut pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
    node(value.trim_matches('"'))
}

/// An address, with a port or without: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
fn node(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(text, |(address, _)| address);
    let address =
        bare.parse::<IpAddr>().ok().or_else(|| bare.parse::<SocketAddr>().ok().map(|address| address.ip()))?;
    Some(address.to_canonical())
}

fn well_formed(id: &str) -> bool {
    (8..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn truncate(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_USER_AGENT)]
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
