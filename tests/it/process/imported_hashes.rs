//! Password hashes made by the libraries of other systems: imported by the real binary, verified by a sign-in over the
//! wire, and rehashed with Argon2id.

use std::fmt::Write;

use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};

use super::child::{Child, ChildConfig, write_file};

#[derive(Deserialize)]
struct Fixtures {
    fixtures: Vec<Fixture>,
}

/// See `scripts/password-fixtures/`.
#[derive(Deserialize)]
struct Fixture {
    system: String,
    password: String,
    wrong: String,
    password_hash: Value,
}

fn fixtures() -> Vec<Fixture> {
    let files = [
        include_str!("../../fixtures/passwords/python.json"),
        include_str!("../../fixtures/passwords/node.json"),
        include_str!("../../fixtures/passwords/php.json"),
    ];
    files.into_iter().flat_map(|file| serde_json::from_str::<Fixtures>(file).unwrap().fixtures).collect()
}

/// Costly hashes take as long as the machine needs, however busy it is.
async fn with_long_timeouts() -> ChildConfig {
    let config = ChildConfig::new().await.with("CLIENT_SIGN_INS_PER_MINUTE", "unlimited");
    config.with("EXECUTION_TIMEOUT", "1m").with("DATABASE_TIMEOUT", "20s").with("SHED_AFTER", "60s")
}

fn username(number: usize) -> String {
    format!("import{number}x")
}

async fn signs_in(child: &Child, number: usize, Fixture { system, password, wrong, .. }: &Fixture) {
    let username = username(number);
    let refused = child.sign_in(&username, wrong).await;
    assert_eq!(refused["__typename"], "CredentialsRejected", "{system}: {wrong} {refused:#}");
    // With the imported hash, and then with the new one.
    for _ in 0..2 {
        let signed_in = child.sign_in(&username, password).await;
        assert_eq!(signed_in["user"]["username"], username, "{system}: {password} {signed_in:#}");
    }
}

#[tokio::test]
async fn passwords_of_every_system_work_and_are_rehashed_with_argon2id() {
    let config = with_long_timeouts().await;
    let fixtures = fixtures();
    assert!(fixtures.len() > 100, "{} fixtures", fixtures.len());
    let mut lines = String::new();
    for (number, fixture) in fixtures.iter().enumerate() {
        let line = json!({ "username": username(number), "password_hash": fixture.password_hash });
        writeln!(lines, "{line}").unwrap();
    }
    lines.push_str("{\"username\":\"nopassword\",\"password_hash\":\"!rKZJv0qkeTbVzMmSDPcYnbm2LRVQHYVqzpd6Rk0T\"}\n");
    let file = write_file(config.data.path(), "users.jsonl", &lines);
    let imported = config.run(&["admin", "import-users", &file]);
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));

    // No fast hash is stored unwrapped.
    let stored = config.column("SELECT password_hash FROM account WHERE password_hash IS NOT NULL").await;
    assert_eq!(stored.len(), fixtures.len());
    let fast = [
        "$salted$",
        "$sha-crypt$sha256,rounds=5000$",
        "$sha-crypt$sha512,rounds=5000$",
        "$phpass$md5",
        "$pbkdf2-sha1$i=1000$",
    ];
    let bare: Vec<_> = stored.iter().filter(|hash| fast.iter().any(|fast| hash.starts_with(fast))).collect();
    assert!(bare.is_empty(), "{bare:#?}");
    assert!(stored.iter().filter(|hash| hash.starts_with("$wrapped$argon2id$")).count() >= 30);

    let child = config.serve().await;
    let mut signing_in = stream::iter(fixtures.iter().enumerate())
        .map(|(number, fixture)| signs_in(&child, number, fixture))
        .buffer_unordered(3);
    while signing_in.next().await.is_some() {}
    let kept = config.column("SELECT password_hash FROM account WHERE password_hash IS NOT NULL").await;
    let others: Vec<_> = kept.iter().filter(|hash| !hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")).collect();
    assert!(others.is_empty(), "{others:#?}");
    assert_eq!(child.sign_in("nopassword", "!").await["__typename"], "CredentialsRejected");
    drop(signing_in);
    child.kill();
}

/// The lines with a complete hash in the code blocks of the migration guide.
fn samples() -> Vec<Value> {
    let guide = include_str!("../../../docs/migrate.md");
    let blocks = guide.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines = blocks.flat_map(str::lines).filter(|line| line.contains("password_hash") && !line.contains('…'));
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn samples_of_the_migration_guide_are_imported_and_work() {
    let config = with_long_timeouts().await;
    let samples = samples();
    assert!(samples.len() >= 18, "{} samples", samples.len());
    let lines: String = samples.iter().map(|sample| format!("{sample}\n")).collect();
    let imported = config.run_with(&["admin", "import-users", "-"], &lines);
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    let child = config.serve().await;
    for sample in samples {
        let username = sample["username"].as_str().unwrap();
        let signed_in = child.sign_in(username, "password").await;
        assert_eq!(signed_in["user"]["username"], username, "{signed_in:#}");
    }
    child.kill();
}
