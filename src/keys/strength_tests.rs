use base64::engine::general_purpose::{STANDARD as BASE64, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;
use crate::clock::Entropy;

/// Every way in which an operator writes these bytes down.
fn encodings(bytes: &[u8]) -> Vec<String> {
    vec![
        BASE64.encode(bytes),
        STANDARD_NO_PAD.encode(bytes),
        URL_SAFE_NO_PAD.encode(bytes),
        hex::encode(bytes),
        hex::encode_upper(bytes),
        BASE64.encode(hex::encode(bytes)),
    ]
}

#[test]
fn sequences_repetitions_and_constants_are_weak_in_every_encoding() {
    let counting: Vec<u8> = (0..32).collect();
    let from_one: Vec<u8> = (1..=32).collect();
    let down: Vec<u8> = (0..48).rev().collect();
    let by_seven: Vec<u8> = (0..32u8).map(|n| n.wrapping_mul(7)).collect();
    let pattern = hex::decode("abcdef1234567890".repeat(4)).unwrap();
    let half = [&[0u8; 24][..], b"\x9f\x1e\x44\x02\xd1\x77\x90\x3c"].concat();
    for weak in [vec![0; 32], vec![0xff; 64], vec![7; 33], counting, from_one, down, by_seven, pattern, half] {
        assert!(weakness(&weak).is_some(), "{weak:?}");
        for text in encodings(&weak) {
            assert!(weakness(text.as_bytes()).is_some(), "{text}");
        }
    }
}

#[test]
fn typed_text_is_weak_however_long() {
    for weak in [
        "12345678901234567890123456789012",
        "98765432109876543210987654321098",
        "password1234password1234password1234",
        "Password1234-password1234-PASSWORD1234",
        "password1234passw0rd1234password1235",
        "0123456789abcdef0123456789abcdef",
        "00112233445566778899aabbccddeeff",
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "abababababababababababababababababab",
        "qwertyuiopasdfghjklzxcvbnmqwertyuiop",
        "changeme-changeme-changeme-changeme",
        "your-256-bit-secret-your-256-bit-secret",
        "change_me_before_you_go_to_production!",
        "this-is-a-super-secret-key-for-our-app",
        "thequickbrownfoxjumpsoverthelazydog",
        "we-all-live-in-a-yellow-submarine-2024!",
        "오늘은 날씨가 좋아서 산책을 나갔다",
        "correct horse battery staple correct horse",
        "iloveyou iloveyou2 sunshine princess 2024",
        "monkey dragon master shadow letmein 1987",
        "2024-01-01 2024-02-02 2024-03-03 2024",
        "비밀번호비밀번호비밀번호비밀번호",
    ] {
        assert!(weakness(weak.as_bytes()).is_some(), "{weak}");
        assert!(weakness(BASE64.encode(weak).as_bytes()).is_some(), "{weak} in Base64");
    }
}

#[test]
fn keys_are_the_same_in_whatever_encoding() {
    let bytes = Entropy::seeded(3).bytes::<32>();
    let mut all = encodings(&bytes).into_iter().map(String::into_bytes).collect::<Vec<_>>();
    all.push(bytes.to_vec());
    for one in &all {
        assert!(all.iter().all(|other| is_same(one, other)), "{}", String::from_utf8_lossy(one));
        assert!(!is_same(one, BASE64.encode(Entropy::seeded(4).bytes::<32>()).as_bytes()));
    }
}

/// What `openssl rand` prints is never refused.
#[test]
fn random_keys_of_every_usual_length_and_encoding_pass() {
    let entropy = Entropy::seeded(5);
    for _ in 0..30 {
        let bytes = entropy.bytes::<64>();
        for length in [16, 24, 32, 48, 64] {
            for text in encodings(&bytes[..length]) {
                assert_eq!(weakness(text.as_bytes()), None, "{text}");
            }
        }
        assert_eq!(weakness(&bytes[..32]), None, "{bytes:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_random_key_of_32_bytes_is_refused(seed in any::<u64>()) {
        let bytes = Entropy::seeded(seed).bytes::<32>();
        prop_assert_eq!(weakness(&bytes), None);
        for text in encodings(&bytes) {
            prop_assert_eq!(weakness(text.as_bytes()), None, "{}", text);
        }
    }

    #[test]
    fn no_input_panics(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "\\PC{0,80}") {
        weakness(&bytes);
        weakness(text.as_bytes());
    }

    /// A short random piece does not become strong by being repeated, reversed in part or padded.
    #[test]
    fn a_short_secret_is_weak_however_it_is_stretched(seed in any::<u64>(), pad in 0u8..=255) {
        let piece = Entropy::seeded(seed).bytes::<8>();
        let padded = [&piece[..], &[pad; 24]].concat();
        let hex = hex::encode(piece);
        for weak in [piece.repeat(4), padded, hex.repeat(3).into_bytes(), format!("{hex}-{hex}").into_bytes()] {
            prop_assert!(weakness(&weak).is_some(), "{:?}", weak);
        }
    }
}

#[test]
fn sample_texts_are_recognised_and_what_providers_issue_is_not() {
    for sample in ["changeme", "CHANGE_ME", "<token>", "xxxxxxxx", "your-secret", "your_token_here", "****"] {
        assert!(is_sample_text(sample), "{sample}");
    }
    for issued in ["secret", "sigsecret", "0123456789abcdef0123456789abcdef", "SG.x-y_z", "NCSABC", "token", "xx"] {
        assert!(!is_sample_text(issued), "{issued}");
    }
}
