//! Who asks, from where, in which language: made once at the edge and passed first to everything below.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use crate::locale::Locale;

/// The address of whoever asks, as the edge judged it (`TRUSTED_PROXIES`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// An IPv4 address in IPv6 clothes (`::ffff:192.0.2.1`) is that IPv4 address.
    pub fn new(address: IpAddr) -> Self {
        Self(address.to_canonical())
    }

    /// What quotas count: an IPv4 address whole, an IPv6 address by its /64, since one home is given a whole /64.
    pub fn network(self) -> IpAddr {
        match self.0 {
            IpAddr::V4(_) => self.0,
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        }
    }

    /// The /48 of an IPv6 address, the most that one site is given (RFC 6177); none for IPv4.
    pub fn site(self) -> Option<IpAddr> {
        match self.0 {
            IpAddr::V4(_) => None,
            IpAddr::V6(address) => {
                let [a, b, c, ..] = address.segments();
                Some(IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)))
            }
        }
    }

    /// The whole address, for the person's own list of sessions and the audit trail.
    pub fn ip(self) -> IpAddr {
        self.0
    }
}

impl fmt::Display for ClientAddress {
    /// Coarse, for logs: the last part hidden (IPv4 /24, IPv6 /48).
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

/// Who asks. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Caller {
    pub address: ClientAddress,
    /// At most 512 bytes; the edge cuts it.
    pub user_agent: Option<Arc<str>>,
    /// Names this request in the log and in answers to faults.
    pub request_id: Arc<str>,
    /// The language of answers: `Accept-Language`, else the service's default.
    pub locale: Locale,
}
