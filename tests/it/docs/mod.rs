//! The code blocks of the documentation, run as they are written. The blocks in TypeScript, JavaScript and GraphQL are
//! compiled by the tests of `web/`.

mod blocks;
mod links;
mod shell;

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use self::{
    blocks::{Block, blocks, pages},
    shell::Page,
};
use crate::support::{Database, env_var};

/// The number of blocks that are not run. Update it deliberately when it changes.
const NOT_RUN: usize = 10;

/// Languages whose blocks are run here, or by the tests of `web/`.
const LANGUAGES: [&str; 13] =
    ["sh", "env", "json", "nginx", "caddyfile", "python", "output", "graphql", "ts", "tsx", "js", "mermaid", "yaml"];

fn every() -> Vec<Block> {
    pages().iter().flat_map(|page| blocks(page)).collect()
}

/// Whether what a block requires is there: a program, or a database to export users from.
fn has(required: &str) -> bool {
    if required == "OLD_DATABASE" {
        return env_var("COUNTERSIGN_TEST_DATABASE_URL").is_some() && has("psql");
    }
    let program = required;
    Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap().status.success()
}

/// The blocks of one language that are to be run, by page.
fn to_run(language: &str) -> Vec<Vec<Block>> {
    let mut found = Vec::new();
    for page in pages() {
        let wanted = |block: &Block| block.language == language && block.no_run().is_none();
        let mut these: Vec<_> = blocks(&page).into_iter().filter(wanted).collect();
        these.retain(|block| match block.attribute("requires") {
            Some(required) if !has(required) => {
                eprintln!("LEFT OUT: {page}:{}: no {required}", block.line);
                false
            }
            _ => true,
        });
        if !these.is_empty() {
            found.push(these);
        }
    }
    found
}

#[test]
fn every_block_has_a_checked_language_and_unrun_blocks_are_listed() {
    let blocks = every();
    assert!(blocks.len() > 30, "{} blocks", blocks.len());
    let unknown: Vec<_> = blocks.iter().filter(|block| !LANGUAGES.contains(&block.language.as_str())).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
    let found: BTreeSet<_> = blocks
        .iter()
        .filter_map(|block| {
            let first = block.text.lines().next().unwrap_or_default();
            Some(format!("{}: {first} ({})", block.page, block.no_run()?))
        })
        .collect();
    let listed = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/not-run.txt")).unwrap();
    let listed: BTreeSet<_> = listed.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    assert_eq!(found, listed, "docs/not-run.txt lists the blocks that are not run");
    assert!(found.len() <= NOT_RUN, "{} blocks are not run, and {NOT_RUN} were before", found.len());
}

#[tokio::test]
async fn shell_blocks_run_as_written() {
    if !has("curl") {
        eprintln!("LEFT OUT: the shell blocks of the documentation: no curl");
        return;
    }
    let refused = regex::Regex::new(r#""code":"[A-Z_]{3,}""#).unwrap();
    for page in to_run("sh") {
        let name = page[0].page.clone();
        let mut run = Page::new(false);
        let old = old_users(&page).await;
        if let Some(old) = &old {
            run.set("OLD_DATABASE", old.url().unwrap());
        }
        let serve = page.iter().find(|block| block.has("serve"));
        run.serve(&run.adapted(serve.map_or("countersign", |block| &block.text))).await;
        let rest: Vec<_> = page.iter().filter(|block| !block.has("serve")).cloned().collect();
        if rest.is_empty() {
            continue;
        }
        let outputs = run.run(&rest).await;
        for (block, output) in rest.iter().zip(&outputs) {
            let place = format!("{name}:{}", block.line);
            assert!(!output.contains("\"errors\""), "{place} returned an error: {output}");
            assert!(!refused.is_match(output), "{place} is refused: {output}");
        }
        if name == "README.md" {
            first_page(&outputs);
        }
    }
}

/// A database with a table of users, where a block exports one.
async fn old_users(page: &[Block]) -> Option<Database> {
    page.iter().find(|block| block.attribute("requires") == Some("OLD_DATABASE"))?;
    let database = Database::create().await;
    let nowhere = Path::new("/nonexistent");
    database
        .restore(
            nowhere,
            "CREATE TABLE users (id bigint PRIMARY KEY, login text, password_digest text, full_name text, born_on date, \
             phone text, email text, email_confirmed_at timestamptz, deleted_at timestamptz, created_at timestamptz); \
             INSERT INTO users VALUES (1, 'lena', '$2b$10$AHEIfB7PIWsuhHHpKl1eHuEaOEo5ryOvzNlDPrz3eCHl/fUxJ/iyy', \
             'Lena Weber', '1990-01-02', '+4915112345678', 'lena@example.com', now(), NULL, now())",
        )
        .await;
    Some(database)
}

/// Checks the output of the blocks of the README.
fn first_page(outputs: &[String]) {
    let all = outputs.concat();
    for shown in ["\"status\":\"VERIFIED\"", "\"proof\":{\"token\":\"", "\"attestation\":\"ey", "\"sessionsEnded\":0"] {
        assert!(all.contains(shown), "{shown} is missing in\n{all}");
    }
}

#[test]
fn configuration_blocks_are_complete() {
    for block in to_run("env").concat() {
        let page = Page::new(false);
        fs::write(page.folder().join(".env"), &block.text).unwrap();
        let rest = match block.attribute("with") {
            Some("production") => production(&page),
            _ => String::new(),
        };
        let checked =
            page.shell(&format!("unset LISTEN_ADDR; {rest} countersign serve --check-config")).output().unwrap();
        let said = String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success(), "{}:{}: {said}", block.page, block.line);
    }
}

/// The settings that a production server needs beside those of a block.
fn production(page: &Page) -> String {
    let made = page.shell("countersign keys make").output().unwrap();
    let keys = String::from_utf8(made.stdout).unwrap();
    let keys: Vec<_> = keys.lines().filter(|line| line.contains('=') && !line.starts_with('#')).collect();
    let others = [
        "ENVIRONMENT=production",
        "DATABASE_URL=postgres://countersign@127.0.0.1/countersign",
        "SMS_PROVIDER=webhook",
        "EMAIL_PROVIDER=webhook",
        "DELIVERY_WEBHOOK_URL=https://gateway.example.com/messages",
        "DELIVERY_WEBHOOK_SECRET=whsec_pS3cX9vQ2LmT7nRb4KzWf8GhYd1JuEa6",
    ];
    keys.into_iter().chain(others).map(|line| format!("{line} ")).collect()
}

#[test]
fn json_blocks_are_json() {
    for block in to_run("json").concat() {
        for line in block.text.lines() {
            let parsed = serde_json::from_str::<serde_json::Value>(line);
            assert!(parsed.is_ok(), "{}:{}: {line}", block.page, block.line);
        }
    }
}

#[test]
fn caddy_takes_its_blocks() {
    for block in to_run("caddyfile").concat() {
        let page = Page::new(false);
        fs::write(page.folder().join("Caddyfile"), &block.text).unwrap();
        let adapted = page.shell("caddy adapt --config Caddyfile --adapter caddyfile").output().unwrap();
        let said = String::from_utf8_lossy(&adapted.stderr);
        assert!(adapted.status.success(), "{}:{}: {said}", block.page, block.line);
    }
}

/// The check of an attestation accepts one of this server, and no other token.
#[tokio::test]
async fn python_checks_an_attestation() {
    const LIBRARIES: &str = "python3 -c 'import jwt, cryptography'";
    for block in to_run("python").concat() {
        let mut page = Page::new(true);
        if !page.shell(LIBRARIES).output().unwrap().status.success() {
            eprintln!("LEFT OUT: {}:{}: no PyJWT", block.page, block.line);
            continue;
        }
        page.serve("countersign").await;
        fs::write(page.folder().join("check.py"), page.adapted(&block.text)).unwrap();
        let attestation = page.attestation().await;
        let check = |token: &str| {
            let script = format!("python3 -c \"import check; print(check.proved_contact('{token}'))\"");
            page.shell(&script).output().unwrap()
        };
        let checked = check(&attestation);
        let (said, reason) = (String::from_utf8_lossy(&checked.stdout), String::from_utf8_lossy(&checked.stderr));
        assert!(said.contains("+4915123456789"), "{}:{}: {said}{reason}", block.page, block.line);
        let (signed, _) = attestation.rsplit_once('.').unwrap();
        assert!(!check(&format!("{signed}.{}", "A".repeat(86))).status.success(), "a forged signature is accepted");
    }
}

#[test]
fn nginx_takes_its_blocks() {
    for block in to_run("nginx").concat() {
        let page = Page::new(false);
        let (folder, certified) =
            (page.folder(), rcgen::generate_simple_self_signed(["id.example.com".into()]).unwrap());
        fs::write(folder.join("cert.pem"), certified.cert.pem()).unwrap();
        fs::write(folder.join("key.pem"), certified.signing_key.serialize_pem()).unwrap();
        let at = folder.display();
        let text = block.text.replace("/etc/ssl/id.example.com.pem", &format!("{at}/cert.pem"));
        let text = text.replace("/etc/ssl/id.example.com.key", &format!("{at}/key.pem"));
        let whole = format!("pid {at}/pid; error_log stderr; events {{}}\nhttp {{ access_log off;\n{text}\n}}\n");
        fs::write(folder.join("nginx.conf"), whole).unwrap();
        let tested = page.shell("nginx -t -p . -c nginx.conf").output().unwrap();
        let said = String::from_utf8_lossy(&tested.stderr);
        assert!(tested.status.success(), "{}:{}: {said}", block.page, block.line);
    }
}
