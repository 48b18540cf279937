//! Reading hashes, ours and others'.

use argon2::{Algorithm, Params, Version};
use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{
    ImportRejection::{self, Malformed, TooCostly, UnknownFormat},
    schemes::{Digest, Scheme},
};

/// Base 64 as these formats have it: usually without padding, but Django pads.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// No hash, no salt and no text is longer.
const MOST_BYTES: usize = 128;
const MOST_TEXT: usize = 512;

/// What a text says, whatever it would cost to verify.
pub fn scheme(text: &str) -> Result<Scheme, ImportRejection> {
    if text.len() > MOST_TEXT {
        return Err(UnknownFormat);
    }
    let fields: Vec<&str> = text.split('$').collect();
    match fields[..] {
        ["", id @ ("argon2id" | "argon2i" | "argon2d"), version, parameters, salt, hash] => {
            let version = version.strip_prefix("v=").ok_or(Malformed)?;
            argon2(id, number(version)?, parameters, salt, hash)
        }
        // Without a version it is the first one (PHC string format, argon2).
        ["", id @ ("argon2id" | "argon2i" | "argon2d"), parameters, salt, hash] => {
            argon2(id, Version::V0x10.into(), parameters, salt, hash)
        }
        ["", "2a" | "2b" | "2y", _, _] => {
            let parts: bcrypt::HashParts = text.parse().map_err(|_| Malformed)?;
            Ok(Scheme::Bcrypt { cost: parts.get_cost(), text: text.to_owned() })
        }
        ["", "scrypt", parameters, salt, hash] => scrypt(parameters, salt, hash),
        ["", id, rounds, salt, hash] if id.starts_with("pbkdf2") => {
            let rounds = if rounds.contains('=') { parameter(rounds, "i")? } else { number(rounds)? };
            // passlib writes its own base 64, with a dot for the plus.
            let (salt, hash) = (salt.replace('.', "+"), hash.replace('.', "+"));
            pbkdf2(id.trim_start_matches("pbkdf2").trim_start_matches('-'), rounds, bytes(&salt)?, &hash)
        }
        // Django takes the salt as text.
        [id, rounds, salt, hash] if id.starts_with("pbkdf2_") => {
            pbkdf2(id.trim_start_matches("pbkdf2_"), number(rounds)?, bounded(salt.as_bytes().to_vec())?, hash)
        }
        _ => Err(UnknownFormat),
    }
}

fn argon2(id: &str, version: u32, parameters: &str, salt: &str, hash: &str) -> Result<Scheme, ImportRejection> {
    let (salt, output) = (bytes(salt)?, bytes(hash)?);
    let [memory, passes, lanes] = ["m", "t", "p"].map(|name| parameter(parameters, name));
    if salt.len() < argon2::MIN_SALT_LEN {
        return Err(Malformed);
    }
    Ok(Scheme::Argon2 {
        algorithm: Algorithm::new(id).map_err(|_| Malformed)?,
        version: Version::try_from(version).map_err(|_| Malformed)?,
        params: Params::new(memory?, passes?, lanes?, Some(output.len())).map_err(|_| Malformed)?,
        salt,
        output,
    })
}

fn scrypt(parameters: &str, salt: &str, hash: &str) -> Result<Scheme, ImportRejection> {
    let [log_n, r, p] = ["ln", "r", "p"].map(|name| parameter(parameters, name));
    let log_n = u8::try_from(log_n?).map_err(|_| TooCostly)?;
    let params = match (r?, p?) {
        (0, _) | (_, 0) => return Err(Malformed),
        // What is left to refuse are sizes that overflow.
        (r, p) if u64::from(r) * u64::from(p) < 1 << 30 => scrypt::Params::new(log_n, r, p).map_err(|_| TooCostly)?,
        _ => return Err(TooCostly),
    };
    Ok(Scheme::Scrypt { params, salt: bytes(salt)?, output: bytes(hash)? })
}

fn pbkdf2(digest: &str, rounds: u32, salt: Vec<u8>, hash: &str) -> Result<Scheme, ImportRejection> {
    let digest = match digest {
        "" | "sha1" => Digest::Sha1,
        "sha256" => Digest::Sha256,
        "sha512" => Digest::Sha512,
        _ => return Err(UnknownFormat),
    };
    Ok(Scheme::Pbkdf2 { digest, rounds, salt, output: bytes(hash)? })
}

fn bytes(text: &str) -> Result<Vec<u8>, ImportRejection> {
    bounded(BASE64.decode(text).map_err(|_| Malformed)?)
}

fn bounded(bytes: Vec<u8>) -> Result<Vec<u8>, ImportRejection> {
    if (1..=MOST_BYTES).contains(&bytes.len()) { Ok(bytes) } else { Err(Malformed) }
}

/// A parameter out of `m=19456,t=2,p=1`.
fn parameter(parameters: &str, name: &str) -> Result<u32, ImportRejection> {
    let found = parameters.split(',').find_map(|parameter| parameter.strip_prefix(name)?.strip_prefix('='));
    number(found.ok_or(Malformed)?)
}

/// Decimal digits. A number that no field holds is one that costs too much.
fn number(text: &str) -> Result<u32, ImportRejection> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Malformed);
    }
    text.parse().map_err(|_| TooCostly)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::PasswordHash, *};

    fn rejection(text: &str) -> Option<&'static str> {
        PasswordHash::import(text).err().map(ImportRejection::reason)
    }

    #[test]
    fn absurd_and_garbled_hashes_are_refused() {
        let hash = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let short = "AAAAAA";
        for (text, reason) in [
            (String::new(), "unknown_format"),
            ("plain text".into(), "unknown_format"),
            ("5f4dcc3b5aa765d61d8327deb882cf99".into(), "unknown_format"),
            (format!("$5$rounds=5000$salt${hash}"), "unknown_format"),
            (format!("$2x$10${}", ".".repeat(53)), "unknown_format"),
            (format!("$argon2id$v=19$m=4294967295,t=1,p=1${hash}${hash}"), "too_costly"),
            (format!("$argon2id$v=19$m=99999999999,t=1,p=1${hash}${hash}"), "too_costly"),
            (format!("$argon2id$v=19$m=65536,t=4000000000,p=1${hash}${hash}"), "too_costly"),
            (format!("$argon2id$v=19$m=65536,t=3${hash}${hash}"), "malformed"),
            (format!("$argon2id$v=19$m=65536,t=3,p=0${hash}${hash}"), "malformed"),
            (format!("$argon2id$v=7$m=65536,t=3,p=1${hash}${hash}"), "malformed"),
            (format!("$argon2id$v=19$m=65536,t=3,p=1$!${hash}"), "malformed"),
            (format!("$argon2id$v=19$m=65536,t=3,p=1${hash}${short}"), "too_weak"),
            ("$2b$31$C6UzMDM.H6dfI/f/IKcEeO7cNfnyPqQ.cP1pXAYjbEdBE9eqTtcNW".into(), "too_costly"),
            ("$2b$03$C6UzMDM.H6dfI/f/IKcEeO7cNfnyPqQ.cP1pXAYjbEdBE9eqTtcNW".into(), "too_weak"),
            ("$2b$10$short".into(), "malformed"),
            (format!("$scrypt$ln=30,r=8,p=1${hash}${hash}"), "too_costly"),
            (format!("$scrypt$ln=4000000000,r=8,p=1${hash}${hash}"), "too_costly"),
            (format!("$scrypt$ln=10,r=8,p=1000000${hash}${hash}"), "too_costly"),
            (format!("$scrypt$ln=10,r=0,p=1${hash}${hash}"), "malformed"),
            (format!("$pbkdf2-sha256$i=4000000000${hash}${hash}"), "too_costly"),
            (format!("$pbkdf2-sha256$i=1${hash}${hash}"), "too_weak"),
            (format!("$pbkdf2-md5$i=10000${hash}${hash}"), "unknown_format"),
            (format!("pbkdf2_sha256$many$salt${hash}"), "malformed"),
            (format!("pbkdf2_sha256$260000$${hash}"), "malformed"),
            (format!("$argon2id$v=19$m=65536,t=3,p=1${hash}${}", "A".repeat(4000)), "unknown_format"),
        ] {
            assert_eq!(rejection(&text), Some(reason), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_breaks_the_reader(text in any::<String>(), fields in "\\$?(argon2id|2b|scrypt|pbkdf2_sha256|pbkdf2)(\\$[a-z0-9=,./+]{0,40}){2,5}") {
            let _ = scheme(&text);
            let _ = scheme(&fields);
        }
    }
}
