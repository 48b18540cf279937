//! Import of accounts from another system by the real binary.

use std::{
    fmt::Write as _,
    io::Write,
    process::{Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::child::{ChildConfig, peak_memory_of, write_file};

fn output_text(output: &Output) -> (String, String) {
    (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test]
async fn every_line_is_imported_or_rejected_with_its_number_and_reason() {
    let config = ChildConfig::new().await;
    let hash = bcrypt::hash("Old-System-Pass-1", 4).unwrap();
    let lines = [
        json!({ "username": "gildong", "password_hash": hash, "phone": "010-2222-3333", "email": "gil@example.com" })
            .to_string(),
        String::new(),
        "not json, and a secret: hunter2".to_owned(),
        json!({ "username": "minji", "phone": "010-2222-3333" }).to_string(),
        json!({ "username": "GilDong", "phone": "010-2222-9999" }).to_string(),
        json!({ "username": "minji", "password_hash": "plain text" }).to_string(),
        json!({ "username": "minji", "passwordhash": hash, "suspended": "no", "phone": 1 }).to_string(),
        json!({ "username": "minji", "suspended": true, "birth_date": "1999-03-14" }).to_string(),
    ];
    let file = write_file(config.data.path(), "users.jsonl", &lines.join("\n"));
    let first = config.run(&["admin", "import-users", &file]);
    let (summary, refusals) = output_text(&first);
    assert!(!first.status.success(), "{refusals}");
    assert_eq!(summary.trim(), "2 imported, 0 skipped, 5 rejected");
    let expected = [
        "line 3: line: not json",
        "line 4: phone: taken",
        "line 5: username: taken",
        "line 6: password_hash: unknown format",
        "line 7: phone: not text",
        "line 7: suspended: not true or false",
        "line 7: passwordhash: unknown field",
        "countersign: 5 lines were rejected: correct them and run this command again",
    ];
    assert_eq!(refusals.lines().collect::<Vec<_>>(), expected);

    // Again, from standard input, without the invalid lines.
    let good = [&lines[0], &lines[7]].map(String::as_str).join("\n");
    let again = config.run_with(&["admin", "import-users", "-"], &good);
    assert_eq!(
        (again.status.success(), output_text(&again)),
        (true, ("0 imported, 2 skipped, 0 rejected\n".into(), String::new()))
    );
    let missing = config.run(&["admin", "import-users", "/nowhere/users.jsonl"]);
    assert!(!missing.status.success() && output_text(&missing).1.contains("/nowhere/users.jsonl: No such file"));

    let child = config.serve().await;
    for identifier in ["gildong", "010-2222-3333", "gil@example.com"] {
        let signed_in = child.sign_in(identifier, "Old-System-Pass-1").await;
        assert_eq!(signed_in["user"]["username"], "gildong", "{signed_in:#}");
    }
    assert_eq!(child.sign_in("minji", "Old-System-Pass-1").await["__typename"], "CredentialsRejected");
    child.kill();
}

/// A time that a database cannot store invalidates only its line.
#[tokio::test]
async fn time_before_1900_rejects_only_its_line() {
    let config = ChildConfig::new().await;
    let times = ["-9999-01-01T00:00:00Z", "-4713-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "1899-12-31T23:59:59Z"];
    let mut lines = vec![json!({ "username": "first_one" }).to_string()];
    lines.extend(times.iter().map(|time| json!({ "username": "gildong", "created_at": time }).to_string()));
    lines.push(json!({ "username": "gildong", "birth_date": "-4800-01-01" }).to_string());
    lines.push(json!({ "username": "last_one", "created_at": "+262142-01-01T00:00:00Z" }).to_string());
    let imported = config.run_with(&["admin", "import-users", "-"], &lines.join("\n"));
    let (summary, refusals) = output_text(&imported);
    assert_eq!(summary.trim(), "2 imported, 0 skipped, 5 rejected", "{refusals}");
    for line in 2..=5 {
        assert!(refusals.contains(&format!("line {line}: created_at: too early")), "{refusals}");
    }
    assert!(refusals.contains("line 6: birth_date: not a date"), "{refusals}");
    assert_eq!(config.column("SELECT username FROM account ORDER BY username").await, ["first_one", "last_one"]);
}

/// Cheap hashes are wrapped, hashes that are too costly to verify are rejected regardless of their declared parameters,
/// and plain-text passwords keep their surrounding white space.
#[tokio::test]
async fn cheap_hashes_are_wrapped_costly_ones_rejected_and_plain_text_kept_exactly() {
    let config = ChildConfig::new().await;
    let hash = "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg";
    let line = |name: &str, hash: Value| json!({ "username": name, "password_hash": hash }).to_string();
    let lines = [
        line("argon_cheap", json!(format!("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ${hash}"))),
        line("scrypt_cheap", json!(format!("$scrypt$ln=1,r=1,p=1$c2FsdA${hash}"))),
        line("scrypt_lanes", json!(format!("$scrypt$ln=1,r=1,p=4000000$c2FsdA${hash}"))),
        line(
            "passlib",
            json!(
                "$6$rounds=656000$saltstring$XWxYL6PQUBCkAgF7IC4BZAfwnAZJgdwSoUiE4Tf0ArJLqOLJ8IHBmGUk.L5TTVgHoz4sQhrDaUfXb6e0Hg.7p1"
            ),
        ),
        line("noop_text", json!("  {noop} Pass with space 71 ")),
        line("noop_object", json!({ "format": "spring", "hash": "{noop} Pass with space 71 " })),
    ];
    let imported = config.run_with(&["admin", "import-users", "-"], &lines.join("\n"));
    let (summary, refusals) = output_text(&imported);
    assert_eq!(summary.trim(), "5 imported, 0 skipped, 1 rejected", "{refusals}");
    assert!(refusals.contains("line 3: password_hash: too costly: at most 16 lanes of scrypt"), "{refusals}");
    let bare = "SELECT username FROM account WHERE password_hash NOT LIKE '$argon2id$%' AND password_hash NOT LIKE '$wrapped$%'";
    assert_eq!(config.column(bare).await, ["passlib"]);
    let cheap =
        "SELECT username FROM account WHERE password_hash LIKE '$wrapped$argon2id$v=19$m=19456%' ORDER BY username";
    assert_eq!(config.column(cheap).await, ["argon_cheap", "scrypt_cheap"]);
    let child = config.serve().await;
    for username in ["noop_text", "noop_object"] {
        let signed_in = child.sign_in(username, " Pass with space 71 ").await;
        assert_eq!(signed_in["user"]["username"], username, "{signed_in:#}");
        assert_eq!(child.sign_in(username, "Pass with space 71").await["__typename"], "CredentialsRejected");
    }
    child.kill();
}

/// phpass hashes the password in each of its rounds, so those are bounded: by the import, which names the bound, and at a
/// sign-in, whatever wrote the row.
#[tokio::test]
async fn rounds_above_a_bound_are_refused_at_import_and_at_sign_in() {
    let config = ChildConfig::new().await;
    let line = |name: &str, hash: &str| json!({ "username": name, "password_hash": hash }).to_string();
    let lines = [
        line("wordpress", "$P$I12345678JSrxV0gEYZPoB8ZbPd5S.0"),
        line("drupal", &format!("$S$H{}", "1".repeat(51))),
        line("stored", &format!("$salted$md5,salt=before,rounds=999999$c2FsdA${}", "A".repeat(22))),
        line("most_rounds", "$P$G12345678JSrxV0gEYZPoB8ZbPd5S.0"),
        line("gildong", &bcrypt::hash("Old-System-Pass-1", 4).unwrap()),
    ];
    let imported = config.run_with(&["admin", "import-users", "-"], &lines.join("\n"));
    let (summary, refusals) = output_text(&imported);
    assert_eq!(summary.trim(), "2 imported, 0 skipped, 3 rejected", "{refusals}");
    let bounds = ["262144 rounds of phpass", "262144 rounds of phpass", "1024 rounds of a salted hash"];
    for (number, bound) in (1..).zip(bounds) {
        let expected = format!("line {number}: password_hash: too costly: at most {bound}");
        assert!(refusals.lines().any(|line| line == expected), "{expected}: {refusals}");
    }

    let child = config.serve().await;
    // The hash of this password with 2^20 rounds.
    const COSTLY: &str = "UPDATE account SET password_hash = '$phpass$md5,ln=20$YWJjZGVmZ2g$d+ZLYGDmUsLlINqI2SQjKg' WHERE username = 'gildong' RETURNING username";
    assert_eq!(config.column(COSTLY).await, ["gildong"]);
    assert_eq!(child.sign_in("gildong", "Old-System-Pass-1").await["__typename"], "CredentialsRejected");
    child.kill();
}

const USERS: usize = 10_000;
/// Padding of each line, so that all lines together exceed the memory limit by far.
const PADDING: usize = 8 * 1024;

/// A string in the format of a bcrypt hash of cost 12 that matches no password. Verifying one takes a good part of a
/// second.
fn costly_hash(number: usize) -> String {
    format!("$2b$12${}{number:030}u", "u".repeat(22))
}

/// Imports `users` and returns the time it took and the peak memory of the process in KiB.
async fn import(config: &ChildConfig, users: std::ops::Range<usize>) -> (Duration, u64) {
    let passwords: Vec<_> = (0..4).map(|n| bcrypt::hash(format!("Old-System-Pass-{n}"), 4).unwrap()).collect();
    let started = Instant::now();
    let mut command = config.command(&["admin", "import-users", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let count = users.len();
    let writing = std::thread::spawn(move || {
        let padding = " ".repeat(PADDING);
        for number in users {
            let hash = passwords.get(number).cloned().unwrap_or_else(|| costly_hash(number));
            let user = json!({ "username": format!("user_{number}x"), "password_hash": hash, "email": format!("user{number}@example.com") });
            writeln!(stdin, "{user}{padding}").unwrap();
        }
    });
    let mut most = 0;
    let ended = loop {
        most = most.max(peak_memory_of(child.id()));
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        // Verifying ten thousand hashes would take most of an hour.
        assert!(started.elapsed() < Duration::from_secs(300), "it takes too long");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let took = started.elapsed();
    writing.join().unwrap();
    let (summary, refusals) = output_text(&child.wait_with_output().unwrap());
    let mut expected = String::new();
    writeln!(expected, "{count} imported, 0 skipped, 0 rejected").unwrap();
    assert_eq!((ended.success(), summary, refusals), (true, expected, String::new()));
    (took, most)
}

/// Ten thousand accounts with bcrypt hashes: the import verifies none of them and keeps only a bounded number of lines
/// in memory. The users sign in with their old passwords, which are then rehashed with Argon2id (PW-04).
#[tokio::test]
async fn pw_04_ten_thousand_accounts_are_imported_and_rehashed_at_sign_in() {
    let config = ChildConfig::new().await;
    let (_, small) = import(&config, 0..100).await;
    let (took, large) = import(&config, 100..USERS).await;
    eprintln!("{USERS} accounts in {took:?}; at most {large} KiB, with a hundred {small} KiB");
    let lines = (USERS * PADDING / 1024) as u64;
    assert!(large < small + lines / 3, "{large} KiB with {lines} KiB of lines, {small} KiB with almost none");
    assert_eq!(config.column("SELECT 'rows' FROM account").await.len(), USERS);

    let child = config.serve().await;
    let hash = async || config.column("SELECT password_hash FROM account WHERE username = 'user_3x'").await.remove(0);
    assert!(hash().await.starts_with("$2b$04$"));
    assert_eq!(child.sign_in("user_3x", "Old-System-Pass-2").await["__typename"], "CredentialsRejected");
    for identifier in ["user_3x", "user3@example.com"] {
        assert_eq!(child.sign_in(identifier, "Old-System-Pass-3").await["user"]["username"], "user_3x");
        assert!(hash().await.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    }
    child.kill();
}

/// Names from around the world are imported unchanged and identify their account.
#[tokio::test]
async fn legal_names_of_all_kinds_are_imported() {
    let config = ChildConfig::new().await;
    let names = [
        "Homer J. Simpson",
        "Gal·la",
        "迪丽热巴·迪力木拉提",
        "レオナルド・ディカプリオ",
        "‘t Hooft",
        "Ravi s/o Kumar",
        "Martin Luther King, Jr.",
        "葛\u{E0100}城",
        "O",
        "علی\u{200C}رضا",
    ];
    let line = |(n, name): (usize, &&str)| json!({ "username": format!("member_{n}x"), "name": name }).to_string();
    let lines: Vec<_> = names.iter().enumerate().map(line).collect();
    let imported = config.run_with(&["admin", "import-users", "-"], &lines.join("\n"));
    assert!(imported.status.success(), "{}", output_text(&imported).1);
    let stored = config.column("SELECT name FROM account ORDER BY username").await;
    assert_eq!(stored, names);
}
