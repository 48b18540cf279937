use proptest::prelude::*;
use serde::Deserialize;
use serde_json::json;
use unicode_normalization::UnicodeNormalization;

use super::*;
use crate::password::{ExportedPassword, pool::Memory};

#[derive(Deserialize)]
struct Fixtures {
    fixtures: Vec<Fixture>,
}

/// A hash made by the library of another system; see `scripts/password-fixtures/`.
#[derive(Deserialize)]
struct Fixture {
    system: String,
    password: String,
    wrong: String,
    password_hash: Value,
}

const FILES: [&str; 3] = [
    include_str!("../../../../../tests/fixtures/passwords/python.json"),
    include_str!("../../../../../tests/fixtures/passwords/node.json"),
    include_str!("../../../../../tests/fixtures/passwords/php.json"),
];

fn fixtures() -> impl Iterator<Item = Fixture> {
    FILES.into_iter().flat_map(|file| serde_json::from_str::<Fixtures>(file).unwrap().fixtures)
}

#[test]
fn hashes_made_by_other_systems_are_parsed_and_verified() {
    let mut memory = Memory::default();
    for Fixture { system, password, wrong, password_hash } in fixtures() {
        let scheme = match parse_value(&password_hash).map_err(|error| error.reason.reason()) {
            Ok(Exported::Hash(scheme)) => scheme,
            Ok(Exported::Clear(clear)) => {
                assert_eq!((clear.expose(), &*system), (&*password, "Spring {noop}"));
                continue;
            }
            Ok(Exported::Unusable) => panic!("{system}: unusable"),
            Err(reason) => panic!("{system}: {reason}"),
        };
        let prepared: String = password.nfkc().collect();
        let mut fits = |password: &str| scheme.matches(password.as_bytes(), &mut memory);
        assert!(fits(&password) || fits(&prepared), "{system}: {password}");
        assert!(!fits(&wrong), "{system}: {wrong}");
        let stored = Scheme::read(&scheme.to_string()).map_err(ImportRejection::reason).unwrap();
        assert!(stored == scheme, "{system}: {scheme}");
    }
}

/// Published test vectors, and some that were computed from the published specifications.
#[test]
fn published_vectors_are_verified() {
    let mut memory = Memory::default();
    for (text, password) in [
        ("{MD5}{thisissalt}2a4e7104c2780098f50ed5a84bb2323d", "password"),
        ("{scrypt}$e0801$MDEyMzQ1Njc4OWFiY2RlZg==$ApdFWK8NumyY29Er9pEt++7OZiECvcqPQXeIayRc7Ck=", "password"),
        ("{sha256}000102030405060742202fd0bad0f5f50a314088be45909be6a22e562e3eba43dd8a0c34aca5f68b", "password"),
        ("{SSHA}yI6cZwQadOA1e+/f+T+H3eCQQhRzYWx0", "password"),
        ("{ssha}yI6cZwQadOA1e+/f+T+H3eCQQhRzYWx0", "password"),
        ("AAABAgMEBQYHCAkKCwwNDg8DCeL+Tgvf59D+SCjUHCNEFuLZv7Yc3Y9kOhHPv9/BGQ==", "password"),
        ("AQAAAAIAAYagAAAAEAABAgMEBQYHCAkKCwwNDg/73hTTOMxvghBX8/SnisILxwGxHjepOzeQw1EOAZRz8w==", "password"),
        ("$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "test12345"),
        // From Ulrich Drepper's specification of SHA-crypt.
        (
            "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
            "Hello world!",
        ),
        ("$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA", "Hello world!"),
    ] {
        let scheme = match super::text(text) {
            Ok(Exported::Hash(scheme)) => scheme,
            Ok(_) => panic!("{text}: no hash"),
            Err(reason) => panic!("{text}: {}", reason.reason()),
        };
        assert!(scheme.matches(password.as_bytes(), &mut memory), "{text}");
        assert!(!scheme.matches(b"passwore", &mut memory), "{text}");
    }
}

fn rejection(exported: &Value) -> Option<(&'static str, &'static str)> {
    let error = ExportedPassword::parse(exported).err()?;
    Some((error.field.unwrap_or_default(), error.reason.reason()))
}

/// The bytes of a hash that is long enough.
const HASH: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn assert_rejected<const N: usize>(hashes: [(String, &str); N]) {
    for (text, reason) in hashes {
        assert_eq!(rejection(&json!(text)), Some(("", reason)), "{text}");
    }
}

#[test]
fn unknown_crypt_argon2_and_bcrypt_hashes_are_rejected() {
    let (hash, short) = (HASH, "AAAAAA");
    let digits = "C6UzMDM.H6dfI/f/IKcEeO7cNfnyPqQ.cP1pXAYjbEdBE9eqTtcNW";
    assert_rejected([
        (String::new(), "unknown_format"),
        ("plain text".into(), "unknown_format"),
        ("{}".into(), "unknown_format"),
        ("{NONE}x".into(), "unknown_format"),
        ("5f4dcc3b5aa765d61d8327deb882cf9".into(), "unknown_format"),
        ("5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8".into(), "unknown_format"),
        (format!("$1$salt${hash}"), "unknown_format"),
        (format!("$5$rounds=5000$salt${hash}A"), "malformed"),
        (format!("$5$rounds=900$salt${hash}"), "too_weak"),
        (format!("$5$rounds=900000000$salt${hash}"), "too_costly"),
        (format!("$2x$10${}", ".".repeat(53)), "unknown_format"),
        (format!("$argon2id$v=19$m=4294967295,t=1,p=1${hash}${hash}"), "too_costly"),
        (format!("$argon2id$v=19$m=99999999999,t=1,p=1${hash}${hash}"), "too_costly"),
        (format!("argon2$argon2id$v=19$m=65536,t=4000000000,p=1${hash}${hash}"), "too_costly"),
        (format!("$argon2id$v=19$m=65536,t=3${hash}${hash}"), "malformed"),
        (format!("$argon2id$v=19$m=65536,t=3,p=0${hash}${hash}"), "malformed"),
        (format!("$argon2id$v=7$m=65536,t=3,p=1${hash}${hash}"), "malformed"),
        (format!("$argon2id$v=19$m=65536,t=3,p=1$!${hash}"), "malformed"),
        (format!("$argon2id$v=19$m=65536,t=3,p=1${hash}${short}"), "too_weak"),
        (format!("$2b$31${digits}"), "too_costly"),
        (format!("$2b$16${digits}"), "too_costly"),
        (format!("{{bcrypt}}$2b$16${digits}"), "too_costly"),
        (format!("bcrypt_sha256$$2b$16${digits}"), "too_costly"),
        (format!("$wp$2y$16${digits}"), "too_costly"),
        (format!("$2b$03${digits}"), "too_weak"),
        ("$2b$10$short".into(), "malformed"),
        (format!("$2b$10${}é", &digits[..51]), "malformed"),
    ]);
}

#[test]
fn too_costly_and_malformed_scrypt_and_pbkdf2_hashes_are_rejected() {
    let hash = HASH;
    assert_rejected([
        (format!("$scrypt$ln=30,r=8,p=1${hash}${hash}"), "too_costly"),
        (format!("$scrypt$ln=4000000000,r=8,p=1${hash}${hash}"), "too_costly"),
        (format!("$scrypt$ln=10,r=8,p=1000000${hash}${hash}"), "too_costly"),
        (format!("$scrypt$ln=10,r=0,p=1${hash}${hash}"), "malformed"),
        ("scrypt:4294967296:8:1$salt$00".into(), "too_costly"),
        (format!("scrypt:1073741824:8:1$salt${}", "00".repeat(64)), "too_costly"),
        (format!("scrypt:1000:8:1$salt${}", "00".repeat(64)), "malformed"),
        (format!("scrypt$1073741824$salt$8$1${hash}"), "too_costly"),
        ("{scrypt}$ff0801$MDEy$MDEy".into(), "too_costly"),
        ("{scrypt}$zz$MDEy$MDEy".into(), "malformed"),
        (format!("$pbkdf2-sha256$i=4000000000${hash}${hash}"), "too_costly"),
        (format!("$pbkdf2-sha256$i=0${hash}${hash}"), "malformed"),
        (format!("$pbkdf2-md5$i=10000${hash}${hash}"), "unknown_format"),
        (format!("pbkdf2_sha256$4000000000$salt${hash}"), "too_costly"),
        (format!("pbkdf2_sha256$many$salt${hash}"), "malformed"),
        (format!("pbkdf2_sha256$260000$${hash}"), "malformed"),
        (format!("pbkdf2:sha256:4000000000$salt${}", "00".repeat(32)), "too_costly"),
        (format!("pbkdf2:sha256$salt${}", "00".repeat(32)), "unknown_format"),
        ("{pbkdf2}0011".into(), "malformed"),
    ]);
}

#[test]
fn too_costly_and_malformed_hashes_of_frameworks_are_rejected() {
    let hash = HASH;
    assert_rejected([
        ("{SSHA}yI6cZwQadOA1e+/f+T+H3eCQQhQ=".into(), "malformed"),
        ("{SHA}yI6cZwQadOA1e+/f+T+H3eCQQhRzYWx0".into(), "malformed"),
        ("{noop}".into(), "malformed"),
        (format!("{{noop}}{}", "\u{FDFA}".repeat(300)), "malformed"),
        ("{MD4}8a9d093f14f8701df17732b2bb182c74".into(), "unknown_format"),
        ("$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L".into(), "malformed"),
        (format!("$S$z{}", "A".repeat(51)), "malformed"),
        (format!("$S$P{}", "A".repeat(51)), "too_costly"),
        ("AQAAAAIAAYagAAAAEAABAgM=".into(), "malformed"),
        // Four thousand million rounds.
        ("AQAAAAL/////AAAAEAABAgMEBQYHCAkKCwwNDg/73hTTOMxvghBX8/SnisILxwGxHjepOzeQw1EOAZRz8w==".into(), "too_costly"),
        (format!("$argon2id$v=19$m=65536,t=3,p=1${hash}${}", "A".repeat(4000)), "unknown_format"),
    ]);
}

#[test]
fn an_object_is_rejected_with_the_invalid_field() {
    let firebase = json!({
        "format": "firebase-scrypt", "hash": "AAAAAAAAAAAAAAAAAAAAAA==", "salt": "AAAA", "signer_key":
        "AAAAAAAAAAAAAAAAAAAAAA==", "salt_separator": "Bw==", "rounds": 8, "mem_cost": 14,
    });
    assert_eq!(rejection(&firebase), None);
    let with = |field: &str, value: Value| {
        let mut changed = firebase.clone();
        changed[field] = value;
        changed
    };
    let without = |field: &str| {
        let mut changed = firebase.clone();
        changed.as_object_mut().unwrap().remove(field);
        changed
    };
    let keycloak = |credential: &str, secret: &str| json!({ "format": "keycloak", "credentialData": credential, "secretData": secret });
    let pbkdf2 = r#"{"hashIterations":27500,"algorithm":"pbkdf2-sha256"}"#;
    let secret = r#"{"value":"AAAAAAAAAAAAAAAAAAAAAA==","salt":"AAAA"}"#;
    assert_eq!(rejection(&keycloak(pbkdf2, secret)), None);
    let bcrypt = "$2a$10$C6UzMDM.H6dfI/f/IKcEeO7cNfnyPqQ.cP1pXAYjbEdBE9eqTtcNW";
    for (exported, field, reason) in [
        (json!(null), "", "malformed"),
        (json!({}), "format", "missing"),
        (json!({ "format": "unknown" }), "format", "unknown_format"),
        (without("salt"), "salt", "missing"),
        (without("signer_key"), "signer_key", "missing"),
        (with("salt", json!("!")), "salt", "malformed"),
        (with("salt", json!(1)), "salt", "malformed"),
        (with("signer_key", json!("AAAA")), "", "malformed"),
        (with("rounds", json!("eight")), "rounds", "malformed"),
        (with("mem_cost", json!(1.5)), "mem_cost", "malformed"),
        (with("mem_cost", json!(40)), "", "too_costly"),
        (with("pepper", json!("x")), "", "unknown_field"),
        (keycloak("{", secret), "credentialData", "malformed"),
        (keycloak(r#"{"hashIterations":1,"algorithm":"rot13"}"#, secret), "credentialData", "unknown_format"),
        (keycloak(r#"{"hashIterations":4000000000000,"algorithm":"pbkdf2"}"#, secret), "credentialData", "too_costly"),
        (keycloak(r#"{"hashIterations":5,"algorithm":"argon2"}"#, secret), "credentialData", "missing"),
        (keycloak(pbkdf2, r#"{"value":"AAAA"}"#), "secretData", "missing"),
        (json!({ "format": "devise", "hash": bcrypt }), "pepper", "missing"),
        (json!({ "format": "devise", "hash": "x", "pepper": "y" }), "hash", "unknown_format"),
        (json!({ "format": "symfony", "hash": "$2y$10$x" }), "hash", "malformed"),
        (json!({ "format": "django", "hash": bcrypt }), "hash", "unknown_format"),
        (json!({ "format": "spring", "hash": "{pbkdf2}00" }), "hash", "malformed"),
    ] {
        assert_eq!(rejection(&exported), Some((field, reason)), "{exported}");
    }
}

#[test]
fn unusable_passwords_are_recognised() {
    assert!(!ExportedPassword::parse(&json!("!rKZJv0qkeTbVzMmSDPcYnbm2LRVQHYVqzpd6Rk0T")).unwrap().is_usable());
    assert!(!ExportedPassword::parse(&json!("!")).unwrap().is_usable());
}

#[test]
fn format_names_are_unique() {
    let mut names: Vec<_> = FORMATS.iter().map(|format| format.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), FORMATS.len());
}

proptest! {
    #[test]
    fn parsers_never_panic(
        any_text in any::<String>(),
        shaped in "(\\{[A-Za-z0-9@_-]{1,12}\\}|U?\\$[A-Za-z0-9]{0,6}|pbkdf2_sha256|scrypt:[0-9:]{0,9}|A)(\\$?[A-Za-z0-9=,./+é]{0,60}){1,5}",
    ) {
        let _ = text(&any_text);
        let _ = text(&shaped);
    }
}
