//! Keys in files and in settings: generated, broken, weak, readable by others, rotated.

use std::{
    ffi::OsStr,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::child::{Child, ChildConfig, run_timed, write_file};

const KEY_SETTINGS: [&str; 4] = ["DATABASE_URL", "SERVER_KEY", "JWT_SECRET", "ATTESTATION_KEY"];

/// The embedded database, with keys in files.
async fn embedded() -> ChildConfig {
    KEY_SETTINGS.into_iter().fold(ChildConfig::new().await, ChildConfig::without)
}

fn file(config: &ChildConfig, name: &str) -> PathBuf {
    config.data.path().join(name)
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A second process on the same database.
fn at_port(config: &ChildConfig, port: u16) -> ChildConfig {
    config.second_process().with("LISTEN_ADDR", &format!("127.0.0.1:{port}"))
}

/// Stops a process with SIGTERM, as a supervisor does.
async fn end(child: Child) {
    child.signal("TERM");
    assert!(child.wait_exit(std::time::Duration::from_secs(20)).await.success());
}

async fn published(child: &Child) -> Value {
    child.http.get(format!("{}/.well-known/jwks.json", child.url)).send().await.unwrap().json().await.unwrap()
}

/// With any defect in a key file nothing starts: `serve`, `doctor` and `--check-config` reject the file by
/// name, say how to recover, and leave it unchanged.
#[tokio::test]
async fn broken_key_file_is_rejected_by_serve_doctor_and_check_config() {
    let counting = STANDARD.encode((0..32).collect::<Vec<u8>>());
    let zeros = STANDARD.encode([0; 32]);
    let config = embedded().await;
    let mut wrong = Vec::new();
    for name in ["server.key", "jwt.key", "attestation.key"] {
        for content in ["", "\n", "a", "changeme", "\u{feff}", &zeros, &counting, &"password1234".repeat(3)] {
            std::fs::write(file(&config, name), content).unwrap();
            set_mode(&file(&config, name), 0o600);
            for arguments in [["serve"], ["doctor"], ["--check-config"]] {
                let (status, out, _) = run_timed(&config, &arguments);
                let named = out.contains(name) && out.contains("backup") && out.contains("delete it");
                if status.success() || !named || (content.len() > 1 && out.contains(content)) {
                    wrong.push(format!("{name} {content:?} {arguments:?}: {status}\n{out}"));
                }
            }
            assert_eq!(std::fs::read_to_string(file(&config, name)).unwrap(), content, "it was changed");
        }
        std::fs::remove_file(file(&config, name)).unwrap();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    config.serve().await.kill();
}

/// A first start that fails while it writes a key leaves no key file, and the next start creates one.
#[tokio::test]
async fn failed_first_start_leaves_no_key_file() {
    let config = embedded().await;
    let mut command = Command::new("sh");
    // A file size limit of 0: the first write fails or kills the process, as on a full disk.
    command.args(["-c", "ulimit -f 0; exec \"$0\" serve", env!("CARGO_BIN_EXE_countersign")]);
    let died =
        command.env_clear().envs(&config.vars).current_dir(config.data.path()).stdin(Stdio::null()).output().unwrap();
    assert!(!died.status.success());
    for name in ["server.key", "jwt.key", "attestation.key"] {
        assert!(!file(&config, name).exists(), "{name} exists");
    }
    config.serve().await.kill();
    for name in ["server.key", "jwt.key", "attestation.key"] {
        assert_eq!(mode(&file(&config, name)), 0o600);
    }
}

/// Key files that other users can read are set to mode 0600 with a warning. Read-only commands change nothing.
#[tokio::test]
async fn readable_key_file_is_made_private_with_a_warning() {
    let config = embedded().await;
    config.serve().await.kill();
    let path = file(&config, "server.key");
    set_mode(&path, 0o644);
    let (status, out, _) = run_timed(&config, &["doctor"]);
    assert!(status.success() && out.contains("warning") && out.contains("server.key can be read"), "{out}");
    assert_eq!(mode(&path), 0o644);
    config.serve().await.kill();
    assert_eq!(mode(&path), 0o600);
    assert!(config.log_text().contains("set to 0600"), "{}", config.log_text());
}

/// Previous keys still open what was made with them, and the next key soon will, so they are as sensitive as the
/// current one.
#[tokio::test]
async fn readable_files_of_previous_and_next_keys_are_made_private_with_a_warning() {
    let config = embedded().await;
    config.serve().await.kill();
    let now = "2026-03-02T03:00:00Z";
    let secret = |name: &str| {
        let made = String::from_utf8(config.run(&["keys", "make"]).stdout).unwrap();
        let found = made.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
        found.unwrap().to_owned()
    };
    let files = [
        ("server.key.previous", format!("{} {now}\n", secret("SERVER_KEY"))),
        ("jwt.key.previous", format!("{} {now}\n", secret("JWT_SECRET"))),
        ("attestation.key.next", secret("ATTESTATION_KEY")),
    ];
    for (name, text) in &files {
        write_file(config.data.path(), name, text);
        set_mode(&file(&config, name), 0o644);
    }
    let (status, out, _) = run_timed(&config, &["doctor"]);
    assert!(status.success(), "{out}");
    for (name, _) in &files {
        assert!(out.contains(&format!("{name} can be read by other users")), "{name}: {out}");
        assert_eq!(mode(&file(&config, name)), 0o644);
    }
    config.serve().await.kill();
    for (name, _) in &files {
        assert_eq!(mode(&file(&config, name)), 0o600, "{name}");
        assert!(config.log_text().contains(&format!("{name} can be read by other users (mode 0644): set to 0600")));
    }
}

/// An `.env` with secrets that other users can read causes a warning, and in production a rejection.
#[tokio::test]
async fn readable_env_file_with_secrets_is_a_warning_and_rejected_in_production() {
    let config = embedded().await;
    let secret = String::from_utf8(config.run(&["keys", "make"]).stdout).unwrap();
    let env_file = file(&config, ".env");
    write_file(config.data.path(), ".env", &secret);
    set_mode(&env_file, 0o644);
    let (status, out, _) = run_timed(&config, &["--check-config"]);
    assert!(status.success() && out.contains(".env can be read by other users"), "{out}");
    let production = [
        ("ENVIRONMENT", "production"),
        ("SMS_PROVIDER", "webhook"),
        ("VOICE_PROVIDER", "webhook"),
        ("EMAIL_PROVIDER", "webhook"),
        ("DELIVERY_WEBHOOK_URL", "https://gateway.example.com/"),
        ("DELIVERY_WEBHOOK_SECRET", "whsec_bcyrfvFYBhsqlj5RCFhwN8KNGLGfi2vtHkEWiKZxO9o="),
    ];
    let config = production.into_iter().fold(config, |config, (name, value)| config.with(name, value));
    let (status, out, _) = run_timed(&config, &["--check-config"]);
    assert!(!status.success() && out.contains("chmod 600"), "{out}");
    set_mode(&env_file, 0o600);
    let (status, out, _) = run_timed(&config, &["--check-config"]);
    assert!(status.success() && !out.contains("chmod"), "{out}");
}

/// A variable that is not UTF-8 is rejected by name, since production must not silently become development.
#[tokio::test]
async fn non_utf8_variable_is_rejected_by_name() {
    let config = ChildConfig::new().await;
    let mut command = config.command(&["--check-config"]);
    let output = command.env("ENVIRONMENT", OsStr::from_bytes(b"production\xff")).output().unwrap();
    let out = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && out.contains("ENVIRONMENT"), "{out}");
    let mut command = config.command(&["--check-config"]);
    assert!(command.env("UNRELATED", OsStr::from_bytes(b"\xff")).output().unwrap().status.success());
}

/// One value for two settings, also in another encoding, in a list or in a key file.
#[tokio::test]
async fn one_secret_for_two_settings_is_rejected() {
    let bytes = platform::clock::Entropy::System.bytes::<32>();
    let (base64, hex) = (STANDARD.encode(bytes), hex::encode(bytes));
    let refused = |config: &ChildConfig| {
        let (status, out, _) = run_timed(config, &["--check-config"]);
        assert!(!status.success() && out.contains("its own secret"), "{out}");
        assert!(!out.contains(&base64) && !out.contains(&hex), "{out}");
    };
    let config = ChildConfig::new().await;
    refused(&config.second_process().with("SERVER_KEY", &base64).with("ATTESTATION_KEY", &base64));
    refused(&config.second_process().with("SERVER_KEY", &base64).with("JWT_SECRET", &base64));
    refused(&config.second_process().with("SERVER_KEY", &base64).with("JWT_SECRET", &hex));
    refused(&config.second_process().with("SERVER_KEY", &base64).with("JWT_SECRETS_PREVIOUS", &hex));
    refused(&config.second_process().with("SERVER_KEYS_PREVIOUS", &base64).with("ATTESTATION_KEY_NEXT", &base64));
    let whsec = format!("whsec_{base64}");
    refused(&config.second_process().with("SERVER_KEY", &base64).with("DELIVERY_WEBHOOK_SECRET", &whsec));
    let config = embedded().await.with("JWT_SECRET", &hex);
    write_file(config.data.path(), "server.key", &base64);
    set_mode(&file(&config, "server.key"), 0o600);
    refused(&config);
}

/// A key that is listed twice during a rolling replacement is accepted.
#[tokio::test]
async fn current_key_may_be_listed_as_previous() {
    let config = ChildConfig::new().await;
    let key = config.vars["SERVER_KEY"].clone();
    let (status, out, _) = run_timed(&config.with("SERVER_KEYS_PREVIOUS", &key), &["--check-config"]);
    assert!(status.success(), "{out}");
}

/// `keys make` needs no configuration and prints valid settings; `--files` creates the missing files.
#[tokio::test]
async fn keys_make_prints_settings_and_creates_files() {
    let config = embedded().await;
    let made = String::from_utf8(config.run(&["keys", "make"]).stdout).unwrap();
    let lines: Vec<_> = made.lines().map(|line| line.split_once('=').unwrap()).collect();
    assert_eq!(lines.iter().map(|(name, _)| *name).collect::<Vec<_>>(), KEY_SETTINGS[1..]);
    let set = lines.iter().fold(config.second_process(), |config, (name, value)| config.with(name, value));
    assert!(run_timed(&set, &["--check-config"]).0.success());
    assert!(config.run(&["keys", "make", "--files"]).status.success());
    let before = std::fs::read(file(&config, "jwt.key")).unwrap();
    assert!(config.run(&["keys", "make", "--files"]).status.success());
    assert_eq!(std::fs::read(file(&config, "jwt.key")).unwrap(), before);
    config.serve().await.kill();
    assert_eq!(std::fs::read(file(&config, "jwt.key")).unwrap(), before);
}

/// Two concurrent first starts agree on their keys.
#[tokio::test]
async fn concurrent_first_starts_agree_on_one_key() {
    let config = embedded().await;
    let starts: Vec<_> = (0..4)
        .map(|_| {
            let mut command = config.command(&["keys", "make", "--files"]);
            command.stdout(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut start in starts {
        assert!(start.wait().unwrap().success());
    }
    let child = config.serve().await;
    assert_eq!(published(&child).await["keys"].as_array().unwrap().len(), 1);
    let left: Vec<_> = std::fs::read_dir(config.data.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".tmp")), "{left:?}");
    child.kill();
}

/// Key rotation in files: phase 2 is refused while the running process does not accept the new key, and a session from
/// the old key continues under the new one.
#[tokio::test]
async fn keys_rotate_replaces_files_in_two_phases() {
    let config = embedded().await;
    let child = config.serve().await;
    config.create_user("gildong", "010-2222-3333");
    let tokens = child.sign_in("gildong", "Quiet-Harbour-71!").await["tokens"].clone();
    let run_output = |config: &ChildConfig, kind: &str| {
        let (status, out, _) = run_timed(config, &["keys", "rotate", kind]);
        (status.success(), out)
    };
    for kind in ["server", "jwt", "attestation"] {
        let (done, text) = run_output(&config, kind);
        assert!(done && text.contains("Phase 1 of 2"), "{text}");
        let (done, text) = run_output(&config, kind);
        assert!(!done && text.contains("do not accept the new"), "{text}");
    }
    end(child).await;
    let child = config.serve().await;
    let before = std::fs::read_to_string(file(&config, "server.key")).unwrap();
    assert_eq!(published(&child).await["keys"].as_array().unwrap().len(), 2, "the next key is not published");
    for kind in ["server", "jwt", "attestation"] {
        let (done, text) = run_output(&config, kind);
        assert!(done && text.contains("Phase 2 of 2"), "{text}");
    }
    assert_ne!(std::fs::read_to_string(file(&config, "server.key")).unwrap(), before);
    assert!(std::fs::read_to_string(file(&config, "server.key.previous")).unwrap().contains(&before));
    end(child).await;
    let child = config.serve().await;
    assert_eq!(child.me(tokens["accessToken"].as_str().unwrap()).await.as_deref(), Some("gildong"));
    let document = "mutation($input: RefreshSessionInput!) { it: refreshSession(input: $input) { __typename \
         ... on RefreshSessionPayload { tokens { accessToken } } } }";
    let input = json!({ "input": { "refreshToken": tokens["refreshToken"] } });
    let refreshed = child.execute("198.51.100.7", document, input).await.unwrap();
    assert_eq!(refreshed["data"]["it"]["__typename"], "RefreshSessionPayload", "{refreshed:#}");
    let (status, listed, _) = run_timed(&config, &["keys", "list"]);
    assert!(status.success() && listed.contains("used") && listed.contains("accepted"), "{listed}");
    assert!(!listed.contains(&before), "a key is shown");
    child.kill();
}

/// Key rotation in settings with two processes: `keys rotate` prints the settings of each phase and refuses the second
/// one until both processes accept the new key. `keys list` and `doctor` show the state and warn if a process was left
/// behind.
#[tokio::test]
async fn keys_rotate_prints_the_settings_of_each_phase() {
    let old = ChildConfig::new().await;
    if !old.vars.contains_key("DATABASE_URL") {
        eprintln!("LEFT OUT: keys are rotated with two processes: no COUNTERSIGN_TEST_DATABASE_URL");
        return;
    }
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (first, second) = (old.serve().await, at_port(&old, port).serve().await);
    let rotate = |config: &ChildConfig| run_timed(config, &["keys", "rotate", "server"]);
    let (status, out, _) = rotate(&old);
    assert!(status.success() && out.contains("Phase 1 of 2"), "{out}");
    let next = out.lines().find_map(|line| line.strip_prefix("SERVER_KEY_NEXT=")).unwrap().to_owned();
    let accepting = at_port(&old, port).with("SERVER_KEY_NEXT", &next);
    let (status, out, _) = rotate(&accepting);
    assert!(!status.success() && out.contains("do not accept the new server key"), "{out}");
    end(second).await;
    let second = accepting.serve().await;
    let (status, out, _) = rotate(&accepting);
    assert!(!status.success() && out.matches("(started").count() == 1, "only the first one lacks it: {out}");
    end(first).await;
    let (status, out, _) = rotate(&accepting);
    assert!(status.success() && out.contains("Phase 2 of 2"), "{out}");
    assert!(out.contains(&format!("SERVER_KEY={next}")), "{out}");
    assert!(out.contains(&format!("SERVER_KEYS_PREVIOUS={}", old.vars["SERVER_KEY"])), "{out}");
    let (_, listed, _) = run_timed(&accepting, &["keys", "list"]);
    assert!(!listed.contains("warning"), "{listed}");
    let (_, examined, _) = run_timed(&accepting, &["doctor"]);
    assert!(examined.contains("keys: server") && !examined.contains("not accepted"), "{examined}");
    // A configuration without the earlier phases.
    let other =
        at_port(&accepting, port).with("SERVER_KEY", &STANDARD.encode(platform::clock::Entropy::System.bytes::<32>()));
    let (_, examined, _) = run_timed(&other, &["doctor"]);
    assert!(examined.contains("not accepted"), "{examined}");
    second.kill();
}
