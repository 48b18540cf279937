//! Keys and files that `--check-config`, `doctor` and `serve` refuse or warn of, and commands that change keys at once.

use std::{os::unix::fs::PermissionsExt, path::Path, process::Stdio};

use base64::{Engine, engine::general_purpose::STANDARD};
use countersign::keys::ED25519_PKCS8_PREFIX;
use rcgen::{CertifiedKey, generate_simple_self_signed};

use super::child::{Plan, run_to_the_end, written};

fn pem(seed: &[u8]) -> String {
    let der = STANDARD.encode([&ED25519_PKCS8_PREFIX[..], seed].concat());
    format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n")
}

fn random() -> [u8; 32] {
    countersign::clock::Entropy::System.bytes()
}

/// What `--check-config` says, if it refuses.
fn refusal(plan: &Plan) -> Option<String> {
    let (status, said, _) = run_to_the_end(plan, &["--check-config"]);
    (!status.success()).then_some(said)
}

/// A file with a mode, in a folder of its own on an ordinary file system.
fn file(folder: &Path, name: &str, text: &str, mode: u32) -> String {
    let path = written(folder, name, text);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

/// Case 8: keys out of tutorials and standards, hashes of common passwords, and keys that a short rule makes.
#[tokio::test]
async fn keys_that_can_be_looked_up_are_refused_by_name() {
    let plan = Plan::new().await;
    let squares: Vec<u8> = (0..32u8).map(|n| n.wrapping_mul(n)).collect();
    let rfc_8032 = hex::decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap();
    let of_password = hex::decode("5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8").unwrap();
    for (name, key) in [
        ("JWT_SECRET", "a-valid-string-secret-that-is-at-least-384-bits-long".to_owned()),
        ("JWT_SECRET", "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7".to_owned()),
        ("JWT_SECRET", "!QAZ@WSX#EDC$RFV%TGB^YHN&UJM*IK<".to_owned()),
        ("JWT_SECRET", "deadbeefcafebabedeadc0de8badf00d".to_owned()),
        ("SERVER_KEY", STANDARD.encode(&squares)),
        ("SERVER_KEY", STANDARD.encode(&of_password)),
        ("ATTESTATION_KEY", STANDARD.encode(&rfc_8032)),
        ("ATTESTATION_KEY", pem(&rfc_8032)),
    ] {
        let said = refusal(&plan.beside().with(name, &key)).unwrap_or_else(|| panic!("{name} {key} is taken"));
        assert!(said.contains(&format!("{name}: ")) && !said.contains(&key), "{said}");
    }
}

/// Case 8: one key for two settings, one of them as a PEM; and a next key that is the current one.
#[tokio::test]
async fn one_key_as_a_pem_and_as_its_seed_is_refused() {
    let plan = Plan::new().await;
    let seed = random();
    let (pem, base64, hex) = (pem(&seed), STANDARD.encode(seed), hex::encode(seed));
    let folded = pem.replace('\n', "\\n");
    let without_secret = || plan.beside().without("JWT_SECRET");
    for plan in [
        plan.beside().with("ATTESTATION_KEY", &pem).with("SERVER_KEY", &base64),
        plan.beside().with("ATTESTATION_KEY", &folded).with("JWT_SECRET", &hex),
        without_secret().with("ATTESTATION_KEY", &base64).with("JWT_PRIVATE_KEY", &pem),
        without_secret().with("ATTESTATION_KEY", &folded).with("JWT_PRIVATE_KEY", &pem),
    ] {
        let said = refusal(&plan).expect("it is taken");
        assert!(said.contains("a secret of its own") && !said.contains(&base64), "{said}");
    }
    for (name, current, next) in
        [("SERVER_KEY", &base64, &base64), ("JWT_SECRET", &base64, &hex), ("ATTESTATION_KEY", &base64, &pem)]
    {
        let next_name = format!("{name}_NEXT");
        let said = refusal(&plan.beside().with(name, current).with(&next_name, next)).expect("it is taken");
        assert!(said.contains(&format!("{next_name}: is the same key as {name}")), "{said}");
    }
}

/// Case 14: a list of secrets that lost a bracket is no secret.
#[tokio::test]
async fn a_list_of_secrets_that_is_not_closed_is_refused() {
    let plan = Plan::new().await;
    let [one, other] = [random(), random()].map(|bytes| STANDARD.encode(bytes));
    for broken in
        [format!(r#"["{one}""#), format!(r#"["{one}", "{other}""#), format!(r#""{one}"]"#), format!(r#"[ "{one}"#)]
    {
        let said = refusal(&plan.beside().with("JWT_SECRETS_PREVIOUS", &broken)).expect("it is taken");
        assert!(said.contains("JWT_SECRETS_PREVIOUS: is no JSON array"), "{said}");
    }
    for whole in [format!(r#"["{one}", "{other}"]"#), format!("{one},{other}"), format!("[{one}")] {
        assert_eq!(refusal(&plan.beside().with("JWT_SECRETS_PREVIOUS", &whole)), None, "{whole}");
    }
}

/// What is no key, and certificates that are not there, are found before anything starts.
#[tokio::test]
async fn private_keys_and_tls_files_are_opened_by_check_config_and_doctor() {
    let plan = Plan::new().await;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = generate_simple_self_signed(["localhost".to_owned()]).unwrap().signing_key;
    let cert = file(folder.path(), "cert.pem", &cert.pem(), 0o644);
    let key = file(folder.path(), "key.pem", &signing_key.serialize_pem(), 0o600);
    let loose = file(folder.path(), "loose.pem", &signing_key.serialize_pem(), 0o644);
    let other = file(folder.path(), "other.pem", &other.serialize_pem(), 0o600);
    let tls = |cert: &str, key: &str| plan.beside().with("TLS_CERT", cert).with("TLS_KEY", key);
    let without_secret = || plan.beside().without("JWT_SECRET");
    let no_pem = "H6YZz1NvVT5zQBlN4760krrJ/exLtL9vicbpTJPZbAQ=";
    for (name, plan) in [
        ("JWT_PRIVATE_KEY", without_secret().with("JWT_PRIVATE_KEY", no_pem)),
        ("JWT_PRIVATE_KEY_NEXT", plan.beside().with("JWT_PRIVATE_KEY_NEXT", no_pem)),
        ("JWT_PUBLIC_KEYS_PREVIOUS", plan.beside().with("JWT_PUBLIC_KEYS_PREVIOUS", no_pem)),
        ("TLS_CERT", tls("/nowhere/cert.pem", &key)),
        ("TLS_CERT", tls(&key, &key)),
        ("TLS_CERT", tls(&cert, &other)),
        ("TLS_KEY", tls(&cert, "/nowhere/key.pem")),
        ("TLS_KEY", tls(&cert, &cert)),
        ("TLS_KEY", tls(&cert, &loose)),
    ] {
        for arguments in [["--check-config"], ["doctor"], ["serve"]] {
            let (status, said, _) = run_to_the_end(&plan, &arguments);
            assert!(!status.success() && said.contains(&format!("{name}: ")), "{name} {arguments:?}: {said}");
        }
    }
    assert_eq!(refusal(&tls(&cert, &key)), None);
    // Other commands do without: a job that migrates has no certificate.
    let (status, said, _) = run_to_the_end(&tls("/nowhere/cert.pem", &key), &["migrate"]);
    assert!(status.success(), "{said}");
}

/// Issue 13: secrets that Docker and Kubernetes mount can be read by everybody, and nobody can change that.
#[tokio::test]
async fn a_readable_secret_is_refused_only_where_a_chmod_would_help() {
    let plan = Plan::new().await.without("JWT_SECRET");
    let secret = STANDARD.encode(random());
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    for mode in [0o444, 0o644] {
        let path = file(folder.path(), "jwt", &secret, mode);
        let said = refusal(&plan.beside().with("JWT_SECRET_FILE", &path)).expect("it is taken");
        assert!(said.contains("JWT_SECRET_FILE: ") && said.contains("chmod o-rwx"), "{said}");
        std::fs::remove_file(path).unwrap();
    }
    // As orchestrators mount them, where this machine has such a file system.
    if let Ok(folder) = tempfile::tempdir_in("/dev/shm") {
        let mounted = plan.beside().with("JWT_SECRET_FILE", &file(folder.path(), "jwt", &secret, 0o444));
        for arguments in [["--check-config"], ["doctor"]] {
            let (status, said, _) = run_to_the_end(&mounted, &arguments);
            let warns = said.contains("warning") && said.contains("can be read by every user (mode 0444)");
            assert!(status.success() && warns && !said.contains(&secret), "{said}");
        }
        let child = mounted.serve().await;
        child.kill();
    }
}

/// Commands that replace a key at once: every key that was used is kept, and the one that is used is not among those
/// that were replaced.
#[tokio::test]
async fn of_rotations_at_once_none_loses_a_key() {
    let plan = ["DATABASE_URL", "SERVER_KEY", "JWT_SECRET", "ATTESTATION_KEY"]
        .into_iter()
        .fold(Plan::new().await, Plan::without);
    assert!(plan.run(&["keys", "make", "--files"]).status.success());
    let read = |name: &str| std::fs::read_to_string(plan.data.path().join(name)).unwrap_or_default();
    for _ in 0..4 {
        let before = read("server.key").trim().to_owned();
        let commands: Vec<_> = (0..4)
            .map(|_| {
                let mut command = plan.command(&["keys", "rotate", "server"]);
                command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
            })
            .collect();
        for mut command in commands {
            command.wait().unwrap();
        }
        let (current, previous) = (read("server.key").trim().to_owned(), read("server.key.previous"));
        assert!(current == before || previous.contains(&before), "the old key is lost");
        assert!(!previous.contains(&current), "the key that is used counts as replaced");
        assert!(run_to_the_end(&plan, &["doctor"]).0.success());
    }
    let previous = read("server.key.previous");
    assert!(previous.lines().all(|line| line.split_whitespace().count() == 2), "{previous}");
}

/// The next key is not used yet: what to do about its file is something else than for the others.
#[tokio::test]
async fn a_broken_next_key_can_be_deleted() {
    let plan = ["DATABASE_URL", "SERVER_KEY", "JWT_SECRET", "ATTESTATION_KEY"]
        .into_iter()
        .fold(Plan::new().await, Plan::without);
    assert!(plan.run(&["keys", "make", "--files"]).status.success());
    file(plan.data.path(), "server.key.next", "changeme", 0o600);
    let said = refusal(&plan).expect("it is taken");
    assert!(said.contains("server.key.next: ") && said.contains("nothing is made with this key yet"), "{said}");
    let current = std::fs::read_to_string(plan.data.path().join("server.key")).unwrap();
    file(plan.data.path(), "server.key.next", &current, 0o600);
    let said = refusal(&plan).expect("it is taken");
    assert!(said.contains("server.key.next: is the same key as the current one"), "{said}");
    std::fs::remove_file(plan.data.path().join("server.key.next")).unwrap();
    assert_eq!(refusal(&plan), None);
}
