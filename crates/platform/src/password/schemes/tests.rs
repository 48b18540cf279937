use proptest::prelude::*;

use super::*;

fn excessive(max: u64, of: &'static str) -> CostClass {
    CostClass::Excessive(Bound { max, unit: of })
}

fn read(text: &str) -> Scheme {
    Scheme::read(text).map_err(ImportRejection::reason).unwrap()
}

/// One stored text of each algorithm and each prehash.
const STORED: &[&str] = &[
    "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    "$argon2d$v=16$m=64,t=1,p=4$MDEyMzQ1Njc4OWFiY2RlZg$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    "$2y$04$abcdefghijklmnopqrstuujvSwow92xGWFUzISFSoVMMkS6OD3b2u",
    "{prehash=sha256-hex}$2b$04$abcdefghijklmnopqrstuujvSwow92xGWFUzISFSoVMMkS6OD3b2u",
    "{prehash=sha256-base64}$2b$04$abcdefghijklmnopqrstuujvSwow92xGWFUzISFSoVMMkS6OD3b2u",
    "{prehash=hmac-sha256-base64:MDEyMzQ1Njc4OWFiY2RlZg}$2b$04$abcdefghijklmnopqrstuujvSwow92xGWFUzISFSoVMMkS6OD3b2u",
    "{prehash=secret-suffix:cGVwcGVy}$2a$04$abcdefghijklmnopqrstuujvSwow92xGWFUzISFSoVMMkS6OD3b2u",
    "{prehash=wordpress}$2y$04$abcdefghijklmnopqrstuujvSwow92xGWFUzISFSoVMMkS6OD3b2u",
    "{prehash=symfony}$2y$04$abcdefghijklmnopqrstuujvSwow92xGWFUzISFSoVMMkS6OD3b2u",
    "$scrypt$ln=10,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$S5ZXBoC5cwqGjDFyVq7lW0+pej4ZzZz8IGEEM83vb7Q",
    "$pbkdf2-sha256$i=1000$MDEyMzQ1Njc4OWFiY2RlZg$TtVtOsFrpg3fUsgLhCdT7uGJlxSiiqsML0DVGdrvBNU",
    "$phpass$md5,ln=8$YWJjZGVmZ2g$TtVtOsFrpg3fUsgLhCdT7g",
    "{prehash=md5-hex}$phpass$sha512,ln=8$YWJjZGVmZ2g$TtVtOsFrpg3fUsgLhCdT7uGJlxSiiqsML0DVGdrvBNU",
    "$sha-crypt$sha256,rounds=5000$YWJjZGVmZ2g$TtVtOsFrpg3fUsgLhCdT7uGJlxSiiqsML0DVGdrvBNU",
    "$firebase-scrypt$ln=10,r=8$YWJjZGVmZ2g$MDEyMzQ1Njc4OWFiY2RlZg$TtVtOsFrpg3fUsgLhCdT7g",
    "$salted$md5,salt=before,rounds=1$$TtVtOsFrpg3fUsgLhCdT7g",
    "$salted$sha256,salt=after,rounds=1024$YWJj$TtVtOsFrpg3fUsgLhCdT7uGJlxSiiqsML0DVGdrvBNU",
    "$wrapped$argon2id$v=19$m=4096,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc~{prehash=md5-hex}$salted$md5,salt=before,rounds=1$YWJj$AAAAAAAAAAAAAAAAAAAAAA",
];

#[test]
fn display_writes_the_text_that_was_parsed() {
    for text in STORED {
        assert_eq!(read(text).to_string(), *text);
    }
}

#[test]
fn a_blank_scheme_has_the_same_cost_and_no_account_data() {
    for text in STORED {
        let (scheme, blank) = (read(text), read(text).blank());
        assert_eq!((blank.work(), blank.output().len()), (scheme.work(), scheme.output().len()), "{text}");
        assert!(blank.output().iter().all(|byte| *byte == 0), "{text}");
        assert!(read(&blank.to_string()).blank() == blank, "{text}");
        // Salts, secrets and outputs in these texts are runs of base 64 digits.
        let is_secret =
            |piece: &&str| piece.len() > 16 && piece.contains(|sign| sign != 'A') && !piece.contains(['=', ',']);
        for piece in text.split(['$', ':', '}', '~']).filter(is_secret) {
            assert!(!blank.to_string().contains(piece), "{piece} of {text}");
        }
    }
}

#[test]
fn a_nested_wrapped_hash_is_rejected() {
    let wrapped = STORED[STORED.len() - 1];
    let (outer, _) = wrapped.split_once('~').unwrap();
    assert_eq!(Scheme::read(&format!("{outer}~{wrapped}")).err(), Some(ImportRejection::Malformed));
}

#[test]
fn the_cost_class_depends_only_on_the_parameters() {
    let hash = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (text, work) in [
        (format!("$argon2id$v=19$m=262144,t=8,p=1${hash}${hash}"), CostClass::Fair),
        (format!("$argon2id$v=19$m=262145,t=1,p=1${hash}${hash}"), excessive(262_144, "KiB of Argon2's memory")),
        (
            format!("$argon2id$v=19$m=262144,t=9,p=1${hash}${hash}"),
            excessive(2_097_152, "KiB of Argon2's memory times passes"),
        ),
        (format!("$argon2id$v=19$m=64,t=11,p=1${hash}${hash}"), excessive(10, "passes of Argon2")),
        (format!("$argon2id$v=19$m=7168,t=5,p=1${hash}${hash}"), CostClass::Fair),
        (format!("$argon2id$v=19$m=4096,t=1,p=1${hash}${hash}"), CostClass::Fair),
        (format!("$argon2i$v=19$m=512,t=2,p=2${hash}${hash}"), CostClass::Fast),
        (format!("$argon2id$v=19$m=8,t=1,p=1${hash}${hash}"), CostClass::Fast),
        (format!("$scrypt$ln=18,r=8,p=4${hash}${hash}"), CostClass::Fair),
        (format!("$scrypt$ln=19,r=8,p=1${hash}${hash}"), excessive(268_435_456, "bytes of scrypt's memory")),
        (
            format!("$scrypt$ln=18,r=8,p=5${hash}${hash}"),
            excessive(1_073_741_824, "bytes of scrypt's memory times lanes"),
        ),
        // Next to no memory, and gigabytes for PBKDF2.
        (format!("$scrypt$ln=1,r=1,p=4000000${hash}${hash}"), excessive(16, "lanes of scrypt")),
        (format!("$scrypt$ln=1,r=1000000,p=1${hash}${hash}"), excessive(4096, "blocks of scrypt in all lanes")),
        (format!("$scrypt$ln=10,r=1,p=17${hash}${hash}"), excessive(16, "lanes of scrypt")),
        (format!("$scrypt$ln=10,r=8,p=16${hash}${hash}"), CostClass::Fair),
        (format!("$scrypt$ln=12,r=8,p=1${hash}${hash}"), CostClass::Fair),
        (format!("$scrypt$ln=10,r=8,p=1${hash}${hash}"), CostClass::Fast),
        (format!("$scrypt$ln=1,r=1,p=1${hash}${hash}"), CostClass::Fast),
        (format!("$pbkdf2-sha256$i=2000000${hash}${hash}"), CostClass::Fair),
        (format!("$pbkdf2-sha256$i=2000001${hash}${hash}"), excessive(2_000_000, "rounds of PBKDF2")),
        (format!("$pbkdf2-sha256$i=9999${hash}${hash}"), CostClass::Fast),
        (format!("$phpass$sha512,ln=18$YWJj${hash}"), CostClass::Fair),
        (format!("$phpass$sha512,ln=19$YWJj${hash}"), excessive(262_144, "rounds of phpass")),
        (format!("$phpass$md5,ln=20$YWJj${}", &hash[..22]), excessive(262_144, "rounds of phpass")),
        (format!("$phpass$sha512,ln=13$YWJj${hash}"), CostClass::Fast),
        (format!("$firebase-scrypt$ln=19,r=8$YWJj${hash}${hash}"), excessive(268_435_456, "bytes of scrypt's memory")),
        (format!("$firebase-scrypt$ln=14,r=8$YWJj${hash}${hash}"), CostClass::Fair),
        (format!("$firebase-scrypt$ln=2,r=1$YWJj${hash}${hash}"), CostClass::Fast),
        (format!("$sha-crypt$sha256,rounds=1000000$YWJjZGVmZ2g${hash}"), CostClass::Fair),
        (format!("$sha-crypt$sha256,rounds=656000$YWJjZGVmZ2g${hash}"), CostClass::Fair),
        (format!("$sha-crypt$sha256,rounds=5000$YWJjZGVmZ2g${hash}"), CostClass::Fast),
        (format!("$salted$sha256,salt=after,rounds=1$YWJj${hash}"), CostClass::Fast),
    ] {
        assert_eq!(read(&text).work(), work, "{text}");
    }
}

#[test]
fn a_wrapped_hash_is_never_fast_and_rounds_are_bounded() {
    let wrapped = STORED[STORED.len() - 1];
    assert_eq!(read(wrapped).work(), CostClass::Fair);
    let weak = wrapped.replace("m=4096", "m=64");
    assert_eq!(read(&weak).work(), CostClass::Fair);
    let imported = crate::password::ExportedPassword::parse(&weak.into()).err().map(|error| error.reason);
    assert_eq!(imported, Some(ImportRejection::TooWeak));
    let hash = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let digits = ".".repeat(53);
    for (text, max, unit) in [
        (format!("$sha-crypt$sha256,rounds=1000001$YWJjZGVmZ2g${hash}"), 1_000_000, "rounds of crypt(3)"),
        (format!("$salted$sha256,salt=after,rounds=1025$YWJj${hash}"), 1024, "rounds of a salted hash"),
        (format!("$salted$md5,salt=before,rounds=999999$YWJj${}", &hash[..22]), 1024, "rounds of a salted hash"),
        (format!("$2b$16${digits}"), 15, "as bcrypt's cost"),
    ] {
        assert_eq!(Scheme::read(&text).err(), Some(ImportRejection::TooCostly(Bound { max, unit })), "{text}");
    }
}

/// A row above a bound can come from a database of another version. It is not computed, and so no password fits it.
#[test]
fn a_stored_hash_above_a_bound_is_not_verified() {
    use crate::password::PasswordHash;
    let hash = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let md5 = &hash[..22];
    let wrapped = STORED[STORED.len() - 1];
    let (argon2, _) = wrapped.split_once('~').unwrap();
    for text in [
        format!("$phpass$md5,ln=19$YWJjZGVmZ2g${md5}"),
        format!("$salted$md5,salt=before,rounds=999999$YWJj${md5}"),
        format!("$sha-crypt$sha256,rounds=1000001$YWJjZGVmZ2g${hash}"),
        format!("$pbkdf2-sha256$i=2000001${hash}${hash}"),
        format!("$argon2id$v=19$m=262144,t=9,p=1${hash}${hash}"),
        format!("$scrypt$ln=19,r=8,p=1${hash}${hash}"),
        format!("{argon2}~$phpass$md5,ln=20$YWJjZGVmZ2g${md5}"),
        format!("{argon2}~$salted$md5,salt=before,rounds=999999$YWJj${md5}"),
    ] {
        assert!(PasswordHash::from_stored(&text).is_none(), "{text}");
    }
    assert!(PasswordHash::from_stored(&format!("$phpass$md5,ln=18$YWJjZGVmZ2g${md5}")).is_some());
}

/// How long crypt(3) takes depends on the length of the password.
#[test]
fn a_password_too_long_for_crypt_never_matches() {
    let scheme = read(
        "$sha-crypt$sha512,rounds=1000$YWJjZGVmZ2g$TtVtOsFrpg3fUsgLhCdT7uGJlxSiiqsML0DVGdrvBNVO1W06wWumDd9SyAuEJ1Pu4YmXFKKKqwwvQNUZ2u8E1Q",
    );
    let mut memory = Memory::default();
    assert!(scheme.compute(&[b'a'; 256], &mut memory).is_some());
    assert!(scheme.compute(&[b'a'; 257], &mut memory).is_none());
}

/// Drupal hashes no longer one, and each round of phpass hashes the password.
#[test]
fn a_password_that_is_too_long_for_drupal_is_wrong() {
    let mut memory = Memory::default();
    let drupal = read("$phpass$sha512,ln=8$YWJjZGVmZ2g$TtVtOsFrpg3fUsgLhCdT7uGJlxSiiqsML0DVGdrvBNU");
    assert!(drupal.compute(&[b'a'; 512], &mut memory).is_some());
    assert!(drupal.compute(&[b'a'; 513], &mut memory).is_none());
    let wordpress = read("$phpass$md5,ln=8$YWJjZGVmZ2g$TtVtOsFrpg3fUsgLhCdT7g");
    assert!(wordpress.compute(&[b'a'; crate::password::MAX_BYTES], &mut memory).is_some());
}

proptest! {
    #[test]
    fn parsing_never_panics(
        text in any::<String>(),
        fields in "(\\{prehash=[a-z0-9:-]{0,20}\\})?(\\$wrapped)?\\$?(argon2id|2b|scrypt|pbkdf2|phpass|salted|sha-crypt|firebase-scrypt)(\\$[a-z0-9=,./+~]{0,40}){2,5}",
    ) {
        let _ = Scheme::read(&text);
        let _ = Scheme::read(&fields);
    }
}
