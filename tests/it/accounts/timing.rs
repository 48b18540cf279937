//! Response times disclose nothing.

use std::time::Instant;

use serde_json::json;

use crate::support::{
    Account, Setup,
    statistics::{auc, shuffled},
};

const SAMPLES: usize = 300;

/// EN-03: a wrong password and an unknown account. Three hundred samples of each, one per account, in random order;
/// `verification/timing.rs` explains the bound.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn en_03_unknown_account_takes_as_long_as_a_wrong_password() {
    let app = Setup::new().await.with("CLIENT_SIGN_INS_PER_MINUTE", "unlimited").start().await;
    app.signed_up("hong", "+821012345678").await;
    let hash = app.column("SELECT password_hash FROM account").await.remove(0);
    let known = |n: usize| format!("+82103333{n:04}");
    let unknown = |n: usize| format!("+82104444{n:04}");
    app.insert_accounts((0..SAMPLES).map(|n| Account::with_phone(&known(n)).and_password_hash(&hash))).await;
    let client = app.anonymous();
    let (mut real, mut unknown_account) = (Vec::new(), Vec::new());
    for (is_known, n) in shuffled((0..SAMPLES).flat_map(|n| [(true, n), (false, n)])) {
        let identifier = if is_known { known(n) } else { unknown(n) };
        let started = Instant::now();
        let refused = client.sign_in(json!({ "identifier": identifier, "password": "Wrong-pass-1" })).await;
        let took = started.elapsed().as_secs_f64();
        assert_eq!(refused["__typename"], "CredentialsRejected", "{refused:#}");
        if is_known { &mut real } else { &mut unknown_account }.push(took);
    }
    let auc = auc(&real, &unknown_account);
    assert!((auc - 0.5).abs() <= 0.10, "AUC {auc:.3}: response times differ");
    app.stop().await;
}

/// Two thirds of the accounts have imported bcrypt hashes, which cost more than today's Argon2id. The decoy hashes of
/// unknown accounts must have the same proportions: with only today's hashes the AUC would be 0.17.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn en_03_costlier_imported_hashes_do_not_disclose_accounts() {
    const COST: u32 = 11;
    let app = Setup::new().await.with("CLIENT_SIGN_INS_PER_MINUTE", "unlimited").start().await;
    app.signed_up("hong", "+821012345678").await;
    let today = app.column("SELECT password_hash FROM account").await.remove(0);
    let imported = bcrypt::hash("Old-System-Pass-1", COST).unwrap();
    let known = |n: usize| format!("+82103333{n:04}");
    let unknown = |n: usize| format!("+82104444{n:04}");
    let hash = |n: usize| if n.is_multiple_of(3) { &today } else { &imported };
    app.insert_accounts((0..SAMPLES).map(|n| Account::with_phone(&known(n)).and_password_hash(hash(n)))).await;
    // A process counts the schemes when it starts.
    let counted = app.another_process().await;
    let census = app.column("SELECT schemes FROM password_census").await.remove(0);
    let census: serde_json::Value = serde_json::from_str(&census).unwrap();
    assert_eq!(census["schemes"][0]["accounts"], 200, "{census:#}");
    assert_eq!(census["schemes"][1]["accounts"], 101, "{census:#}");

    let client = counted.anonymous();
    let (mut real, mut unknown_account) = (Vec::new(), Vec::new());
    for (is_known, n) in shuffled((0..SAMPLES).flat_map(|n| [(true, n), (false, n)])) {
        let identifier = if is_known { known(n) } else { unknown(n) };
        let started = Instant::now();
        let refused = client.sign_in(json!({ "identifier": identifier, "password": "Wrong-pass-1" })).await;
        let took = started.elapsed().as_secs_f64();
        assert_eq!(refused["__typename"], "CredentialsRejected", "{refused:#}");
        if is_known { &mut real } else { &mut unknown_account }.push(took);
    }
    let auc = auc(&real, &unknown_account);
    assert!((auc - 0.5).abs() <= 0.10, "AUC {auc:.3}: response times differ");
    counted.stop().await;
    app.stop().await;
}

/// EN-03: the wrong password that locks. Its audit entry is written for an unknown account as well, and the notice to
/// the account is written after the response.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn en_03_locking_attempt_takes_as_long_for_an_unknown_account() {
    let app =
        Setup::new().await.with("CLIENT_SIGN_INS_PER_MINUTE", "unlimited").with("LOCKOUT_ATTEMPTS", "3").start().await;
    app.signed_up("hong", "+821012345678").await;
    let hash = app.column("SELECT password_hash FROM account").await.remove(0);
    let known = |n: usize| format!("+82103333{n:04}");
    let unknown = |n: usize| format!("+82104444{n:04}");
    app.insert_accounts((0..SAMPLES).map(|n| Account::with_phone(&known(n)).and_password_hash(&hash))).await;
    let client = app.anonymous();
    let (mut real, mut unknown_account) = (Vec::new(), Vec::new());
    for locks in [false, true] {
        for (is_known, n) in shuffled((0..SAMPLES).flat_map(|n| [(true, n), (false, n)])) {
            let identifier = if is_known { known(n) } else { unknown(n) };
            let started = Instant::now();
            let refused = client.sign_in(json!({ "identifier": identifier, "password": "Wrong-pass-1" })).await;
            let took = started.elapsed().as_secs_f64();
            assert_eq!(refused["__typename"], "CredentialsRejected", "{refused:#}");
            if locks {
                if is_known { &mut real } else { &mut unknown_account }.push(took);
            }
        }
        // As after another attempt: the next wrong password locks.
        if !locks {
            assert_eq!(app.column("UPDATE lockout SET failures = 2 RETURNING subject").await.len(), 4 * SAMPLES);
        }
    }
    let entries = app.column("SELECT act FROM audit WHERE act = 'account locked'").await;
    assert_eq!(entries.len(), 2 * SAMPLES, "not every last attempt locked");
    let auc = auc(&real, &unknown_account);
    assert!((auc - 0.5).abs() <= 0.10, "AUC {auc:.3}: response times differ");
    app.stop().await;
}

/// EN-04: a code with only the last digit wrong takes as long as one with the first digit wrong.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn en_04_nearly_right_code_takes_as_long_as_a_wrong_one() {
    let app = Setup::new()
        .await
        .with("CLIENT_SENDS_PER_MINUTE", "unlimited")
        .with("CLIENT_GUESSES_PER_MINUTE", "unlimited")
        .with("PUMPING_MIN_SENDS", "unlimited")
        .with("TEST_CONTACTS", "+15005550100=123456")
        .start()
        .await;
    let client = app.anonymous();
    let (mut near, mut far) = (Vec::new(), Vec::new());
    // One random order for all codes: the first guess at a code, made while its message is sent, is slower than the
    // others, so a fixed order per code would always put the same kind first.
    let guesses = shuffled((0..2 * SAMPLES).map(|n| n % 2 == 0));
    for guesses in guesses.chunks(4) {
        let id = client.send_code_to("+15005550100").await["id"].clone();
        for is_near in guesses.iter().copied() {
            let code = if is_near { "123457" } else { "923456" };
            let started = Instant::now();
            let refused = client.confirm(&id, code).await;
            let took = started.elapsed().as_secs_f64();
            assert_eq!(refused["__typename"], "CodeMismatch", "{refused:#}");
            if is_near { &mut near } else { &mut far }.push(took);
        }
    }
    let auc = auc(&near, &far);
    assert!((auc - 0.5).abs() <= 0.10, "AUC {auc:.3}: response times differ");
    app.stop().await;
}
