//! Operations of administrators read the account and role from the database, since the claims of a token may be
//! outdated or forged.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::reauthentication::claims;
use crate::support::{ApiClient, SignedIn, TestApp};

const OPERATIONS: [&str; 5] = [
    "{ users { nodes { id } } }",
    "{ verificationReport(from: \"2026-03-01T00:00:00Z\", to: \"2026-03-03T00:00:00Z\") { requested } }",
    "mutation($id: ID!) { setAccountStatus(input: { id: $id, status: SUSPENDED }) { __typename } }",
    "mutation($id: ID!) { unlockAccount(input: { id: $id }) { __typename } }",
    "mutation($id: ID!) { endUserSessions(input: { id: $id }) { __typename } }",
];

/// A token with other claims, signed with the server's own secret.
fn forged(app: &TestApp, token: &str, change: impl Fn(&mut Value)) -> String {
    let mut claims = claims(token);
    change(&mut claims);
    let body = format!("{}.{}", token.split('.').next().unwrap(), URL_SAFE_NO_PAD.encode(claims.to_string()));
    let key = EncodingKey::from_secret(app.vars()["JWT_SECRET"].as_bytes());
    format!("{body}.{}", jsonwebtoken::crypto::sign(body.as_bytes(), &key, Algorithm::HS256).unwrap())
}

async fn codes(client: &ApiClient, id: &Value) -> Vec<String> {
    let mut codes = Vec::new();
    for operation in OPERATIONS {
        let variables = if operation.contains("$id") { json!({ "id": id }) } else { json!({}) };
        let response = client.execute(operation, variables).await;
        codes.push(response["errors"][0]["extensions"]["code"].as_str().unwrap_or("none").to_owned());
    }
    codes
}

#[tokio::test]
async fn token_of_a_regular_user_is_forbidden() {
    let app = TestApp::start().await;
    let kim = app.signed_up("kim", "+821099990000").await;
    app.signed_up("boss", "+821012345678").await;
    let admin = app.promote("boss").await;
    let id = &kim.user["id"];
    let unknown = forged(&app, &admin.access, |claims| claims["sub"] = json!("acc_00000000000000000000000000"));
    let no_session = forged(&app, &admin.access, |claims| claims["sid"] = json!("ses_00000000000000000000000000"));
    let kims_session = forged(&app, &admin.access, |claims| {
        claims["sid"] = super::reauthentication::claims(&kim.access)["sid"].clone();
    });
    let promoted = forged(&app, &kim.access, |claims| claims["role"] = json!("ADMIN"));
    for (token, code) in [
        (unknown, "UNAUTHENTICATED"),
        (no_session, "UNAUTHENTICATED"),
        (kims_session, "UNAUTHENTICATED"),
        (promoted, "FORBIDDEN"),
    ] {
        assert_eq!(codes(&app.anonymous().with_token(&token), id).await, [code; 5], "{:#}", claims(&token));
    }
    // A forged token of the administrator's own session is valid for anyone with the key.
    assert_eq!(codes(&app.client_for(&admin), id).await, ["none"; 5]);
    app.stop().await;
}

/// At a process that does not know yet that the session has ended.
#[tokio::test]
async fn stale_token_of_a_former_administrator_is_rejected() {
    let app = TestApp::start().await;
    app.signed_up("boss", "+821012345678").await;
    let kim = app.signed_up("kim", "+821099990000").await;
    let admin = app.promote("boss").await;
    let id = &kim.user["id"];
    for change in [
        "UPDATE account SET status = 'SUSPENDED' WHERE username = 'boss' RETURNING id",
        "UPDATE account SET status = 'ACTIVE', role = 'USER' WHERE username = 'boss' RETURNING id",
    ] {
        assert_eq!(app.column(change).await.len(), 1);
        assert_eq!(codes(&app.client_for(&admin), id).await, ["FORBIDDEN"; 5], "{change}");
    }
    app.column("UPDATE account SET role = 'ADMIN' WHERE username = 'boss' RETURNING id").await;
    assert_eq!(
        app.column("UPDATE session SET ended_at = created_at WHERE ended_at IS NULL RETURNING id").await.len(),
        2
    );
    assert_eq!(codes(&app.client_for(&admin), id).await, ["UNAUTHENTICATED"; 5]);
    app.stop().await;
}

#[tokio::test]
async fn administrator_mutations_require_recent_authentication() {
    let app = TestApp::start().await;
    let kim = app.signed_up("kim", "+821099990000").await;
    let there = SignedIn::of(&app.anonymous().sign_in_as("kim").await);
    app.signed_up("boss", "+821012345678").await;
    let admin = app.client_for(&app.promote("boss").await);
    let id = &kim.user["id"];
    app.advance(Duration::from_secs(600));
    let refused = [
        admin.set_account_status(id, "SUSPENDED").await,
        admin.unlock_account(id).await,
        admin.end_user_sessions(id).await,
    ];
    for refused in refused {
        assert_eq!(refused["methods"], json!(["PASSWORD", "PHONE_CODE"]), "{refused:#}");
    }
    assert_eq!(app.client_for(&kim).me().await["status"], "ACTIVE");
    // Reading does not require one.
    assert_eq!(
        admin.data("{ users { nodes { id } } }", json!({})).await["users"]["nodes"].as_array().unwrap().len(),
        2
    );

    let admin = app.reauthenticated(&admin).await;
    assert_eq!(admin.end_user_sessions(&json!("acc_x")).await["__typename"], "UserNotFound");
    let unknown = json!("acc_00000000000000000000000000");
    assert_eq!(admin.end_user_sessions(&unknown).await["__typename"], "UserNotFound");
    let ended = admin.end_user_sessions(id).await;
    assert_eq!((&ended["sessionsEnded"], &ended["user"]["username"]), (&json!(2), &json!("kim")), "{ended:#}");
    for tokens in [&kim, &there] {
        assert_eq!(app.client_for(tokens).me().await, Value::Null);
        assert_eq!(app.anonymous().refresh(&tokens.refresh).await["reason"], "REVOKED");
    }
    assert_eq!(admin.end_user_sessions(id).await["sessionsEnded"], 0);
    assert_eq!(app.anonymous().sign_in_as("kim").await["__typename"], "SignInPayload");
    let trail =
        "SELECT act || ' ' || outcome FROM audit WHERE act IN ('endUserSessions', 'reauthenticate') ORDER BY id";
    assert_eq!(
        app.column(trail).await,
        [
            "endUserSessions reauthentication_required",
            "reauthenticate ok",
            "endUserSessions user_not_found",
            "endUserSessions user_not_found",
            "endUserSessions ok",
            "endUserSessions ok",
        ]
    );
    app.stop().await;
}

/// The id of a pending verification is a capability of the client that requested it.
#[tokio::test]
async fn administrator_cannot_see_pending_verifications_of_others() {
    let app = TestApp::start().await;
    let kim = app.signed_up("kim", "+821099990000").await;
    app.signed_up("boss", "+821012345678").await;
    let admin = app.promote("boss").await;
    let pending =
        app.client_for(&kim).send_code(json!({ "purpose": "PHONE_CHANGE", "to": { "phone": "+821066660000" } })).await;
    let id = pending["verification"]["id"].clone();
    let list = "{ verifications { nodes { id purpose status } } }";
    let has_it = |nodes: &Value| nodes.as_array().unwrap().iter().any(|node| node["id"] == id);
    let own = app.client_for(&kim).data(&format!("{{ me {list} }}"), json!({})).await;
    assert!(has_it(&own["me"]["verifications"]["nodes"]), "{own:#}");
    let users = format!("{{ users(search: \"kim\") {{ nodes {list} }} }}");
    let seen = || {
        let (admin, users) = (app.client_for(&admin), users.clone());
        async move { admin.data(&users, json!({})).await["users"]["nodes"][0]["verifications"]["nodes"].take() }
    };
    let pending = seen().await;
    assert_eq!(pending.as_array().unwrap().len(), 1, "the sign-up alone: {pending:#}");
    assert_eq!(pending[0]["status"], "VERIFIED");
    app.client_for(&kim).cancel(&id).await;
    let over = seen().await;
    assert!(has_it(&over), "{over:#}");
    app.stop().await;
}

/// The client learns that its token is no longer accepted, as opposed to having sent none.
#[tokio::test]
async fn rejected_token_is_reported_with_the_null() {
    let app = TestApp::start().await;
    let owner = app.client_for(&app.signed_up("hong", "+821012345678").await);
    let me = "{ me { id } }";
    let unknown = app.anonymous().execute(me, json!({})).await;
    assert_eq!(unknown, json!({ "data": { "me": null } }));
    owner.sign_out().await;
    for refused in [owner, app.anonymous().with_token("nonsense"), app.anonymous().with_token("")] {
        let response = refused.execute(me, json!({})).await;
        assert_eq!(response["data"], json!({ "me": null }), "{response:#}");
        let error = &response["errors"][0];
        assert_eq!((&error["path"], &error["extensions"]["code"]), (&json!(["me"]), &json!("UNAUTHENTICATED")));
        assert!(response["errors"][1].is_null());
    }
    app.stop().await;
}
