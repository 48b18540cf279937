use super::*;
use crate::{
    fault::FaultKind,
    password::{
        SchemeCounts,
        schemes::{self, HashFunction},
    },
};

const PASSWORD: &str = "NewPassword123!";

fn hasher(threads: usize, queue: usize, cost: Cost) -> Hasher {
    Hasher::new(Pool::start(threads, queue).unwrap(), cost, Entropy::seeded(1))
}

fn cheap(passes: u32) -> Cost {
    Cost(Params::new(64, passes, 1, Some(OUTPUT)).unwrap())
}

fn minimum() -> Cost {
    Cost::new(Cost::MIN_MEMORY_KIB, Cost::MIN_PASSES, 1).unwrap()
}

/// The hash that is stored for an imported one.
async fn adopted(hasher: &Hasher, exported: &str) -> PasswordHash {
    let exported = ExportedPassword::parse(&serde_json::Value::String(exported.to_owned())).unwrap();
    hasher.import(exported).await.unwrap().unwrap()
}

async fn verify(hasher: &Hasher, password: &str, hash: &str) -> PasswordCheck {
    let hash = PasswordHash::from_stored(hash).unwrap();
    hasher.verify(&Secret::new(password), Some(&hash), "acc").await.unwrap()
}

#[tokio::test]
async fn pw_04_a_password_is_stored_as_argon2id_with_its_own_salt() {
    let hasher = hasher(1, 8, minimum());
    let first = hasher.hash(&Secret::new(PASSWORD)).await.unwrap();
    let second = hasher.hash(&Secret::new(PASSWORD)).await.unwrap();
    assert!(first.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", first.as_str());
    let fields: Vec<_> = first.as_str().split('$').map(str::len).collect();
    assert_eq!(fields[4..], [22, 43], "16 bytes of salt, 32 of hash");
    assert_ne!(first, second);
    for hash in [&first, &second] {
        assert_eq!(verify(&hasher, PASSWORD, hash.as_str()).await, PasswordCheck::Correct);
        assert_eq!(verify(&hasher, "NewPassword123?", hash.as_str()).await, PasswordCheck::Incorrect);
    }
    assert_eq!(format!("{first:?}"), "[password hash]");
}

#[test]
fn pw_04_a_cost_below_the_owasp_minimum_is_rejected() {
    for (memory, passes, lanes) in [(19_455, 2, 1), (19_456, 1, 1), (0, 0, 0), (64, 3, 1), (19_456, 2, 0)] {
        assert!(Cost::new(memory, passes, lanes).is_err(), "{memory} {passes} {lanes}");
    }
    assert!(Cost::new(65_536, 3, 4).is_ok());
}

#[tokio::test]
async fn pw_03_a_password_is_verified_exactly() {
    let hasher = hasher(1, 8, cheap(1));
    let long = "Wind over the harbour. ".repeat(40);
    for (password, variants) in [
        ("Pass word 1!", vec!["Pass word 1! ", " Pass word 1!", "pass word 1!", "Pass  word 1!", "Password 1!", ""]),
        (&long, vec![&long[..long.len() - 1], &long[..72]]),
        ("straße1!", vec!["strasse1!"]),
    ] {
        let hash = hasher.hash(&Secret::new(password)).await.unwrap();
        assert_eq!(verify(&hasher, password, hash.as_str()).await, PasswordCheck::Correct);
        for variant in variants {
            assert_eq!(verify(&hasher, variant, hash.as_str()).await, PasswordCheck::Incorrect, "{variant:?}");
        }
    }
    // As documented, composed, decomposed and full-width spellings are the same password.
    let hash = hasher.hash(&Secret::new("caf\u{e9}-비밀1")).await.unwrap();
    for spelling in ["cafe\u{301}-비밀1", "ｃａｆ\u{e9}-\u{1107}\u{1175}\u{1106}\u{1175}\u{11af}１"] {
        assert_eq!(verify(&hasher, spelling, hash.as_str()).await, PasswordCheck::Correct, "{spelling}");
    }
}

/// The hashes were made by Python's hashlib and the crypt function of the C library; the argon2id hash is a test vector
/// of the reference implementation.
#[tokio::test]
async fn imported_hashes_are_verified_and_need_a_rehash() {
    let hasher = hasher(1, 8, cheap(1));
    for hash in [
        "pbkdf2_sha256$1000$saltysalt$ATIrq9n2B9UUqD5nEHqggtoB8GINhpi++pBtvDyvsI8=",
        "pbkdf2_sha1$1000$saltysalt$Oz9m2g/BHOoMNvkzAOqXda3ahf0=",
        "$pbkdf2-sha256$i=1000$MDEyMzQ1Njc4OWFiY2RlZg$TtVtOsFrpg3fUsgLhCdT7uGJlxSiiqsML0DVGdrvBNU",
        "$pbkdf2-sha256$1000$....IHNhbHQ$6sCa2gTHy4BdWH7LecRSa.AwzaW88ieZBhoGCftuQWA",
        "$pbkdf2-sha512$i=1000$MDEyMzQ1Njc4OWFiY2RlZg$qA60qjX7rv6NGcpRGf4EnokZhMtR5qirkbRSDBkgFP9FcPFV5iFW+D8UgMyPvFZr47G5B1PjZQKOSCuB1aQc7g",
        "$pbkdf2$1000$MDEyMzQ1Njc4OWFiY2RlZg$7n9POMCf0KzWprlafzLy63/gyus",
        "$scrypt$ln=10,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$S5ZXBoC5cwqGjDFyVq7lW0+pej4ZzZz8IGEEM83vb7Q",
        "$2b$04$abcdefghijklmnopqrstuujvSwow92xGWFUzISFSoVMMkS6OD3b2u",
        "$2y$04$abcdefghijklmnopqrstuujvSwow92xGWFUzISFSoVMMkS6OD3b2u",
        "$2a$04$abcdefghijklmnopqrstuujvSwow92xGWFUzISFSoVMMkS6OD3b2u",
    ] {
        // As stored before fast hashes were wrapped on import, and as stored now.
        for stored in [hash, adopted(&hasher, hash).await.as_str()] {
            assert_eq!(verify(&hasher, PASSWORD, stored).await, PasswordCheck::CorrectNeedsRehash, "{stored}");
            assert_eq!(verify(&hasher, "NewPassword123", stored).await, PasswordCheck::Incorrect, "{stored}");
        }
    }
    let reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    assert_eq!(verify(&hasher, "password", reference).await, PasswordCheck::CorrectNeedsRehash);
    assert_eq!(verify(&hasher, "passwore", reference).await, PasswordCheck::Incorrect);
}

#[tokio::test]
async fn pw_04_a_hash_of_another_cost_needs_a_rehash() {
    let pool = Pool::start(1, 8).unwrap();
    let [old, new] = [cheap(1), cheap(2)].map(|cost| Hasher::new(pool.clone(), cost, Entropy::seeded(2)));
    let stored = old.hash(&Secret::new(PASSWORD)).await.unwrap();
    assert_eq!(verify(&old, PASSWORD, stored.as_str()).await, PasswordCheck::Correct);
    assert_eq!(verify(&new, PASSWORD, stored.as_str()).await, PasswordCheck::CorrectNeedsRehash);
    assert_eq!(verify(&new, "wrong", stored.as_str()).await, PasswordCheck::Incorrect);
    let replaced = new.hash(&Secret::new(PASSWORD)).await.unwrap();
    assert_eq!(verify(&new, PASSWORD, replaced.as_str()).await, PasswordCheck::Correct);
}

#[tokio::test]
async fn a_password_is_verified_in_nfkc_and_as_typed_and_stored_in_nfkc() {
    let hasher = hasher(1, 8, cheap(1));
    // Compatibility jamo, hashed as bytes: by another system, and with the current parameters of this service.
    let typed = "\u{3142}\u{3163}\u{3141}\u{3163}\u{3139}-1234";
    let mut output = vec![0; OUTPUT];
    let argon2 = hasher.cost.argon2(vec![7; SALT], Vec::new());
    assert!(argon2.fill(typed.as_bytes(), &mut output, &mut Memory::default()));
    let ours = PasswordHash::from_scheme(Algorithm::Argon2(Argon2 { output, ..argon2 }).into());
    for stored in [ours.as_str(), &bcrypt::hash(typed, 4).unwrap()] {
        assert_eq!(verify(&hasher, typed, stored).await, PasswordCheck::CorrectNeedsRehash, "{stored}");
        assert_eq!(verify(&hasher, "\u{3142}-1234", stored).await, PasswordCheck::Incorrect, "{stored}");
        let composed = "\u{be44}\u{bc00}-1234";
        assert_eq!(verify(&hasher, composed, stored).await, PasswordCheck::Incorrect, "{stored}");
    }
    let rehashed = hasher.hash(&Secret::new(typed)).await.unwrap();
    assert_eq!(verify(&hasher, typed, rehashed.as_str()).await, PasswordCheck::Correct);
}

#[tokio::test]
async fn a_fast_hash_is_wrapped_and_clear_text_is_hashed() {
    let hasher = hasher(1, 8, cheap(1));
    let md5 = "7506224e56b895f2d541fa95f6ab6a3e";
    assert_eq!(hex::encode(&*HashFunction::Md5.digest(&[PASSWORD.as_bytes()])), md5);
    let wrapped = adopted(&hasher, md5).await;
    assert!(wrapped.as_str().starts_with("$wrapped$argon2id$v=19$m=64,t=1,p=1$"), "{}", wrapped.as_str());
    let digest = HashFunction::Md5.digest(&[PASSWORD.as_bytes()]);
    for trace in [hex::encode(&*digest), schemes::text::encode(&digest)] {
        assert!(!wrapped.as_str().contains(&trace), "{}", wrapped.as_str());
    }
    assert_ne!(wrapped, adopted(&hasher, md5).await, "each hash has its own salt");
    assert_eq!(verify(&hasher, PASSWORD, wrapped.as_str()).await, PasswordCheck::CorrectNeedsRehash);
    assert_eq!(verify(&hasher, "NewPassword123", wrapped.as_str()).await, PasswordCheck::Incorrect);
    let clear = adopted(&hasher, &format!("{{noop}}{PASSWORD}")).await;
    assert!(clear.as_str().starts_with("$argon2id$"));
    assert_eq!(verify(&hasher, PASSWORD, clear.as_str()).await, PasswordCheck::Correct);
    let unusable = ExportedPassword::parse(&"!abcdef".into()).unwrap();
    assert_eq!(hasher.import(unusable).await.unwrap(), None);
}

#[tokio::test]
async fn en_03_verifying_for_an_unknown_account_takes_the_same_work() {
    let hasher = hasher(1, 8, cheap(1));
    let hash = hasher.hash(&Secret::new(PASSWORD)).await.unwrap();
    // The decoy has the current scheme and cost, and is computed on the same pool.
    assert!(hasher.cost.is_current(&hasher.decoy("unknown")) && hasher.cost.is_current(&hash.scheme));
    assert_eq!(hasher.verify(&Secret::new(PASSWORD), None, "unknown").await.unwrap(), PasswordCheck::Incorrect);
    assert_eq!(hasher.verify(&Secret::new(""), None, "unknown").await.unwrap(), PasswordCheck::Incorrect);
    let (release, gate) = std::sync::mpsc::channel::<()>();
    let mut busy = std::pin::pin!(hasher.pool.run(move |_| gate.recv().is_ok()));
    assert!(futures_util::poll!(busy.as_mut()).is_pending());
    let password = Secret::new(PASSWORD);
    let mut unknown = std::pin::pin!(hasher.verify(&password, None, "unknown"));
    assert!(futures_util::poll!(unknown.as_mut()).is_pending(), "it must wait in the same queue");
    release.send(()).unwrap();
    assert!(busy.await.unwrap());
    assert_eq!(unknown.await.unwrap(), PasswordCheck::Incorrect);
}

#[tokio::test]
async fn en_03_decoys_follow_the_census_in_every_clone() {
    let hasher = hasher(1, 8, cheap(1));
    let clone = hasher.clone();
    let stored = bcrypt::hash(PASSWORD, 4).unwrap();
    let mut counts = SchemeCounts::default();
    counts.add(&stored);
    hasher.set_census(&[7; 32], &SchemeCensus::default().next(counts));
    assert!(matches!(clone.decoy("unknown").algorithm, Algorithm::Bcrypt(_)));
    assert_eq!(clone.verify(&Secret::new(PASSWORD), None, "unknown").await.unwrap(), PasswordCheck::Incorrect);
}

#[tokio::test]
async fn pw_06_sign_ins_beyond_the_queue_are_rejected() {
    let hasher = hasher(2, 10, minimum());
    let hash = hasher.hash(&Secret::new(PASSWORD)).await.unwrap();
    let mut answers = Vec::new();
    for _ in 0..300 {
        let (hasher, hash) = (hasher.clone(), hash.clone());
        answers.push(tokio::spawn(async move { hasher.verify(&Secret::new(PASSWORD), Some(&hash), "acc").await }));
    }
    let (mut right, mut rejected) = (0, 0);
    for answer in answers {
        match answer.await.unwrap() {
            Ok(check) => right += usize::from(check == PasswordCheck::Correct),
            Err(fault) => rejected += usize::from(fault.kind() == FaultKind::Unavailable),
        }
    }
    assert_eq!(right + rejected, 300);
    assert!(right >= 10 && rejected > 0, "{right} right, {rejected} rejected");
    assert_eq!(hasher.waiting(), 0);
}

#[tokio::test]
async fn pw_06_a_too_long_password_is_rejected_without_hashing() {
    // Without threads no queued job ever runs.
    let hasher = hasher(0, 1, cheap(1));
    let password = Secret::new("a".repeat(1 << 20));
    assert_eq!(hasher.verify(&password, None, "unknown").await.unwrap(), PasswordCheck::Incorrect);
    assert_eq!(hasher.hash(&password).await.unwrap_err().kind(), FaultKind::Internal);
}

#[tokio::test]
async fn shrink_frees_the_memory_of_a_costly_imported_hash() {
    let mut memory = Memory::default();
    let costly = PasswordHash::from_stored(
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    );
    assert!(costly.unwrap().scheme.matches(b"password", &mut memory));
    memory.shrink(64);
    assert_eq!(memory.kept(), 64);
}
