//! Every rejection that a user can get from account operations: its content, and that it costs nothing.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{PASSWORD, Setup, SignedIn, TestApp};

const PHONE: &str = "+821012345678";
const OTHER: &str = "+821066660000";

fn kind(response: &Value) -> &str {
    response["__typename"].as_str().unwrap_or_else(|| panic!("{response:#}"))
}

/// A proof for this account, after the cooldown of the contact's last code.
async fn later_proof(app: &TestApp, signed_in: &SignedIn, purpose: &str, to: &str) -> Value {
    app.advance(Duration::from_secs(61));
    app.proof(&app.client_for(signed_in), purpose, to).await
}

/// Each mutation that a client could flood has its own quota and reports it with the time of the next attempt.
#[tokio::test]
async fn bf_09_every_client_quota_is_reported() {
    let app = Setup::new()
        .await
        .with("CLIENT_LOOKUPS_PER_MINUTE", "1")
        .with("CLIENT_SIGN_INS_PER_MINUTE", "1")
        .with("CLIENT_SIGN_UPS_PER_MINUTE", "1")
        .with("CLIENT_PROOFS_PER_MINUTE", "1")
        .with("CLIENT_REFRESHES_PER_MINUTE", "1")
        .with("ACCOUNT_HOURLY_PASSWORDS", "1")
        .start()
        .await;
    let signed_in = app.signed_up("hong", PHONE).await;
    let client = app.client_at("198.51.100.9");
    let signed_in_client = app.client_at("198.51.100.10").with_token(&signed_in.access);
    let unknown_proof = json!("0".repeat(64));
    let new_client = json!({ "proofToken": unknown_proof, "username": "minjun", "password": PASSWORD });
    let mut responses = Vec::new();
    for _ in 0..2 {
        responses = vec![
            client.available(json!({ "username": "minjun" })).await,
            client.sign_in_as("nobody").await,
            client.sign_up(new_client.clone()).await,
            client.refresh("nonsense").await,
            client.reset_password(&unknown_proof, "Other-Password-9").await,
        ];
    }
    let undo = app.client_at("198.51.100.11");
    undo.undo_contact_change("nonsense").await;
    responses.push(undo.undo_contact_change("nonsense").await);
    signed_in_client.change_contact("changePhone", &unknown_proof).await;
    responses.push(signed_in_client.change_contact("changePhone", &unknown_proof).await);
    for response in &responses {
        assert_eq!((kind(response), &response["quota"]), ("QuotaExceeded", &json!("CLIENT_ADDRESS")), "{response:#}");
    }
    assert_eq!(kind(&signed_in_client.delete_account("wrong").await), "CredentialsRejected");
    let refused = signed_in_client.delete_account(PASSWORD).await;
    assert_eq!((kind(&refused), &refused["quota"]), ("QuotaExceeded", &json!("ACCOUNT")));
    // By code and by password are counted together.
    assert_eq!(kind(&client.sign_in_with_proof(&unknown_proof).await), "QuotaExceeded");
    app.advance(Duration::from_secs(60));
    assert_eq!(client.available(json!({ "username": "minjun" })).await["available"], true);
    assert_eq!(client.sign_in_as("hong").await["user"]["username"], "hong");
    app.stop().await;
}

/// Two accounts prove one contact: the first one gets it, and the other one's proof is rejected with the reason.
#[tokio::test]
async fn contact_taken_by_another_account_rejects_the_proof_with_the_reason() {
    let app = Setup::new().await.with("CONTACT_DAILY_SENDS", "unlimited").start().await;
    let hong = app.signed_up("hong", PHONE).await;
    let (early, late) = (app.client_at("198.51.100.8"), app.client_at("198.51.100.9"));
    let first = app.proof(&early, "SIGN_UP", OTHER).await;
    app.advance(Duration::from_secs(61));
    let second = app.proof(&late, "SIGN_UP", OTHER).await;
    let move_there = later_proof(&app, &hong, "PHONE_CHANGE", OTHER).await;
    let input =
        |proof: &Value, username: &str| json!({ "proofToken": proof, "username": username, "password": PASSWORD });
    assert_eq!(kind(&early.sign_up(input(&first, "minjun")).await), "SignUpPayload");
    assert_eq!(kind(&late.sign_up(input(&second, "seoyeon")).await), "ContactTaken");
    let signed_in_client = app.client_for(&hong);
    assert_eq!(kind(&signed_in_client.change_contact("changePhone", &move_there).await), "ContactTaken");
    assert_eq!(signed_in_client.me().await["phone"], PHONE);
    app.stop().await;
}

#[tokio::test]
async fn change_to_the_same_contact_changes_nothing() {
    let app = TestApp::start().await;
    let hong = app.signed_up("hong", PHONE).await;
    let signed_in_client = app.client_for(&hong);
    // Requested twice before either was used.
    let first = later_proof(&app, &hong, "EMAIL_CHANGE", "hong@example.com").await;
    let second = later_proof(&app, &hong, "EMAIL_CHANGE", "hong@example.com").await;
    let changed = signed_in_client.change_contact("changeEmail", &first).await;
    assert_eq!(changed["user"]["email"], "hong@example.com", "{changed:#}");
    // The change ended the second proof. Both are for the contact that the account has now, and change nothing.
    assert_eq!(kind(&signed_in_client.change_contact("changeEmail", &second).await), "ContactUnchanged");
    assert_eq!(kind(&signed_in_client.change_contact("changeEmail", &first).await), "ContactUnchanged");
    app.stop().await;
}

#[tokio::test]
async fn contact_taken_by_another_account_is_not_restored() {
    let app = Setup::new().await.with("CONTACT_DAILY_SENDS", "unlimited").start().await;
    let hong = app.signed_up("hong", PHONE).await;
    let signed_in_client = app.client_for(&hong);
    let proof = app.proof(&signed_in_client, "PHONE_CHANGE", OTHER).await;
    assert_eq!(kind(&signed_in_client.change_contact("changePhone", &proof).await), "ChangeContactPayload");
    let notice = app.messages_to(PHONE, 2).await[0].clone();
    let token = super::changes::undo_token(&notice);
    app.advance(Duration::from_secs(61));
    app.signed_up("kim", PHONE).await;
    let owner = app.client_at("203.0.113.77");
    assert_eq!(kind(&owner.undo_contact_change(&token).await), "ContactTaken");
    // There was no partial undo.
    assert_eq!(signed_in_client.me().await["phone"], OTHER);
    assert_eq!(kind(&owner.sign_in_as("hong").await), "SignInPayload");
    app.stop().await;
}
