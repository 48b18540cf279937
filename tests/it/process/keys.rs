//! Keys as an operator has them: in files and in settings, made, broken, weak, readable by others, replaced.

use std::{
    ffi::OsStr,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::child::{Child, Plan, run_to_the_end, written};

const KEY_SETTINGS: [&str; 4] = ["DATABASE_URL", "SERVER_KEY", "JWT_SECRET", "ATTESTATION_KEY"];

/// The embedded default, with keys in files.
async fn embedded() -> Plan {
    KEY_SETTINGS.into_iter().fold(Plan::new().await, Plan::without)
}

fn file(plan: &Plan, name: &str) -> PathBuf {
    plan.data.path().join(name)
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Another process on the same database.
fn at_port(plan: &Plan, port: u16) -> Plan {
    plan.beside().with("LISTEN_ADDR", &format!("127.0.0.1:{port}"))
}

/// Ends a process as its supervisor does.
async fn end(child: Child) {
    child.signal("TERM");
    assert!(child.ended_within(std::time::Duration::from_secs(20)).await.success());
}

async fn published(child: &Child) -> Value {
    child.http.get(format!("{}/.well-known/jwks.json", child.url)).send().await.unwrap().json().await.unwrap()
}

/// Case 2: whatever is wrong with a key file, nothing starts with it: `serve`, `doctor` and `--check-config` refuse it,
/// name the file and say how to recover, and leave it as it is.
#[tokio::test]
async fn a_broken_key_file_is_refused_by_serve_doctor_and_check_config() {
    let counting = STANDARD.encode((0..32).collect::<Vec<u8>>());
    let zeros = STANDARD.encode([0; 32]);
    let plan = embedded().await;
    let mut wrong = Vec::new();
    for name in ["server.key", "jwt.key", "attestation.key"] {
        for content in ["", "\n", "a", "changeme", "\u{feff}", &zeros, &counting, &"password1234".repeat(3)] {
            std::fs::write(file(&plan, name), content).unwrap();
            set_mode(&file(&plan, name), 0o600);
            for arguments in [["serve"], ["doctor"], ["--check-config"]] {
                let (status, said, _) = run_to_the_end(&plan, &arguments);
                let named = said.contains(name) && said.contains("backup") && said.contains("delete it");
                if status.success() || !named || (content.len() > 1 && said.contains(content)) {
                    wrong.push(format!("{name} {content:?} {arguments:?}: {status}\n{said}"));
                }
            }
            assert_eq!(std::fs::read_to_string(file(&plan, name)).unwrap(), content, "it was changed");
        }
        std::fs::remove_file(file(&plan, name)).unwrap();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    plan.serve().await.kill();
}

/// Case 2: a first start that dies while it writes a key leaves no key file, and the next start makes one.
#[tokio::test]
async fn a_first_start_that_can_not_write_leaves_no_key_behind() {
    let plan = embedded().await;
    let mut command = Command::new("sh");
    // A file may grow to no bytes at all: the first write to it fails or ends the process, as on a disk that is full.
    command.args(["-c", "ulimit -f 0; exec \"$0\" serve", env!("CARGO_BIN_EXE_countersign")]);
    let died =
        command.env_clear().envs(&plan.vars).current_dir(plan.data.path()).stdin(Stdio::null()).output().unwrap();
    assert!(!died.status.success());
    for name in ["server.key", "jwt.key", "attestation.key"] {
        assert!(!file(&plan, name).exists(), "{name} is there");
    }
    plan.serve().await.kill();
    for name in ["server.key", "jwt.key", "attestation.key"] {
        assert_eq!(mode(&file(&plan, name)), 0o600);
    }
}

/// Case 14: key files that others can read are made private, and said to have been readable. Looking changes nothing.
#[tokio::test]
async fn a_readable_key_file_is_made_private_with_a_warning() {
    let plan = embedded().await;
    plan.serve().await.kill();
    let path = file(&plan, "server.key");
    set_mode(&path, 0o644);
    let (status, said, _) = run_to_the_end(&plan, &["doctor"]);
    assert!(status.success() && said.contains("warning") && said.contains("server.key can be read"), "{said}");
    assert_eq!(mode(&path), 0o644);
    plan.serve().await.kill();
    assert_eq!(mode(&path), 0o600);
    assert!(plan.logged().contains("set to 0600"), "{}", plan.logged());
}

/// The keys that were replaced still open what was made with them, and the next one will.
#[tokio::test]
async fn readable_files_of_other_keys_are_made_private_with_a_warning() {
    let plan = embedded().await;
    plan.serve().await.kill();
    let now = "2026-03-02T03:00:00Z";
    let secret = |name: &str| {
        let made = String::from_utf8(plan.run(&["keys", "make"]).stdout).unwrap();
        let found = made.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
        found.unwrap().to_owned()
    };
    let files = [
        ("server.key.previous", format!("{} {now}\n", secret("SERVER_KEY"))),
        ("jwt.key.previous", format!("{} {now}\n", secret("JWT_SECRET"))),
        ("attestation.key.next", secret("ATTESTATION_KEY")),
    ];
    for (name, text) in &files {
        written(plan.data.path(), name, text);
        set_mode(&file(&plan, name), 0o644);
    }
    let (status, said, _) = run_to_the_end(&plan, &["doctor"]);
    assert!(status.success(), "{said}");
    for (name, _) in &files {
        assert!(said.contains(&format!("{name} can be read by other users")), "{name}: {said}");
        assert_eq!(mode(&file(&plan, name)), 0o644);
    }
    plan.serve().await.kill();
    for (name, _) in &files {
        assert_eq!(mode(&file(&plan, name)), 0o600, "{name}");
        assert!(plan.logged().contains(&format!("{name} can be read by other users (mode 0644): set to 0600")));
    }
}

/// Case 14: `.env` with secrets that others can read is said, and in production refused.
#[tokio::test]
async fn a_readable_env_file_with_secrets_is_said_and_refused_in_production() {
    let plan = embedded().await;
    let secret = String::from_utf8(plan.run(&["keys", "make"]).stdout).unwrap();
    let env_file = file(&plan, ".env");
    written(plan.data.path(), ".env", &secret);
    set_mode(&env_file, 0o644);
    let (status, said, _) = run_to_the_end(&plan, &["--check-config"]);
    assert!(status.success() && said.contains(".env can be read by other users"), "{said}");
    let production = [
        ("ENVIRONMENT", "production"),
        ("SMS_PROVIDER", "webhook"),
        ("VOICE_PROVIDER", "webhook"),
        ("EMAIL_PROVIDER", "webhook"),
        ("DELIVERY_WEBHOOK_URL", "https://gateway.example.com/"),
        ("DELIVERY_WEBHOOK_SECRET", "whsec_bcyrfvFYBhsqlj5RCFhwN8KNGLGfi2vtHkEWiKZxO9o="),
    ];
    let plan = production.into_iter().fold(plan, |plan, (name, value)| plan.with(name, value));
    let (status, said, _) = run_to_the_end(&plan, &["--check-config"]);
    assert!(!status.success() && said.contains("chmod 600"), "{said}");
    set_mode(&env_file, 0o600);
    let (status, said, _) = run_to_the_end(&plan, &["--check-config"]);
    assert!(status.success() && !said.contains("chmod"), "{said}");
}

/// Case 14: a setting that is not UTF-8 is refused by name: production must not turn into development.
#[tokio::test]
async fn a_variable_that_is_not_utf_8_is_refused_by_name() {
    let plan = Plan::new().await;
    let mut command = plan.command(&["--check-config"]);
    let output = command.env("ENVIRONMENT", OsStr::from_bytes(b"production\xff")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("ENVIRONMENT"), "{said}");
    let mut command = plan.command(&["--check-config"]);
    assert!(command.env("UNRELATED", OsStr::from_bytes(b"\xff")).output().unwrap().status.success());
}

/// Case 8: one value for two settings, also in another encoding, in a list, or in a key file.
#[tokio::test]
async fn one_secret_for_two_settings_is_refused() {
    let bytes = countersign::clock::Entropy::System.bytes::<32>();
    let (base64, hex) = (STANDARD.encode(bytes), hex::encode(bytes));
    let refused = |plan: &Plan| {
        let (status, said, _) = run_to_the_end(plan, &["--check-config"]);
        assert!(!status.success() && said.contains("a secret of its own"), "{said}");
        assert!(!said.contains(&base64) && !said.contains(&hex), "{said}");
    };
    let plan = Plan::new().await;
    refused(&plan.beside().with("SERVER_KEY", &base64).with("ATTESTATION_KEY", &base64));
    refused(&plan.beside().with("SERVER_KEY", &base64).with("JWT_SECRET", &base64));
    refused(&plan.beside().with("SERVER_KEY", &base64).with("JWT_SECRET", &hex));
    refused(&plan.beside().with("SERVER_KEY", &base64).with("JWT_SECRETS_PREVIOUS", &hex));
    refused(&plan.beside().with("SERVER_KEYS_PREVIOUS", &base64).with("ATTESTATION_KEY_NEXT", &base64));
    let whsec = format!("whsec_{base64}");
    refused(&plan.beside().with("SERVER_KEY", &base64).with("DELIVERY_WEBHOOK_SECRET", &whsec));
    let plan = embedded().await.with("JWT_SECRET", &hex);
    written(plan.data.path(), "server.key", &base64);
    set_mode(&file(&plan, "server.key"), 0o600);
    refused(&plan);
}

/// A key that was listed twice while processes are replaced is no mistake.
#[tokio::test]
async fn a_key_may_be_among_its_own_predecessors() {
    let plan = Plan::new().await;
    let key = plan.vars["SERVER_KEY"].clone();
    let (status, said, _) = run_to_the_end(&plan.with("SERVER_KEYS_PREVIOUS", &key), &["--check-config"]);
    assert!(status.success(), "{said}");
}

/// `keys make` prints settings that are taken, with nothing configured; `--files` makes what is missing.
#[tokio::test]
async fn keys_make_prints_settings_and_makes_files() {
    let plan = embedded().await;
    let made = String::from_utf8(plan.run(&["keys", "make"]).stdout).unwrap();
    let lines: Vec<_> = made.lines().map(|line| line.split_once('=').unwrap()).collect();
    assert_eq!(lines.iter().map(|(name, _)| *name).collect::<Vec<_>>(), KEY_SETTINGS[1..]);
    let set = lines.iter().fold(plan.beside(), |plan, (name, value)| plan.with(name, value));
    assert!(run_to_the_end(&set, &["--check-config"]).0.success());
    assert!(plan.run(&["keys", "make", "--files"]).status.success());
    let before = std::fs::read(file(&plan, "jwt.key")).unwrap();
    assert!(plan.run(&["keys", "make", "--files"]).status.success());
    assert_eq!(std::fs::read(file(&plan, "jwt.key")).unwrap(), before);
    plan.serve().await.kill();
    assert_eq!(std::fs::read(file(&plan, "jwt.key")).unwrap(), before);
}

/// Two first starts at once agree on their keys.
#[tokio::test]
async fn two_first_starts_at_once_agree_on_one_key() {
    let plan = embedded().await;
    let starts: Vec<_> = (0..4)
        .map(|_| {
            let mut command = plan.command(&["keys", "make", "--files"]);
            command.stdout(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut start in starts {
        assert!(start.wait().unwrap().success());
    }
    let child = plan.serve().await;
    assert_eq!(published(&child).await["keys"].as_array().unwrap().len(), 1);
    let left: Vec<_> = std::fs::read_dir(plan.data.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".tmp")), "{left:?}");
    child.kill();
}

/// A change of a key in files: phase 2 is refused while the running process does not accept the new key, and the session
/// that was begun under the old key goes on under the new one.
#[tokio::test]
async fn keys_rotate_replaces_files_in_two_phases() {
    let plan = embedded().await;
    let child = plan.serve().await;
    plan.user("gildong", "010-2222-3333");
    let tokens = child.sign_in("gildong", "Quiet-Harbour-71!").await["tokens"].clone();
    let said = |plan: &Plan, kind: &str| {
        let (status, said, _) = run_to_the_end(plan, &["keys", "rotate", kind]);
        (status.success(), said)
    };
    for kind in ["server", "jwt", "attestation"] {
        let (done, text) = said(&plan, kind);
        assert!(done && text.contains("Phase 1 of 2"), "{text}");
        let (done, text) = said(&plan, kind);
        assert!(!done && text.contains("do not accept the new"), "{text}");
    }
    end(child).await;
    let child = plan.serve().await;
    let before = std::fs::read_to_string(file(&plan, "server.key")).unwrap();
    assert_eq!(published(&child).await["keys"].as_array().unwrap().len(), 2, "the next key is not published");
    for kind in ["server", "jwt", "attestation"] {
        let (done, text) = said(&plan, kind);
        assert!(done && text.contains("Phase 2 of 2"), "{text}");
    }
    assert_ne!(std::fs::read_to_string(file(&plan, "server.key")).unwrap(), before);
    assert!(std::fs::read_to_string(file(&plan, "server.key.previous")).unwrap().contains(&before));
    end(child).await;
    let child = plan.serve().await;
    assert_eq!(child.me(tokens["accessToken"].as_str().unwrap()).await.as_deref(), Some("gildong"));
    let document = "mutation($input: RefreshSessionInput!) { it: refreshSession(input: $input) { __typename \
         ... on RefreshSessionPayload { tokens { accessToken } } } }";
    let input = json!({ "input": { "refreshToken": tokens["refreshToken"] } });
    let refreshed = child.execute("198.51.100.7", document, input).await.unwrap();
    assert_eq!(refreshed["data"]["it"]["__typename"], "RefreshSessionPayload", "{refreshed:#}");
    let (status, listed, _) = run_to_the_end(&plan, &["keys", "list"]);
    assert!(status.success() && listed.contains("used") && listed.contains("accepted"), "{listed}");
    assert!(!listed.contains(&before), "a key is shown");
    child.kill();
}

/// A change of keys in settings, with two processes: `keys rotate` prints the settings of each phase and refuses the
/// second one until both accept; `keys list` and `doctor` show it, and warn where a process was left behind.
#[tokio::test]
async fn keys_rotate_prints_the_settings_of_each_phase() {
    let old = Plan::new().await;
    if !old.vars.contains_key("DATABASE_URL") {
        eprintln!("LEFT OUT: keys are rotated with two processes: no COUNTERSIGN_TEST_DATABASE_URL");
        return;
    }
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (first, second) = (old.serve().await, at_port(&old, port).serve().await);
    let rotate = |plan: &Plan| run_to_the_end(plan, &["keys", "rotate", "server"]);
    let (status, said, _) = rotate(&old);
    assert!(status.success() && said.contains("Phase 1 of 2"), "{said}");
    let next = said.lines().find_map(|line| line.strip_prefix("SERVER_KEY_NEXT=")).unwrap().to_owned();
    let accepting = at_port(&old, port).with("SERVER_KEY_NEXT", &next);
    let (status, said, _) = rotate(&accepting);
    assert!(!status.success() && said.contains("do not accept the new server key"), "{said}");
    end(second).await;
    let second = accepting.serve().await;
    let (status, said, _) = rotate(&accepting);
    assert!(!status.success() && said.matches("(started").count() == 1, "only the first one lacks it: {said}");
    end(first).await;
    let (status, said, _) = rotate(&accepting);
    assert!(status.success() && said.contains("Phase 2 of 2"), "{said}");
    assert!(said.contains(&format!("SERVER_KEY={next}")), "{said}");
    assert!(said.contains(&format!("SERVER_KEYS_PREVIOUS={}", old.vars["SERVER_KEY"])), "{said}");
    let (_, listed, _) = run_to_the_end(&accepting, &["keys", "list"]);
    assert!(!listed.contains("warning"), "{listed}");
    let (_, examined, _) = run_to_the_end(&accepting, &["doctor"]);
    assert!(examined.contains("keys: server") && !examined.contains("not accepted"), "{examined}");
    // A configuration that nobody was prepared for.
    let other = at_port(&accepting, port)
        .with("SERVER_KEY", &STANDARD.encode(countersign::clock::Entropy::System.bytes::<32>()));
    let (_, examined, _) = run_to_the_end(&other, &["doctor"]);
    assert!(examined.contains("not accepted"), "{examined}");
    second.kill();
}
