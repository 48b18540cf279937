//! The request context: client address, request id and locale. Created once per request and passed to all services.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use crate::locale::Locale;

/// The client address, as determined by the HTTP layer (`TRUSTED_PROXIES`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// An IPv4-mapped IPv6 address (`::ffff:192.0.2.1`) is converted to IPv4.
    pub fn new(address: IpAddr) -> Self {
        Self(address.to_canonical())
    }

    /// The network that quotas count: an IPv4 address, or the /64 of an IPv6 address, since one household usually has a
    /// whole /64.
    pub fn network(self) -> IpAddr {
        match self.0 {
            IpAddr::V4(_) => self.0,
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        }
    }

    /// The /48 of an IPv6 address, the largest block that one site usually has (RFC 6177); None for IPv4.
    pub fn site(self) -> Option<IpAddr> {
        match self.0 {
            IpAddr::V4(_) => None,
            IpAddr::V6(address) => {
                let [a, b, c, ..] = address.segments();
                Some(IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)))
            }
        }
    }

    /// The whole address, for the user's own list of sessions and the audit trail.
    pub fn ip(self) -> IpAddr {
        self.0
    }
}

impl fmt::Display for ClientAddress {
    /// Shortened, for logs: only the IPv4 /24 or the IPv6 /48.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                write!(f, "{a}.{b}.{c}.x")
            }
            IpAddr::V6(address) => {
                let [a, b, c, ..] = address.segments();
                write!(f, "{a:x}:{b:x}:{c:x}::x")
            }
        }
    }
}

/// The context of a request. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Caller {
    pub address: ClientAddress,
    /// At most 512 bytes; the HTTP layer truncates it.
    pub user_agent: Option<Arc<str>>,
    /// Identifies this request in the log and in error responses.
    pub request_id: Arc<str>,
    /// The language of the response: from `Accept-Language`, or else the service's default.
    pub locale: Locale,
}
