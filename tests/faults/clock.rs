//! A system clock that jumps an hour in either direction (FD-06): libfaketime changes it under the running server.

use std::{fs, path::Path};

use serde_json::json;

use super::load::{RequestResult, confirm, phone, read_verification, send, status, until};
use crate::{
    process::child::{Child, ChildConfig},
    support::{Socket, TEST_TIMEOUT},
};

const LIBRARIES: &[&str] = &[
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
];

/// Sets the clock of the process that reads this file. The file is replaced atomically.
fn set(file: &Path, offset: &str) {
    let fresh = file.with_extension("fresh");
    fs::write(&fresh, format!("{offset}\n")).unwrap();
    fs::rename(fresh, file).unwrap();
}

/// The server's current time, derived from the expiry of a new code.
async fn expiry_of_a_send(child: &Child, number: usize) -> (String, chrono::DateTime<chrono::Utc>) {
    let document = "mutation($phone: String!) { it: sendVerificationCode(input: { purpose: CONTACT, to: { phone: $phone } }) \
                    { ... on SendVerificationCodePayload { verification { id expiresAt } } } }";
    let response = child.execute("198.51.100.3", document, json!({ "phone": phone(number) })).await.unwrap();
    let sent = &response["data"]["it"]["verification"];
    (sent["id"].as_str().unwrap().to_owned(), sent["expiresAt"].as_str().unwrap().parse().unwrap())
}

async fn verification_status(child: &Child, id: &str) -> String {
    let RequestResult::Data(it) = read_verification(child, id).await else { panic!("{id} is lost") };
    it["status"].as_str().unwrap().to_owned()
}

async fn code_of(child: &Child, number: usize) -> String {
    until("a code came", TEST_TIMEOUT, || async {
        let outbox = child.outbox().await;
        let message = outbox.iter().find(|message| message["to"] == *phone(number))?;
        Some(message["code"].as_str().unwrap().to_owned())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd_06_clock_jump_does_not_revive_expired_codes() {
    let Some(library) = LIBRARIES.iter().find(|library| Path::new(library).exists()) else {
        eprintln!("LEFT OUT: a clock that jumps: no libfaketime");
        return;
    };
    let config =
        ChildConfig::new().await.without("DATABASE_URL").without("REDIS_URL").with("CLIENT_SENDS_PER_MINUTE", "4");
    let offset = config.data.path().join("offset");
    set(&offset, "+0");
    let config = config
        .with("LD_PRELOAD", library)
        .with("FAKETIME_TIMESTAMP_FILE", offset.to_str().unwrap())
        .with("FAKETIME_NO_CACHE", "1")
        .with("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let child = config.serve().await;
    let id = send(&child, &phone(0)).await.id().unwrap();
    let code = code_of(&child, 0).await;
    let document = "subscription($id: ID!) { verificationStatus(id: $id) { status } }";
    let socket = Socket::open(&child.url, "198.51.100.9", None).await;
    let mut watch = socket.subscribe(document, json!({ "id": id })).await;
    assert_eq!(watch.next().await.unwrap()["status"], "PENDING");
    for number in 1..4 {
        assert!(send(&child, &phone(number)).await.id().is_some());
    }
    assert!(send(&child, &phone(4)).await.is("QuotaExceeded"));
    let (_, before) = expiry_of_a_send(&child, 10).await;

    set(&offset, "+3600");
    let hour = chrono::TimeDelta::minutes(59);
    let (ahead, later) = expiry_of_a_send(&child, 11).await;
    assert!(later - before > hour, "the clock has not changed: {before}, {later}");
    assert_eq!(verification_status(&child, &id).await, "EXPIRED");
    // An hour of the wall clock is not an hour of waiting: the quota of the minute is not refilled.
    assert!(send(&child, &phone(5)).await.is("QuotaExceeded"));

    set(&offset, "-3600");
    // Two hours back, and the server's time does not go back.
    let (_, after) = expiry_of_a_send(&child, 12).await;
    assert!(after >= later, "{later}, then {after}");
    assert_eq!(verification_status(&child, &id).await, "EXPIRED");
    let again = confirm(&child, &id, &code).await;
    assert!(again.is("VerificationNotPending"), "{again:?}");
    assert!(send(&child, &phone(6)).await.is("QuotaExceeded"));
    // New requests work, nothing panicked, and the stream ended normally.
    let fresh = code_of(&child, 11).await;
    assert!(confirm(&child, &ahead, &fresh).await.is("ConfirmVerificationCodePayload"));
    assert_eq!(watch.last().await["status"], "EXPIRED");
    assert_eq!(status(&child, "/readyz").await, 200);
    assert!(!config.log_text().contains("panick"), "{}", config.log_text());
    child.signal("TERM");
    assert!(child.wait_exit(TEST_TIMEOUT).await.success());
}
