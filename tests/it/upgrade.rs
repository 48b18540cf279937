//! A database of an earlier version, with its keys and with the tokens and codes that clients have, works unchanged
//! after the upgrade. `scripts/upgrade-fixture` made the fixtures.

mod checks;
mod stored_texts;

use serde_json::{Value, json};

use crate::support::{ApiClient, Setup, TestApp, env_var};

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/73afa49");

fn read(file: &str) -> String {
    std::fs::read_to_string(format!("{FIXTURE}/{file}")).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value:#}"))
}

/// The present program on the old database, half a minute after the old one stopped; and what clients hold.
async fn upgraded() -> (TestApp, Value) {
    upgraded_from("").await
}

/// The same, after the statements of `more` ran on the old database.
async fn upgraded_from(more: &str) -> (TestApp, Value) {
    let (setup, held) = prepared(more).await;
    (setup.start().await, held)
}

/// The old database, its settings and its key files, before the present program starts.
async fn prepared(more: &str) -> (Setup, Value) {
    let mut state: Value = serde_json::from_str(&read("state.json")).unwrap();
    let database = if env_var("COUNTERSIGN_TEST_DATABASE_URL").is_some() { "postgres" } else { "sqlite" };
    let held = state[database].take();
    let mut setup = Setup::new().await.at(text(&held["upgraded_at"]));
    for key in ["SERVER_KEY", "JWT_SECRET", "ATTESTATION_KEY"] {
        setup = setup.without(key);
    }
    for (name, value) in [&state["settings"], &held["settings"]].into_iter().flat_map(|all| all.as_object().unwrap()) {
        setup = setup.with(name, text(value));
    }
    for (name, content) in held["key_files"].as_object().unwrap() {
        setup.file(name, text(content));
    }
    setup.restore(&(read(&format!("{database}.sql")) + more)).await;
    (setup, held)
}

async fn refreshed(client: &ApiClient, token: &Value) {
    let response = client.refresh(text(token)).await;
    assert_eq!(response["__typename"], "RefreshSessionPayload", "{response:#}");
}

#[tokio::test]
async fn database_of_73afa49_is_upgraded_with_its_keys_tokens_and_codes() {
    let (app, held) = upgraded().await;
    let visitor = app.client_at("127.0.0.1");
    let (hana, minji) = (&held["hana"], &held["minji"]);

    // Access tokens, refresh tokens and passwords.
    assert_eq!(visitor.clone().with_token(text(&hana["access_token"])).me().await["username"], "hana");
    refreshed(&visitor, &hana["refresh_token"]).await;
    refreshed(&visitor, &hana["second_refresh_token"]).await;
    refreshed(&visitor, &minji["refresh_token"]).await;
    let signed_in = visitor
        .sign_in(json!({ "identifier": "hana", "password": "Winter-Garden-42", "deviceToken": hana["device_token"] }))
        .await;
    assert_eq!(signed_in["__typename"], "SignInPayload", "{signed_in:#}");
    // The device is still known: no notice of a new device is sent.
    assert!(app.messages_to("hana@example.com", 0).await.is_empty());

    // A pending verification, and proofs that were not spent yet.
    let open = &held["open_verification"];
    assert_eq!(visitor.verification(&open["id"]).await["status"], "PENDING");
    let confirmed = visitor.confirm(&open["id"], text(&open["code"])).await;
    assert_eq!(confirmed["__typename"], "ConfirmVerificationCodePayload", "{confirmed:#}");
    let by_code = visitor.sign_in_with_proof(&hana["sign_in_proof"]).await;
    assert_eq!(by_code["user"]["username"], "hana", "{by_code:#}");
    let reset = visitor.reset_password(&minji["reset_proof"], "Summer-Meadow-73").await;
    assert_eq!(reset["__typename"], "ResetPasswordPayload", "{reset:#}");

    // The previous owner of the contact undoes the contact change.
    let notice = text(&minji["undo_notice"]["text"]);
    let undone = visitor.undo_contact_change(notice.lines().last().unwrap()).await;
    assert_eq!(undone["__typename"], "UndoContactChangePayload", "{undone:#}");

    // Attestations verify against the same published key.
    let keys = app.http().get(format!("{}/.well-known/jwks.json", app.url())).send().await.unwrap();
    let keys: Value = keys.json().await.unwrap();
    let header = jsonwebtoken::decode_header(text(&held["attestation"])).unwrap();
    let published = keys["keys"].as_array().unwrap().iter().any(|key| key["kid"] == json!(header.kid));
    assert!(published, "{keys:#}");
    app.stop().await;
}

/// A session of the earlier version does not count as a recent authentication. The password from before the contact
/// change does, and the change still blocks deletion.
#[tokio::test]
async fn session_of_73afa49_reauthenticates_with_its_earlier_password() {
    let (app, held) = upgraded().await;
    let owner = app.client_at("127.0.0.1").with_token(text(&held["minji"]["access_token"]));
    let refused = owner.send_code(json!({ "purpose": "EMAIL_CHANGE", "to": { "email": "new@example.com" } })).await;
    assert_eq!(refused["methods"], json!(["PASSWORD"]), "{refused:#}");
    let fresh = app.client_from(&owner.reauthenticate(json!({ "password": "Winter-Garden-42" })).await);
    let sent = fresh.send_code(json!({ "purpose": "EMAIL_CHANGE", "to": { "email": "new@example.com" } })).await;
    assert_eq!(sent["__typename"], "SendVerificationCodePayload", "{sent:#}");
    let held_back = fresh.delete_account_with(json!({})).await;
    assert_eq!(held_back["__typename"], "DeletionHeldBack", "{held_back:#}");
    app.stop().await;
}

/// The old version recorded only in `reason` that a provider may have accepted a message.
#[tokio::test]
async fn message_of_73afa49_with_unknown_outcome_is_marked_as_perhaps_sent() {
    // A PostgreSQL dump resets the search path.
    let schema = if env_var("COUNTERSIGN_TEST_DATABASE_URL").is_some() { "public." } else { "" };
    let waiting = format!(
        "\nUPDATE {schema}delivery SET status = 'QUEUED', tries = 1, reason = 'no_answer', \
         due_at = '2999-01-01T00:00:00+00:00' WHERE id = (SELECT MIN(id) FROM {schema}delivery);\n"
    );
    let (app, _) = upgraded_from(&waiting).await;
    let marked = app.column("SELECT reason FROM delivery WHERE perhaps_sent").await;
    assert_eq!(marked, ["no_answer"]);
    app.stop().await;
}
