//! Parsing and checking keys from settings and files.

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{MIN_BYTES, ServerKey, strength::weakness};
use crate::secret::Secret;

/// The DER prefix before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410, section 7).
pub const ED25519_PKCS8_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// Part of error messages: how to generate a strong key.
const GENERATE_HINT: &str = "make one with: openssl rand -base64 32";

/// Parses a server key in Base64.
///
/// # Errors
/// An error message for the operator, never with the value.
pub fn server_key(text: &Secret) -> Result<ServerKey, String> {
    let bytes = STANDARD.decode(text.expose()).map_err(|_| format!("is not Base64; {GENERATE_HINT}"))?;
    let bytes = Zeroizing::new(bytes);
    let key = ServerKey::new(bytes.to_vec())?;
    check_strength(text.expose().as_bytes())?;
    check_strength(&bytes)?;
    Ok(key)
}

/// Checks a secret for signing access tokens with HMAC (RFC 7518 section 3.2: a key at least as long as the hash).
///
/// # Errors
/// An error message for the operator, never with the value.
pub fn check_secret(text: &Secret) -> Result<(), String> {
    check_text(text, MIN_BYTES)
}

/// Checks that a secret chosen by the operator has at least `least` characters and is strong.
///
/// # Errors
/// An error message for the operator, never with the value.
pub fn check_text(text: &Secret, min_length: usize) -> Result<(), String> {
    let text = text.expose();
    if text.chars().any(|c| c.is_control() || INVISIBLE.contains(&c)) {
        return Err(format!("contains a line break or an invisible character; {GENERATE_HINT}"));
    }
    if text.len() < min_length {
        return Err(format!("needs at least {min_length} characters; {GENERATE_HINT}"));
    }
    check_strength(text.as_bytes())
}

/// Invisible characters, which are never intended in a key.
const INVISIBLE: [char; 7] = ['\u{feff}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{200e}', '\u{200f}', '\u{2060}'];

/// The seed of an Ed25519 key: 32 bytes in Base64, or a PKCS #8 PEM.
///
/// # Errors
/// An error message for the operator, never with the value.
pub fn ed25519_seed(key: &Secret) -> Result<Zeroizing<[u8; 32]>, String> {
    let seed = unchecked_seed(key)?;
    check_strength(&seed[..])?;
    Ok(seed)
}

fn unchecked_seed(key: &Secret) -> Result<Zeroizing<[u8; 32]>, String> {
    let text = unescape_newlines(key);
    let body: Zeroizing<String> =
        Zeroizing::new(text.lines().filter(|line| !line.starts_with("-----")).flat_map(str::chars).collect());
    let bytes = STANDARD.decode(body.trim()).map_err(|_| "is neither Base64 nor a PEM".to_owned())?;
    let bytes = Zeroizing::new(bytes);
    let seed = if text.contains("-----BEGIN") {
        bytes.strip_prefix(&ED25519_PKCS8_PREFIX).ok_or("is a PEM, but not of an Ed25519 private key in PKCS #8")?
    } else {
        &bytes[..]
    };
    let seed = seed.try_into().map_err(|_| format!("needs 32 bytes, not {}; {GENERATE_HINT}", seed.len()))?;
    Ok(Zeroizing::new(seed))
}

/// Checks a server key.
///
/// # Errors
/// An error message for the operator, never with the value.
pub fn check_server_key(text: &Secret) -> Result<(), String> {
    server_key(text).map(|_| ())
}

/// Checks an Ed25519 key.
///
/// # Errors
/// An error message for the operator, never with the value.
pub fn check_ed25519(text: &Secret) -> Result<(), String> {
    ed25519_seed(text).map(|_| ())
}

/// Checks that the private key of a PEM is not weak. Its type, and whether it can sign, are checked where it is opened.
///
/// # Errors
/// An error message for the operator, never with the value.
pub fn check_private_key(pem: &Secret) -> Result<(), String> {
    let weakness = unchecked_seed(pem).ok().and_then(|seed| weakness(&seed[..]));
    weakness.map_or(Ok(()), |reason| Err(format!("{reason}; make one with: openssl genpkey -algorithm ed25519")))
}

/// Replaces `\n` by line breaks: an environment variable may contain a PEM on one line.
pub fn unescape_newlines(pem: &Secret) -> Zeroizing<String> {
    Zeroizing::new(pem.expose().replace("\\n", "\n"))
}

/// Checks that the bytes of a key are strong.
///
/// # Errors
/// Why they are weak.
pub fn check_strength(bytes: &[u8]) -> Result<(), String> {
    weakness(bytes).map_or(Ok(()), |reason| Err(format!("{reason}; {GENERATE_HINT}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_not_base64_is_refused_without_its_value() {
        let refusal = server_key(&Secret::new("my pet's name")).unwrap_err();
        assert!(refusal.contains("Base64") && !refusal.contains("pet"));
    }

    #[test]
    fn weak_key_is_refused_as_bytes_seed_and_pem() {
        let counting: Vec<u8> = (1..=32).collect();
        let der = [&ED25519_PKCS8_PREFIX[..], &counting].concat();
        let pem = format!("-----BEGIN PRIVATE KEY-----\\n{}\\n-----END PRIVATE KEY-----", STANDARD.encode(der));
        let text = Secret::new(STANDARD.encode(&counting));
        assert!(server_key(&text).unwrap_err().contains("counts up"));
        assert!(ed25519_seed(&text).unwrap_err().contains("counts up"));
        assert!(ed25519_seed(&Secret::new(pem)).unwrap_err().contains("counts up"));
        assert!(check_secret(&text).unwrap_err().contains("counts up"));
    }

    #[test]
    fn invisible_characters_are_refused() {
        let strong = "H6YZz1NvVT5zQBlN4760krrJ/exLtL9vicbpTJPZbAQ=";
        assert_eq!(check_secret(&Secret::new(strong)), Ok(()));
        for hidden in ['\u{feff}', '\u{200b}', '\n', '\0'] {
            assert!(check_secret(&Secret::new(format!("{strong}{hidden}"))).unwrap_err().contains("invisible"));
        }
    }
}
