use std::sync::Arc;

use super::*;
use domain::locale::Locale;

fn clients(trusted: &[&str], header: ForwardedHeader) -> Clients {
    Clients {
        trusted: trusted.iter().map(|network| network.parse().unwrap()).collect(),
        header,
        entropy: Entropy::seeded(1),
        negotiate: Arc::new(|_| Locale::Ko),
    }
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
}

fn client_address(clients: &Clients, peer: &str, pairs: &[(&'static str, &str)]) -> String {
    let peer = Peer(SocketAddr::new(peer.parse().unwrap(), 4711));
    clients.recognise(Some(peer), &headers(pairs)).address.ip().to_string()
}

#[test]
fn bf_08_header_from_untrusted_peer_is_ignored() {
    let direct = clients(&[], ForwardedHeader::XForwardedFor);
    assert_eq!(
        client_address(&direct, "203.0.113.7", &[("x-forwarded-for", "1.1.1.1"), ("forwarded", "for=1.1.1.1")]),
        "203.0.113.7"
    );
    let behind = clients(&["10.0.0.0/8"], ForwardedHeader::XForwardedFor);
    assert_eq!(client_address(&behind, "203.0.113.7", &[("x-forwarded-for", "1.1.1.1")]), "203.0.113.7");
}

#[test]
fn bf_08_rightmost_untrusted_hop_is_the_client() {
    let behind = clients(&["10.0.0.0/8"], ForwardedHeader::XForwardedFor);
    for (line, client) in [
        ("198.51.100.9", "198.51.100.9"),
        ("1.1.1.1, 198.51.100.9", "198.51.100.9"),
        ("1.1.1.1, 198.51.100.9, 10.3.3.3", "198.51.100.9"),
        ("10.1.1.1, 10.2.2.2", "10.1.1.1"),
        ("198.51.100.9:5060", "198.51.100.9"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:198.51.100.9", "198.51.100.9"),
    ] {
        assert_eq!(client_address(&behind, "10.0.0.1", &[("x-forwarded-for", line)]), client, "{line}");
    }
    let twice = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "198.51.100.9")];
    let mut lines = HeaderMap::new();
    for (name, value) in twice {
        lines.append(name, value.parse().unwrap());
    }
    let peer = Peer("10.0.0.1:1".parse().unwrap());
    assert_eq!(behind.recognise(Some(peer), &lines).address.ip().to_string(), "198.51.100.9");
}

#[test]
fn bf_08_invalid_header_falls_back_to_peer_address() {
    let behind = clients(&["10.0.0.0/8"], ForwardedHeader::XForwardedFor);
    for line in ["", "unknown", "1.1.1.1, _hidden", "999.1.1.1", "1.1.1.1,", "<script>"] {
        assert_eq!(client_address(&behind, "10.0.0.1", &[("x-forwarded-for", line)]), "10.0.0.1", "{line:?}");
    }
}

#[test]
fn bf_08_only_configured_header_is_used() {
    let behind = clients(&["10.0.0.0/8", "2001:db8:ffff::/48"], ForwardedHeader::Forwarded);
    let both = [("x-forwarded-for", "1.1.1.1"), ("forwarded", "for=\"[2001:db8::7]:80\";proto=https")];
    assert_eq!(client_address(&behind, "10.0.0.1", &both), "2001:db8::7");
    assert_eq!(
        client_address(&behind, "2001:db8:ffff::1", &[("forwarded", "for=9.9.9.9, For=198.51.100.9;by=10.0.0.1")]),
        "198.51.100.9"
    );
    assert_eq!(client_address(&behind, "10.0.0.1", &[("forwarded", "by=10.0.0.9")]), "10.0.0.1");
}

#[test]
fn request_id_is_accepted_only_from_trusted_proxy() {
    let behind = clients(&["10.0.0.0/8"], ForwardedHeader::XForwardedFor);
    let id = |peer: &str, id: &str| {
        let caller =
            behind.recognise(Some(Peer(SocketAddr::new(peer.parse().unwrap(), 1))), &headers(&[("x-request-id", id)]));
        caller.request_id.to_string()
    };
    assert_eq!(id("10.0.0.1", "0d5c4f0a-1c1e"), "0d5c4f0a-1c1e");
    assert_ne!(id("203.0.113.7", "0d5c4f0a-1c1e"), "0d5c4f0a-1c1e");
    assert_ne!(id("10.0.0.1", "a b c d e f g"), "a b c d e f g");
    assert_eq!(id("203.0.113.7", "x").len(), 16);
}

#[test]
fn long_user_agent_is_cut_at_character_boundary() {
    let long = "휴".repeat(300);
    let mut map = HeaderMap::new();
    map.insert(header::USER_AGENT, axum::http::HeaderValue::from_bytes(long.as_bytes()).unwrap());
    let caller = clients(&[], ForwardedHeader::Forwarded).recognise(None, &map);
    assert_eq!(caller.user_agent.unwrap().len(), 510);
}
