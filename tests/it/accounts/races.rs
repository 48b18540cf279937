//! Concurrency: one account, one proof, one token family (docs/security.md CR-02 to CR-06).

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{PASSWORD, Setup, SignedIn, TestApp};

async fn app() -> TestApp {
    let mut setup = Setup::new().await;
    for name in [
        "CLIENT_SIGN_UPS_PER_MINUTE",
        "CLIENT_SENDS_PER_MINUTE",
        "CLIENT_REFRESHES_PER_MINUTE",
        "CLIENT_SIGN_INS_PER_MINUTE",
    ] {
        setup = setup.with(name, "unlimited");
    }
    setup.start().await
}

fn kinds(responses: &[Value]) -> Vec<&str> {
    let mut kinds: Vec<_> = responses.iter().map(|response| response["__typename"].as_str().unwrap()).collect();
    kinds.sort_unstable();
    kinds
}

#[tokio::test]
async fn cr_03_concurrent_sign_ups_with_one_username_create_one_account() {
    let app = app().await;
    let client = app.anonymous();
    let mut proofs = Vec::new();
    for number in 0..6 {
        proofs.push(app.proof(&client, "SIGN_UP", &format!("+82101111000{number}")).await);
    }
    let other = app.another_process().await;
    let responses =
        join_all(
            proofs.iter().enumerate().map(|(at, proof)| {
                let client = if at % 2 == 0 { app.anonymous() } else { other.anonymous() };
                let username = if at % 3 == 0 { "Racer" } else { "racer" };
                async move {
                    client.sign_up(json!({ "proofToken": proof, "username": username, "password": PASSWORD })).await
                }
            }),
        )
        .await;
    assert_eq!(kinds(&responses), [vec!["SignUpPayload"], vec!["UsernameTaken"; 5]].concat());
    other.stop().await;
    app.stop().await;
}

#[tokio::test]
async fn cr_03_concurrent_sign_ups_with_one_proof_create_one_account() {
    let app = app().await;
    let client = app.anonymous();
    let proof = app.proof(&client, "SIGN_UP", "+821012345678").await;
    let responses =
        join_all(
            (0..6).map(|number| {
                let (client, proof) = (client.clone(), proof.clone());
                let username = format!("racer{number}x");
                async move {
                    client.sign_up(json!({ "proofToken": proof, "username": username, "password": PASSWORD })).await
                }
            }),
        )
        .await;
    // The later ones find the proof spent, or the contact taken by the first.
    let made = responses.iter().filter(|response| response["__typename"] == "SignUpPayload").count();
    assert_eq!(made, 1, "{responses:#?}");
    for response in responses.iter().filter(|response| response["__typename"] != "SignUpPayload") {
        assert!(response["reason"] == "SPENT" || response["__typename"] == "ContactTaken", "{response:#}");
    }
    app.stop().await;
}

#[tokio::test]
async fn cr_04_parallel_refreshes_leave_one_token_family_across_processes() {
    let app = app().await;
    let signed_in = app.signed_up("hong", "+821012345678").await;
    let other = app.another_process().await;
    let responses = join_all((0..20).map(|number| {
        let client = if number % 2 == 0 { app.anonymous() } else { other.anonymous() };
        let token = signed_in.refresh.clone();
        async move { client.refresh(&token).await }
    }))
    .await;
    let successors: BTreeSet<_> = responses
        .iter()
        .map(|response| response["tokens"]["refreshToken"].as_str().unwrap_or_else(|| panic!("{response:#}")))
        .collect();
    assert_eq!(successors.len(), 1);
    let next = app.anonymous().refresh(successors.first().unwrap()).await;
    assert_eq!(next["__typename"], "RefreshSessionPayload");
    other.stop().await;
    app.stop().await;
}

#[tokio::test]
async fn cr_05_password_reset_leaves_no_session_in_any_process() {
    let app = app().await;
    let other = app.another_process().await;
    let signed_in = app.signed_up("hong", "+821012345678").await;
    app.advance(std::time::Duration::from_secs(61));
    let client = app.anonymous();
    let either = |number: usize| if number.is_multiple_of(2) { app.anonymous() } else { other.anonymous() };
    let proof = app.proof(&client, "PASSWORD_RESET", "+821012345678").await;
    let resets = join_all((0..3).map(|number| {
        let (client, proof) = (either(number), proof.clone());
        async move { client.reset_password(&proof, &format!("Other-Password-{number}")).await }
    }));
    let sign_ins = join_all((0..4).map(|number| {
        let client = either(number);
        async move { client.sign_in_as("hong").await }
    }));
    let refreshes = join_all((0..4).map(|number| {
        let (client, token) = (either(number), signed_in.refresh.clone());
        async move { client.refresh(&token).await }
    }));
    let (resets, sign_ins, refreshes) = tokio::join!(resets, sign_ins, refreshes);
    let done = resets.iter().filter(|reset| reset["__typename"] == "ResetPasswordPayload").count();
    assert_eq!(done, 1, "{resets:#?}");
    let responses: Vec<_> = sign_ins.into_iter().chain(refreshes).collect();
    assert_rejected_everywhere(&[&app, &other], &responses).await;
    let won: Vec<_> = resets.iter().enumerate().filter(|(_, reset)| reset["sessionsEnded"].is_number()).collect();
    let password = format!("Other-Password-{}", won[0].0);
    let back = client.sign_in(json!({ "identifier": "hong", "password": password })).await;
    assert_eq!(back["__typename"], "SignInPayload");
    other.stop().await;
    app.stop().await;
}

/// The tokens in these results are no longer accepted by any process.
async fn assert_rejected_everywhere(apps: &[&TestApp], responses: &[Value]) {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(8);
    for tokens in responses.iter().map(|response| &response["tokens"]).filter(|tokens| tokens.is_object()) {
        let text = |name: &str| tokens[name].as_str().unwrap_or_else(|| panic!("{tokens:#}"));
        for app in apps {
            let refused = app.anonymous().refresh(text("refreshToken")).await;
            assert_eq!(refused["__typename"], "RefreshRejected", "{refused:#}");
            while app.anonymous().with_token(text("accessToken")).me().await != Value::Null {
                assert!(tokio::time::Instant::now() < deadline, "still accepted");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }
}

/// Suspension and deletion win over concurrent sign-ins and refreshes in both processes.
#[tokio::test]
async fn cr_06_suspension_and_deletion_win_over_concurrent_requests() {
    let app = app().await;
    let other = app.another_process().await;
    app.signed_up("boss", "+821022220000").await;
    let administrator = app.promote("boss").await;
    for (round, way) in ["suspended", "erased", "suspended", "erased"].into_iter().enumerate() {
        let name = format!("racer{round}x");
        let signed_in = app.signed_up(&name, &format!("+82101111000{round}")).await;
        let (owner, admin) = (app.client_for(&signed_in), app.client_for(&administrator));
        let either = |number: usize| if number.is_multiple_of(2) { app.anonymous() } else { other.anonymous() };
        let end = async {
            match way {
                "suspended" => admin.set_account_status(&signed_in.user["id"], "SUSPENDED").await["user"].is_object(),
                _ => owner.delete_account(PASSWORD).await["id"].is_string(),
            }
        };
        let sign_ins = join_all((0..4).map(|number| {
            let (client, name) = (either(number), name.clone());
            async move { client.sign_in_as(&name).await }
        }));
        let refreshes = join_all((0..4).map(|number| {
            let (client, token) = (either(number), signed_in.refresh.clone());
            async move { client.refresh(&token).await }
        }));
        let (ended, sign_ins, refreshes) = tokio::join!(end, sign_ins, refreshes);
        assert!(ended, "{way}");
        let responses: Vec<_> = sign_ins.into_iter().chain(refreshes).collect();
        assert_rejected_everywhere(&[&app, &other], &responses).await;
    }
    other.stop().await;
    app.stop().await;
}

/// Two processes, one address, one username: exactly one account is created, and its code activates it
/// (`ACTIVATION=email`).
#[tokio::test]
async fn cr_03_concurrent_sign_ups_with_one_address_create_one_account() {
    let app = Setup::new().await.with("ACTIVATION", "email").start().await;
    let other = app.another_process().await;
    let responses = join_all((0..6).map(|number| {
        let app = if number % 2 == 0 { &app } else { &other };
        let client = app.client_at(&format!("198.51.100.{}", number + 10));
        let input = json!({ "username": "racer", "password": PASSWORD, "email": "racer@example.com" });
        async move { client.sign_up(input).await }
    }))
    .await;
    // The first request has sent a code; the others are within the cooldown or find the username taken.
    let made: Vec<_> = responses.iter().filter(|response| response["__typename"] == "SignUpPayload").collect();
    assert_eq!(made.len(), 1, "{responses:#?}");
    assert_eq!(app.row_count("account").await, 1);
    let code = app.code_sent_to("racer@example.com").await;
    let confirmed = app.anonymous().confirm(&made[0]["verification"]["id"], &code).await;
    assert_eq!(confirmed["__typename"], "ConfirmVerificationCodePayload", "{confirmed:#}");
    assert_eq!(other.anonymous().sign_in_as("racer").await["user"]["status"], "ACTIVE");
    other.stop().await;
    app.stop().await;
}

#[tokio::test]
async fn cr_06_sign_out_everywhere_wins_over_concurrent_refreshes() {
    let app = app().await;
    let first = app.signed_up("hong", "+821012345678").await;
    for _ in 0..5 {
        let signed_in = SignedIn::of(&app.anonymous().sign_in_as("hong").await);
        let signed_in_client = app.client_for(&signed_in);
        let client = app.anonymous();
        let (_, refreshed) = tokio::join!(signed_in_client.sign_out_everywhere(), client.refresh(&signed_in.refresh));
        if let Some(token) = refreshed["tokens"]["refreshToken"].as_str() {
            assert_eq!(client.refresh(token).await["reason"], "REVOKED");
        }
    }
    assert_eq!(app.anonymous().refresh(&first.refresh).await["reason"], "REVOKED");
    app.stop().await;
}

/// Two resets, a confirmation, sign-ins with proofs and refreshes run concurrently in two processes: one reset
/// succeeds, and nothing from before it is valid afterwards.
#[tokio::test]
async fn cr_05_password_reset_wins_over_earlier_codes_and_proofs() {
    let app = unlimited_app().await;
    let other = app.another_process().await;
    for round in 0..4 {
        let (name, phone) = (format!("racer{round}x"), format!("+82101111000{round}"));
        let signed_in = app.signed_up(&name, &phone).await;
        let (one, two) = (app.anonymous(), other.anonymous());
        let resets = [app.proof(&one, "PASSWORD_RESET", &phone).await, app.proof(&one, "PASSWORD_RESET", &phone).await];
        let sign_ins = [app.proof(&one, "SIGN_IN", &phone).await, app.proof(&one, "SIGN_IN", &phone).await];
        let before = app.codes_to(&phone, 0).await.len();
        let sent = one.send_code(json!({ "purpose": "SIGN_IN", "to": { "phone": phone } })).await;
        let id = &sent["verification"]["id"];
        let code = app.codes_to(&phone, before + 1).await[0].clone();
        let (first, second, confirmed, by_proof, also, refreshed) = tokio::join!(
            one.reset_password(&resets[0], "Quiet-Harbour-71!"),
            two.reset_password(&resets[1], "Quiet-Harbour-72!"),
            two.confirm(id, &code),
            one.sign_in_with_proof(&sign_ins[0]),
            two.sign_in_with_proof(&sign_ins[1]),
            two.refresh(&signed_in.refresh),
        );
        let done = [&first, &second].into_iter().filter(|reset| reset["sessionsEnded"].is_number()).count();
        assert_eq!(done, 1, "{first:#} {second:#}");
        let late = &confirmed["proof"]["token"];
        if late.is_string() {
            assert_eq!(one.sign_in_with_proof(late).await["reason"], "SPENT");
        }
        assert_rejected_everywhere(&[&app, &other], &[by_proof, also, refreshed]).await;
    }
    other.stop().await;
    app.stop().await;
}

/// Concurrent operations on one account, each of which ends the others' proofs, wait for each other without a deadlock.
#[tokio::test]
async fn cr_06_operations_that_end_each_others_proofs_do_not_deadlock() {
    let app = unlimited_app().await;
    let other = app.another_process().await;
    for round in 0..4 {
        let (name, phone) = (format!("racer{round}x"), format!("+82101111000{round}"));
        let signed_in = app.signed_up(&name, &phone).await;
        let (here, there) = (app.client_for(&signed_in), other.client_for(&signed_in));
        let mail = format!("racer{round}@example.com");
        let change = app.proof(&here, "EMAIL_CHANGE", &mail).await;
        let move_away = app.proof(&here, "PHONE_CHANGE", &format!("+82102222000{round}")).await;
        let reset = app.proof(&app.anonymous(), "PASSWORD_RESET", &phone).await;
        let anyone = other.anonymous();
        let change_to =
            |act: &str| format!("mutation($p: String!) {{ {act}(input: {{ proofToken: $p }}) {{ __typename }} }}");
        let resetting = "mutation($p: String!) { resetPassword(input: { proofToken: $p, newPassword: \"Quiet-Harbour-71!\" }) \
                         { __typename } }";
        let (email, number) = (change_to("changeEmail"), change_to("changePhone"));
        let responses = tokio::join!(
            here.execute(&email, json!({ "p": change })),
            there.execute(&number, json!({ "p": move_away })),
            anyone.execute(resetting, json!({ "p": reset })),
            there.execute("mutation { signOutEverywhere { sessionsEnded } }", json!({})),
        );
        for response in [responses.0, responses.1, responses.2, responses.3] {
            let code = &response["errors"][0]["extensions"]["code"];
            assert!(code.is_null() || code == "UNAUTHENTICATED", "{response:#}");
        }
    }
    other.stop().await;
    app.stop().await;
}

/// Two sessions that end each other in two processes: one wins, the other is rejected, and neither waits forever for
/// the other's lock.
#[tokio::test]
async fn cr_06_two_sessions_that_end_each_other_do_not_deadlock() {
    let app = unlimited_app().await;
    let other = app.another_process().await;
    app.signed_up("hong", "+821012345678").await;
    let current = |me: Value| {
        let sessions = me["sessions"]["nodes"].as_array().unwrap().clone();
        sessions.into_iter().find(|session| session["current"] == true).unwrap()["id"].clone()
    };
    let revoke = "mutation($id: ID!) { it: revokeSession(input: { sessionId: $id }) { __typename } }";
    for _ in 0..8 {
        let one = app.client_for(&SignedIn::of(&app.anonymous().sign_in_as("hong").await));
        let two = other.client_for(&SignedIn::of(&app.anonymous().sign_in_as("hong").await));
        let (first, second) = (current(one.me().await), current(two.me().await));
        let responses =
            tokio::join!(one.execute(revoke, json!({ "id": second })), two.execute(revoke, json!({ "id": first })));
        let ended = |response: &Value| response["data"]["it"]["__typename"] == "RevokeSessionPayload";
        let over = |response: &Value| response["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED";
        let (one, two) = &responses;
        assert!(ended(one) && over(two) || over(one) && ended(two), "{responses:#?}");
    }
    other.stop().await;
    app.stop().await;
}

async fn unlimited_app() -> TestApp {
    let mut setup = Setup::new().await.with("RESEND_COOLDOWN", "0s");
    for name in [
        "CLIENT_SENDS_PER_MINUTE",
        "CLIENT_SIGN_INS_PER_MINUTE",
        "CLIENT_GUESSES_PER_MINUTE",
        "CLIENT_REFRESHES_PER_MINUTE",
        "CLIENT_PROOFS_PER_MINUTE",
        "CONTACT_DAILY_SENDS",
        "CONTACT_DAILY_GUESSES",
        "PUMPING_MIN_SENDS",
    ] {
        setup = setup.with(name, "unlimited");
    }
    setup.start().await
}
