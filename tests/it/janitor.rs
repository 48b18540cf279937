//! The janitor deletes expired rows (DR-05) and nothing else.

mod accounts;

use std::time::Duration;

use serde_json::json;

use crate::support::{Account, Setup, TEST_TIMEOUT, TestApp};

pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Waits until a table has this many rows.
pub async fn until(app: &TestApp, table: &str, rows: i64) {
    let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
    loop {
        let found = app.row_count(table).await;
        if found == rows {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{table}: {found} rows, not {rows}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn expired_rows_are_deleted_when_their_retention_ends() {
    let app = Setup::new().await.with("HISTORY_RETENTION", "30d").start().await;
    app.insert_accounts([Account::with_phone("+821022223333")]).await;
    let client = app.anonymous();
    let sent = client.request_password_reset(json!({ "contact": { "phone": "010-2222-3333" } })).await;
    let id = sent["verification"]["id"].clone();
    let code = app.code_sent_to("+821022223333").await;
    client.watch(&id).await.until(|state| state["delivery"]["status"] == "SENT").await;
    let proof = client.confirm(&id, &code).await["proof"]["token"].clone();
    assert_eq!(client.reset_password(&proof, "Quiet-Harbour-71!").await["__typename"], "ResetPasswordPayload");
    app.messages_to("+821022223333", 2).await;
    until_settled(&app).await;

    // A day later the spent proof is still known as spent; after that it is deleted.
    app.advance(DAY);
    assert_eq!(client.reset_password(&proof, "Quiet-Harbour-72!").await["reason"], "SPENT");
    app.advance(Duration::from_secs(20 * 60));
    until(&app, "proof", 0).await;
    assert_eq!(client.reset_password(&proof, "Quiet-Harbour-72!").await["reason"], "UNKNOWN");
    assert_eq!(app.row_count("verification").await, 1);

    app.advance(DAY);
    until(&app, "contact_usage", 0).await;
    app.advance(DAY * 27);
    let fresh = client.send_code_to("010-4444-5555").await["id"].clone();
    assert_eq!(client.verification(&id).await["status"], "VERIFIED");
    app.advance(DAY);
    until(&app, "verification", 1).await;
    until(&app, "delivery", 1).await;
    assert_eq!(client.verification(&id).await, json!(null));
    assert_eq!(client.verification(&fresh).await["status"], "EXPIRED");
    app.stop().await;
}

/// Waits until every pending message has been settled.
async fn until_settled(app: &TestApp) {
    let deadline = tokio::time::Instant::now() + TEST_TIMEOUT * 6;
    while app.dump("delivery").await.contains("QUEUED") {
        assert!(tokio::time::Instant::now() < deadline, "a message is not settled");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// More than one batch, deleted by whichever of two processes has the lease, while clients send codes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_rows_are_deleted_in_batches_without_blocking_sends() {
    let setup = Setup::new().await.with("CLIENT_SENDS_PER_MINUTE", "unlimited").with("PUMPING_MIN_SENDS", "unlimited");
    let one = setup.with("TEST_CONTACTS", "+15005550100=123456").start().await;
    let other = one.another_process().await;
    let client = one.anonymous();
    for _ in 0..30 {
        futures_util::future::join_all((0..20).map(|_| client.send_code_to("+15005550100"))).await;
    }
    assert_eq!(one.row_count("verification").await, 600);
    until_settled(&one).await;
    let slowest = async |phones: std::ops::Range<u32>| {
        let mut slowest = Duration::ZERO;
        for n in phones {
            let started = std::time::Instant::now();
            client.send_code_to(&format!("010-2222-{n:04}")).await;
            slowest = slowest.max(started.elapsed());
        }
        slowest
    };
    let usually = slowest(100..120).await;
    until_settled(&one).await;
    one.advance(DAY * 91);
    let slowest = slowest(0..20).await;
    until(&one, "verification", 20).await;
    let bound = (usually * 10).max(Duration::from_secs(2));
    assert!(slowest < bound, "a send waited for {slowest:?}, usually {usually:?}");
    other.stop().await;
    one.stop().await;
}

/// The holder of the lease according to the table.
async fn lease(app: &TestApp) -> String {
    app.dump("lease").await
}

/// Only one process deletes. A killed process loses the lease when it expires; a process that stops releases it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lease_of_a_killed_process_is_taken_over() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let killed = Setup::new().await.start_on(runtime.handle()).await;
    let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
    while !lease(&killed).await.contains("janitor") {
        assert!(tokio::time::Instant::now() < deadline, "no process took the lease");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let held = lease(&killed).await;
    let other = killed.another_process().await;
    runtime.shutdown_background();
    // The lease of the killed process has not expired.
    other.advance(Duration::from_secs(11 * 60));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(lease(&other).await, held);
    other.advance(Duration::from_secs(11 * 60));
    let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
    while lease(&other).await == held {
        assert!(tokio::time::Instant::now() < deadline, "the killed process still has it: {held}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let held = lease(&other).await;
    other.stop().await;
    // A released lease is taken at once: the clock is not advanced.
    let third = killed.another_process().await;
    let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
    while lease(&third).await == held || !lease(&third).await.contains("janitor") {
        assert!(tokio::time::Instant::now() < deadline, "it was not released: {held}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    third.stop().await;
}
