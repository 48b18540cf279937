//! The Standard Webhooks signature (specification 1.0.0, <https://www.standardwebhooks.com>): HMAC-SHA256 over
//! `id.timestamp.body`.
//!
//! The `standardwebhooks` crate reads the system clock and depends on another base64 and HMAC crate; the scheme is a
//! few lines.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::hmac_tag;
use domain::Timestamp;
use platform::config::Secret;

/// The header with the id of the message, which is the same for a retry.
pub const ID: &str = "webhook-id";
/// The header with the time of the request, in Unix seconds.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// The header with the signatures, separated by spaces.
pub const SIGNATURE: &str = "webhook-signature";

const VERSION: &str = "v1";
/// The maximum clock difference of a sender, and the window in which a captured request could be replayed.
const TOLERANCE_SECONDS: u64 = 5 * 60;

/// A signing key, parsed from `whsec_` and Base64.
#[derive(Clone)]
pub struct Key(Zeroizing<Vec<u8>>);

impl Key {
    /// # Errors
    /// A hint for the operator: 24 to 64 bytes are required.
    pub fn parse(text: &Secret) -> Result<Self, String> {
        let encoded = text.expose().strip_prefix("whsec_").unwrap_or(text.expose());
        match STANDARD.decode(encoded) {
            Ok(bytes) if (24..=64).contains(&bytes.len()) => Ok(Self(Zeroizing::new(bytes))),
            _ => Err("whsec_ and 24 to 64 random bytes in Base64 (openssl rand -base64 32)".to_owned()),
        }
    }

    /// The value of the signature header for one request; `timestamp` is in Unix seconds.
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let tag = self.mac(id, &timestamp.to_string(), body).finalize().into_bytes();
        format!("{VERSION},{}", STANDARD.encode(tag))
    }

    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        hmac_tag::mac(&self.0, &[id.as_bytes(), b".", timestamp.as_bytes(), b".", body])
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

/// Whether a request was signed with one of `keys` within five minutes of `now`. `signatures` is the header value:
/// several signatures, separated by spaces, during a key rotation of the sender.
pub fn is_authentic(keys: &[Key], id: &str, timestamp: &str, signatures: &str, body: &[u8], now: Timestamp) -> bool {
    let fresh = timestamp.parse::<i64>().is_ok_and(|sent| now.timestamp().abs_diff(sent) <= TOLERANCE_SECONDS);
    fresh
        && signatures
            .split(' ')
            .filter_map(|signature| signature.split_once(','))
            .filter(|(version, _)| *version == VERSION)
            .filter_map(|(_, tag)| STANDARD.decode(tag).ok())
            .any(|tag| keys.iter().any(|key| key.mac(id, timestamp, body).verify_slice(&tag).is_ok()))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn key() -> Key {
        Key::parse(&Secret::new(SECRET)).unwrap()
    }

    #[test]
    fn a_signature_is_valid_only_for_its_id_timestamp_and_body() {
        let now = DateTime::from_timestamp(1_767_225_600, 0).unwrap();
        let signature = key().sign("msg_1", 1_767_225_600, b"{}");
        let genuine = |id, timestamp, body| is_authentic(&[key()], id, timestamp, &signature, body, now);
        assert!(genuine("msg_1", "1767225600", b"{}"));
        assert!(!genuine("msg_2", "1767225600", b"{}"));
        assert!(!genuine("msg_1", "1767225601", b"{}"));
        assert!(!genuine("msg_1", "1767225600", b"{ }"));
        assert!(!genuine("msg_1", "soon", b"{}"));
    }

    #[test]
    fn a_signature_expires_after_five_minutes() {
        let signature = key().sign("msg_1", 1_000_000, b"");
        let at = |second| DateTime::from_timestamp(second, 0).unwrap();
        let genuine = |second| is_authentic(&[key()], "msg_1", "1000000", &signature, b"", at(second));
        assert!(genuine(1_000_300) && genuine(999_700));
        assert!(!genuine(1_000_301) && !genuine(999_699));
    }

    #[test]
    fn during_rotation_any_key_and_any_signature_is_accepted() {
        let now = DateTime::from_timestamp(0, 0).unwrap();
        let old = Key::parse(&Secret::new(format!("whsec_{}", STANDARD.encode([9; 32])))).unwrap();
        let signature = old.sign("msg_1", 0, b"");
        let several = format!("v1a,xx v1,AAAA {signature}");
        assert!(is_authentic(&[key(), old.clone()], "msg_1", "0", &several, b"", now));
        assert!(!is_authentic(&[key()], "msg_1", "0", &several, b"", now));
        assert!(!is_authentic(&[old], "msg_1", "0", &signature.replace("v1,", "v2,"), b"", now));
    }

    #[test]
    fn a_key_must_be_long_enough() {
        assert!(Key::parse(&Secret::new("whsec_c2hvcnQ=")).is_err());
        assert!(Key::parse(&Secret::new("not base64!")).is_err());
    }
}
