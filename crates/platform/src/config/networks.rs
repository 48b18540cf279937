//! Networks in settings: parsing, and the check that a trusted network is not too wide.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::config::Env;

/// The shortest prefix of an IPv4 network of one operator (10.0.0.0/8).
const WIDEST_IPV4: u8 = 8;
/// The shortest prefix of an IPv6 network of one operator, except unique local addresses.
const WIDEST_IPV6: u8 = 16;
/// The prefix length before the IPv4 address in a mapped address (`::ffff:0:0/96`, RFC 4291 section 2.5.5.2).
const MAPPED_BITS: u8 = 96;

/// The networks of proxies that are trusted to set the client address. A network that covers the internet is rejected:
/// it would allow every client to spoof its address.
pub fn trusted_proxies(env: &Env) -> Vec<IpNet> {
    let proxies = env.list("TRUSTED_PROXIES", parse);
    if let Some(wide) = too_wide(&proxies) {
        env.refuse(
            "TRUSTED_PROXIES",
            format!(
                "covers {wide}: every host there could claim any client address. Set the addresses of the proxies, such \
                 as 10.0.0.0/8"
            ),
        );
    }
    proxies
}

/// Parses an address or a network. IPv4-mapped IPv6 becomes IPv4, since client addresses are compared in that form.
pub fn parse(text: &str) -> Result<IpNet, String> {
    text.parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map(canonical)
        .map_err(|_| format!("must be an address or a network such as 10.0.0.0/8, not {text:?}"))
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

/// A network of this list, or a combination of several, that is too wide for one operator. `None`: all are narrow
/// enough.
pub fn too_wide(networks: &[IpNet]) -> Option<IpNet> {
    IpNet::aggregate(&networks.to_vec()).into_iter().find(|network| match network {
        IpNet::V4(v4) => v4.prefix_len() < WIDEST_IPV4,
        IpNet::V6(v6) => holds_all_mapped(v6) || (v6.prefix_len() < WIDEST_IPV6 && !is_unique_local(v6)),
    })
}

fn holds_all_mapped(network: &Ipv6Net) -> bool {
    network.prefix_len() <= MAPPED_BITS && network.contains(&Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0))
}

/// Whether the network is `fc00::/7` (RFC 4193) or a part of it.
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
    fn list_that_covers_the_internet_is_too_wide_in_every_notation() {
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
    fn networks_of_operators_are_accepted() {
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
    fn mapped_networks_become_ipv4() {
        assert_eq!(parse("::ffff:10.0.0.0/104").unwrap(), parse("10.0.0.0/8").unwrap());
        assert_eq!(parse("::ffff:127.0.0.1").unwrap(), parse("127.0.0.1").unwrap());
        assert!(parse("10.0.0.0/99").is_err());
    }
}
