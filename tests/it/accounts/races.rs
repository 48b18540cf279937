//! Many at once: one account, one proof, one lineage (security.md CR-02 to CR-06).

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{PASSWORD, Setup, SignedIn, TestApp};

async fn app() -> TestApp {
    let mut setup = Setup::new().await;
    for name in ["CLIENT_SIGN_UPS_PER_MINUTE", "CLIENT_SENDS_PER_MINUTE", "CLIENT_REFRESHES_PER_MINUTE"] {
        setup = setup.with(name, "unlimited");
    }
    setup.start().await
}

fn kinds(answers: &[Value]) -> Vec<&str> {
    let mut kinds: Vec<_> = answers.iter().map(|answer| answer["__typename"].as_str().unwrap()).collect();
    kinds.sort_unstable();
    kinds
}

#[tokio::test]
async fn cr_03_one_username_makes_one_account() {
    let app = app().await;
    let person = app.anonymous();
    let mut proofs = Vec::new();
    for number in 0..6 {
        proofs.push(app.proof(&person, "SIGN_UP", &format!("+82101111000{number}")).await);
    }
    let other = app.another_process().await;
    let answers =
        join_all(
            proofs.iter().enumerate().map(|(at, proof)| {
                let person = if at % 2 == 0 { app.anonymous() } else { other.anonymous() };
                let username = if at % 3 == 0 { "Racer" } else { "racer" };
                async move {
                    person.sign_up(json!({ "proofToken": proof, "username": username, "password": PASSWORD })).await
                }
            }),
        )
        .await;
    assert_eq!(kinds(&answers), [vec!["SignUpPayload"], vec!["UsernameTaken"; 5]].concat());
    other.stop().await;
    app.stop().await;
}

#[tokio::test]
async fn cr_03_one_proof_makes_one_account() {
    let app = app().await;
    let person = app.anonymous();
    let proof = app.proof(&person, "SIGN_UP", "+821012345678").await;
    let answers =
        join_all(
            (0..6).map(|number| {
                let (person, proof) = (person.clone(), proof.clone());
                let username = format!("racer{number}x");
                async move {
                    person.sign_up(json!({ "proofToken": proof, "username": username, "password": PASSWORD })).await
                }
            }),
        )
        .await;
    // Who comes late meets the proof spent, or the contact taken by whoever spent it.
    let made = answers.iter().filter(|answer| answer["__typename"] == "SignUpPayload").count();
    assert_eq!(made, 1, "{answers:#?}");
    for answer in answers.iter().filter(|answer| answer["__typename"] != "SignUpPayload") {
        assert!(answer["reason"] == "SPENT" || answer["__typename"] == "ContactTaken", "{answer:#}");
    }
    app.stop().await;
}

#[tokio::test]
async fn cr_04_parallel_refreshes_leave_one_lineage_across_processes() {
    let app = app().await;
    let signed_in = app.signed_up("hong", "+821012345678").await;
    let other = app.another_process().await;
    let answers = join_all((0..20).map(|number| {
        let person = if number % 2 == 0 { app.anonymous() } else { other.anonymous() };
        let token = signed_in.refresh.clone();
        async move { person.refresh(&token).await }
    }))
    .await;
    let successors: BTreeSet<_> = answers
        .iter()
        .map(|answer| answer["tokens"]["refreshToken"].as_str().unwrap_or_else(|| panic!("{answer:#}")))
        .collect();
    assert_eq!(successors.len(), 1);
    let next = app.anonymous().refresh(successors.first().unwrap()).await;
    assert_eq!(next["__typename"], "RefreshSessionPayload");
    other.stop().await;
    app.stop().await;
}

#[tokio::test]
async fn cr_05_a_reset_leaves_no_session_behind() {
    let app = app().await;
    let signed_in = app.signed_up("hong", "+821012345678").await;
    app.advance(std::time::Duration::from_secs(61));
    let person = app.anonymous();
    let proof = app.proof(&person, "PASSWORD_RESET", "+821012345678").await;
    let resets = join_all((0..3).map(|number| {
        let (person, proof) = (person.clone(), proof.clone());
        async move { person.reset_password(&proof, &format!("Other-Password-{number}")).await }
    }));
    let sign_ins = join_all((0..4).map(|_| {
        let person = person.clone();
        async move { person.sign_in_as("hong").await }
    }));
    let refreshes = join_all((0..4).map(|_| {
        let (person, token) = (person.clone(), signed_in.refresh.clone());
        async move { person.refresh(&token).await }
    }));
    let (resets, sign_ins, refreshes) = tokio::join!(resets, sign_ins, refreshes);
    let done = resets.iter().filter(|reset| reset["__typename"] == "ResetPasswordPayload").count();
    assert_eq!(done, 1, "{resets:#?}");
    let tokens = sign_ins.iter().chain(&refreshes).filter(|answer| answer["tokens"].is_object());
    for answer in tokens {
        let refresh = answer["tokens"]["refreshToken"].as_str().unwrap();
        assert_eq!(person.refresh(refresh).await["reason"], "REVOKED");
        let access = answer["tokens"]["accessToken"].as_str().unwrap();
        assert_eq!(person.clone().with_token(access).me().await, Value::Null);
    }
    let won: Vec<_> = resets.iter().enumerate().filter(|(_, reset)| reset["sessionsEnded"].is_number()).collect();
    let password = format!("Other-Password-{}", won[0].0);
    let back = person.sign_in(json!({ "identifier": "hong", "password": password })).await;
    assert_eq!(back["__typename"], "SignInPayload");
    app.stop().await;
}

#[tokio::test]
async fn cr_06_signing_out_everywhere_wins_over_refreshes_at_the_same_time() {
    let app = app().await;
    let first = app.signed_up("hong", "+821012345678").await;
    for _ in 0..5 {
        let signed_in = SignedIn::of(&app.anonymous().sign_in_as("hong").await);
        let holder = app.holder(&signed_in);
        let person = app.anonymous();
        let (_, refreshed) = tokio::join!(holder.sign_out_everywhere(), person.refresh(&signed_in.refresh));
        if let Some(token) = refreshed["tokens"]["refreshToken"].as_str() {
            assert_eq!(person.refresh(token).await["reason"], "REVOKED");
        }
    }
    assert_eq!(app.anonymous().refresh(&first.refresh).await["reason"], "REVOKED");
    app.stop().await;
}
