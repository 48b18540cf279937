//! HMAC with a key of any length.

use hmac::{KeyInit, Mac};

/// A MAC with `key`, updated with `parts`.
pub fn mac<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> M {
    #[expect(clippy::expect_used, reason = "HMAC accepts keys of any length (RFC 2104)")]
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC accepts keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac
}
