use base64::engine::general_purpose::{STANDARD as BASE64, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;
use crate::clock::Entropy;

/// The encodings in which an operator may write these bytes.
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
    let sixteen = [&b"\x9f\x1e\x44\x02\xd1\x77\x90\x3c\x5b\xe8\x21\xa6\x0d\xf3\x68\xb4"[..], &[0u8; 16]].concat();
    let half = [&[0u8; 24][..], b"\x9f\x1e\x44\x02\xd1\x77\x90\x3c"].concat();
    let squares: Vec<u8> = (0..32u8).map(|n| n.wrapping_mul(n)).collect();
    let combined: Vec<u8> = (0..32).map(|n| n ^ 0x5a).collect();
    let fibonacci: Vec<u8> = std::iter::successors(Some((1u8, 1u8)), |&(a, b)| Some((b, a.wrapping_add(b))))
        .map(|(a, _)| a)
        .take(32)
        .collect();
    let congruential: Vec<u8> =
        std::iter::successors(Some(77u8), |n| Some(n.wrapping_mul(141).wrapping_add(3))).take(32).collect();
    for weak in [vec![0; 32], vec![0xff; 64], vec![7; 33], counting, from_one, down, by_seven, pattern, half, sixteen]
        .into_iter()
        .chain([squares, combined, fibonacci, congruential])
    {
        assert!(weakness(&weak).is_some(), "{weak:?}");
        for text in encodings(&weak) {
            assert!(weakness(text.as_bytes()).is_some(), "{text}");
        }
    }
}

#[test]
fn typed_text_is_weak_regardless_of_length() {
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
        "thisisaverylongsecretforourapi2031!!",
        "MyC0mp@nyJwtS3cr3tK3y2031ForProd!",
        "!QAZ@WSX#EDC$RFV%TGB^YHN&UJM*IK<",
        "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,",
        "31415926535897932384626433832795028841",
        "27182818284590452353602874713527",
        "deadbeefcafebabedeadc0de8badf00d",
    ] {
        assert!(weakness(weak.as_bytes()).is_some(), "{weak}");
        assert!(weakness(BASE64.encode(weak).as_bytes()).is_some(), "{weak} in Base64");
    }
}

#[test]
fn keys_are_equal_in_any_encoding() {
    let bytes = Entropy::seeded(3).bytes::<32>();
    let mut all = encodings(&bytes).into_iter().map(String::into_bytes).collect::<Vec<_>>();
    all.push(bytes.to_vec());
    for one in &all {
        assert!(all.iter().all(|other| is_same(one, other)), "{}", String::from_utf8_lossy(one));
        assert!(!is_same(one, BASE64.encode(Entropy::seeded(4).bytes::<32>()).as_bytes()));
    }
}

#[test]
fn published_keys_are_weak_in_every_encoding() {
    for text in [
        "a-string-secret-at-least-256-bits-long",
        "a-valid-string-secret-that-is-at-least-384-bits-long",
        "A-Valid-String-Secret-That-Is-At-Least-384-Bits-Long",
        "thisismyverylongsecretforjwt2024!!",
        "3EK6FD+o0+c7tzBNVfjpMkNDi2yARAAKzQlk8O2IKoxQu4nF7EdAh8s3TwpHwrdWT6R",
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
        "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    ] {
        assert_eq!(weakness(text.as_bytes()), Some(PUBLISHED), "{text}");
    }
    for (known, reason) in [
        ("09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7", "FastAPI"),
        ("404E635266556A586E3272357538782F413F4428472B4B6250645367566B5970", "Spring"),
        ("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "RFC 8032"),
        ("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "RFC 8032"),
        ("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "RFC 8032"),
        ("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "SHA-256 of nothing"),
        ("2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b", "SHA-256 of secret"),
        ("5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8", "SHA-256 of password"),
        ("5f4dcc3b5aa765d61d8327deb882cf99", "MD5 of password"),
    ] {
        let bytes = hex::decode(known).unwrap();
        for text in encodings(&bytes) {
            assert_eq!(weakness(text.as_bytes()), Some(PUBLISHED), "{reason}: {text}");
        }
        assert_eq!(weakness(&bytes), Some(PUBLISHED), "{reason}");
    }
}

/// PEMs of an Ed25519 key, in PKCS #8 version 1 and 2.
fn pems(seed: &[u8]) -> [String; 3] {
    let pem =
        |der: Vec<u8>| format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", BASE64.encode(der));
    let first = pem([&ED25519_PKCS8_PREFIX[..], seed].concat());
    let mut second = [&ED25519_PKCS8_PREFIX[..], seed, &[0x81, 0x21, 0x00], &[0x42; 32]].concat();
    (second[1], second[4]) = (0x51, 1);
    [first.replace('\n', "\\n"), first, pem(second)]
}

#[test]
fn pem_is_the_same_key_as_its_seed() {
    let seed = Entropy::seeded(3).bytes::<32>();
    let der = BASE64.encode([&ED25519_PKCS8_PREFIX[..], &seed].concat());
    let mut all = encodings(&seed);
    all.extend(pems(&seed));
    all.push(der);
    for one in &all {
        assert!(all.iter().all(|other| is_same(one.as_bytes(), other.as_bytes())), "{one}");
        assert!(!is_same(one.as_bytes(), pems(&Entropy::seeded(4).bytes::<32>())[0].as_bytes()), "{one}");
    }
    for pem in pems(&[7; 32]) {
        assert_eq!(weakness(pem.as_bytes()), Some(SEQUENCE), "{pem}");
    }
}

/// The output of `openssl rand` must never be refused.
#[test]
fn random_keys_of_every_usual_length_and_encoding_pass() {
    let entropy = Entropy::seeded(5);
    for _ in 0..30 {
        let bytes = entropy.bytes::<128>();
        for length in [16, 24, 32, 48, 64, 96, 128] {
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
    fn random_key_of_32_bytes_is_not_weak(seed in any::<u64>()) {
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

    /// A short random value does not become strong by repetition or padding.
    #[test]
    fn repeated_or_padded_short_secret_is_weak(seed in any::<u64>(), pad in 0u8..=255) {
        let piece = Entropy::seeded(seed).bytes::<8>();
        let padded = [&piece[..], &[pad; 24]].concat();
        let hex = hex::encode(piece);
        for weak in [piece.repeat(4), padded, hex.repeat(3).into_bytes(), format!("{hex}-{hex}").into_bytes()] {
            prop_assert!(weakness(&weak).is_some(), "{:?}", weak);
        }
    }
}

#[test]
fn sample_texts_are_recognised_and_real_secrets_are_not() {
    for sample in ["changeme", "CHANGE_ME", "<token>", "xxxxxxxx", "your-secret", "your_token_here", "****"] {
        assert!(is_sample_text(sample), "{sample}");
    }
    for issued in ["secret", "sigsecret", "0123456789abcdef0123456789abcdef", "SG.x-y_z", "NCSABC", "token", "xx"] {
        assert!(!is_sample_text(issued), "{issued}");
    }
}
