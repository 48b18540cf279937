//! Networks in settings: how they are written, and which are too wide to be trusted.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::config::Env;

/// The widest network of IPv4 that belongs to one operator (10.0.0.0/8).
const WIDEST_IPV4: u8 = 8;
/// The widest network of IPv6 that does, unique local addresses aside.
const WIDEST_IPV6: u8 = 16;
/// The bits before an IPv4 address in IPv6 (`::ffff:0:0/96`, RFC 4291 section 2.5.5.2).
const MAPPED_BITS: u8 = 96;

/// The networks whose word about a client's address is taken. One that holds the whole internet would let every client
/// name its own address.
pub fn trusted_proxies(env: &Env) -> Vec<IpNet> {
    let proxies = env.list("TRUSTED_PROXIES", parse);
    if let Some(wide) = too_wide(&proxies) {
        env.refuse(
            "TRUSTED_PROXIES",
            format!(
                "covers {wide}: everybody there could claim any client address. Name the addresses of the proxies, such \
                 as 10.0.0.0/8"
            ),
        );
    }
    proxies
}

/// An address or a network. What is written as IPv4 mapped into IPv6 is IPv4, since that is how clients are compared.
pub fn parse(text: &str) -> Result<IpNet, String> {
    text.parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map(canonical)
        .map_err(|_| format!("an address or a network such as 10.0.0.0/8, not {text:?}"))
}

fn canonical(network: IpNet) -> IpNet {
    let mapped = |network: Ipv6Net| {
        let address = network.network().to_ipv4_mapped()?;
        Ipv4Net::new(address, network.prefix_len().checked_sub(MAPPED_BITS)?).ok()
    };
    match network {
        IpNet::V6(v6) => mapped(v6).map_or(network, IpNet::V4),
        IpNet::V4(_) => network,
    }
}

/// A network within these, or made up by several of them, that is no operator's own; none: all are narrow enough.
pub fn too_wide(networks: &[IpNet]) -> Option<IpNet> {
    IpNet::aggregate(&networks.to_vec()).into_iter().find(|network| match network {
        IpNet::V4(v4) => v4.prefix_len() < WIDEST_IPV4,
        IpNet::V6(v6) => holds_all_mapped(v6) || (v6.prefix_len() < WIDEST_IPV6 && !is_unique_local(v6)),
    })
}

fn holds_all_mapped(network: &Ipv6Net) -> bool {
    network.prefix_len() <= MAPPED_BITS && network.contains(&Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0))
}

/// `fc00::/7` (RFC 4193) or a part of it.
fn is_unique_local(network: &Ipv6Net) -> bool {
    network.prefix_len() >= 7 && network.network().segments()[0] & 0xfe00 == 0xfc00
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(list: &str) -> bool {
        let networks: Vec<_> = list.split(',').map(|text| parse(text.trim()).unwrap()).collect();
        too_wide(&networks).is_some()
    }

    #[test]
    fn a_list_that_covers_everybody_is_too_wide_however_it_is_written() {
        for list in [
            "0.0.0.0/0",
            "::/0",
            "::ffff:0.0.0.0/96",
            "::ffff:0:0/96",
            "::/96, ::/64",
            "10.0.0.0/8, 0.0.0.0/0",
            "0.0.0.0/1, 128.0.0.0/1",
            "0.0.0.0/2, 64.0.0.0/2, 128.0.0.0/2, 192.0.0.0/2",
            "::/1, 8000::/1",
            "2000::/3",
            "1.2.3.4/0",
            "128.0.0.0/1",
            "::ffff:128.0.0.0/97",
        ] {
            assert!(wide(list), "{list}");
        }
        let halves: Vec<_> = (0..=255u8).map(|first| format!("{first}.0.0.0/8")).collect();
        assert!(wide(&halves.join(",")));
    }

    #[test]
    fn networks_of_operators_are_taken() {
        for list in [
            "127.0.0.1",
            "10.0.0.0/8",
            "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, fc00::/7, ::1",
            "fd00::/8",
            "2400:cb00::/32, 2606:4700::/32",
            "173.245.48.0/20, 104.16.0.0/13, 104.24.0.0/14",
            "fe80::/16",
        ] {
            assert!(!wide(list), "{list}");
        }
    }

    #[test]
    fn mapped_networks_are_ipv4() {
        assert_eq!(parse("::ffff:10.0.0.0/104").unwrap(), parse("10.0.0.0/8").unwrap());
        assert_eq!(parse("::ffff:127.0.0.1").unwrap(), parse("127.0.0.1").unwrap());
        assert!(parse("10.0.0.0/99").is_err());
    }
}
