//! Every refusal that a person can meet on the way through an account: what it says, and that it costs nothing.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{PASSWORD, Setup, SignedIn, TestApp};

const PHONE: &str = "+821012345678";
const OTHER: &str = "+821066660000";

fn kind(answer: &Value) -> &str {
    answer["__typename"].as_str().unwrap_or_else(|| panic!("{answer:#}"))
}

/// A proof of somebody's, a cool-down after the last code to that contact.
async fn later_proof(app: &TestApp, signed_in: &SignedIn, purpose: &str, to: &str) -> Value {
    app.advance(Duration::from_secs(61));
    app.proof(&app.client_for(signed_in), purpose, to).await
}

/// Each mutation that a client could hammer stops at the quota of its own, and says which and when it opens again.
#[tokio::test]
async fn bf_09_every_quota_of_a_client_is_told() {
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
    let person = app.client_at("198.51.100.9");
    let holder = app.client_at("198.51.100.10").with_token(&signed_in.access);
    let nobody = json!("0".repeat(64));
    let newcomer = json!({ "proofToken": nobody, "username": "minjun", "password": PASSWORD });
    let mut answers = Vec::new();
    for _ in 0..2 {
        answers = vec![
            person.available(json!({ "username": "minjun" })).await,
            person.sign_in_as("nobody").await,
            person.sign_up(newcomer.clone()).await,
            person.refresh("nonsense").await,
            person.reset_password(&nobody, "Other-Password-9").await,
        ];
    }
    let undo = app.client_at("198.51.100.11");
    undo.undo_contact_change("nonsense").await;
    answers.push(undo.undo_contact_change("nonsense").await);
    holder.change_contact("changePhone", &nobody).await;
    answers.push(holder.change_contact("changePhone", &nobody).await);
    for answer in &answers {
        assert_eq!((kind(answer), &answer["quota"]), ("QuotaExceeded", &json!("CLIENT_ADDRESS")), "{answer:#}");
    }
    assert_eq!(kind(&holder.delete_account("wrong").await), "CredentialsRejected");
    let refused = holder.delete_account(PASSWORD).await;
    assert_eq!((kind(&refused), &refused["quota"]), ("QuotaExceeded", &json!("ACCOUNT")));
    // By a code as well as by a password: one count.
    assert_eq!(kind(&person.sign_in_with_proof(&nobody).await), "QuotaExceeded");
    app.advance(Duration::from_secs(60));
    assert_eq!(person.available(json!({ "username": "minjun" })).await["available"], true);
    assert_eq!(person.sign_in_as("hong").await["user"]["username"], "hong");
    app.stop().await;
}

/// Two prove to hold one contact; whoever is first has it, and the other one's proof is told so.
#[tokio::test]
async fn a_contact_that_somebody_else_took_meanwhile_is_told_to_who_proved_it() {
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
    let holder = app.client_for(&hong);
    assert_eq!(kind(&holder.change_contact("changePhone", &move_there).await), "ContactTaken");
    assert_eq!(holder.me().await["phone"], PHONE);
    app.stop().await;
}

#[tokio::test]
async fn a_change_to_the_same_contact_is_none() {
    let app = TestApp::start().await;
    let hong = app.signed_up("hong", PHONE).await;
    let holder = app.client_for(&hong);
    // Asked for twice, before either was used.
    let first = later_proof(&app, &hong, "EMAIL_CHANGE", "hong@example.com").await;
    let second = later_proof(&app, &hong, "EMAIL_CHANGE", "hong@example.com").await;
    let changed = holder.change_contact("changeEmail", &first).await;
    assert_eq!(changed["user"]["email"], "hong@example.com", "{changed:#}");
    // The change ended the second proof. Both are for the contact that the account has now, and change nothing.
    assert_eq!(kind(&holder.change_contact("changeEmail", &second).await), "ContactUnchanged");
    assert_eq!(kind(&holder.change_contact("changeEmail", &first).await), "ContactUnchanged");
    app.stop().await;
}

#[tokio::test]
async fn a_contact_that_was_given_up_and_taken_is_not_given_back() {
    let app = Setup::new().await.with("CONTACT_DAILY_SENDS", "unlimited").start().await;
    let hong = app.signed_up("hong", PHONE).await;
    let holder = app.client_for(&hong);
    let proof = app.proof(&holder, "PHONE_CHANGE", OTHER).await;
    assert_eq!(kind(&holder.change_contact("changePhone", &proof).await), "ChangeContactPayload");
    let told = app.messages_to(PHONE, 2).await[0].clone();
    let token = super::changes::undo_token(&told);
    app.advance(Duration::from_secs(61));
    app.signed_up("kim", PHONE).await;
    let owner = app.client_at("203.0.113.77");
    assert_eq!(kind(&owner.undo_contact_change(&token).await), "ContactTaken");
    // Nothing was undone by half.
    assert_eq!(holder.me().await["phone"], OTHER);
    assert_eq!(kind(&owner.sign_in_as("hong").await), "SignInPayload");
    app.stop().await;
}
