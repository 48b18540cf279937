//! The requests of the fixture, each with its expected response, and what needs more than one request.

use std::time::Duration;

use serde_json::{Value, json};

use super::{prepared, text, upgraded};
use crate::support::{ApiClient, TestApp, different_code};

const PASSWORD: &str = "Winter-Garden-42";

/// Whether `answer` has everything that is expected of it.
fn has(answer: &Value, expected: &Value) -> bool {
    match expected {
        Value::Object(fields) => fields.iter().all(|(name, value)| has(&answer[name], value)),
        expected => answer == expected,
    }
}

async fn response(person: &ApiClient, check: &Value) -> Value {
    let person = match check["token"].as_str() {
        Some(token) => person.clone().with_token(token),
        None => person.clone(),
    };
    person.mutate(text(&check["mutation"]), text(&check["fields"]), check["input"].clone()).await
}

#[tokio::test]
async fn tokens_codes_and_proofs_of_73afa49_have_the_recorded_responses() {
    let (app, held) = upgraded().await;
    let checks = held["checks"].as_array().unwrap();
    assert!(checks.len() > 20, "{checks:#?}");
    let mut wrong = Vec::new();
    for (number, check) in checks.iter().enumerate() {
        // Quotas are counted by client address; each check has an address of its own in the network of the session.
        let person = app.client_at(&format!("127.0.0.{}", number + 1));
        let answer = response(&person, check).await;
        if !has(&answer, &check["expect"]) {
            wrong.push(format!("{}: expected {:#}, got {answer:#}", check["what"], check["expect"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    app.stop().await;
}

#[tokio::test]
async fn queued_messages_of_73afa49_are_sent() {
    let (app, held) = upgraded().await;
    let queued = &held["queued"];
    // Past the longest wait between two tries, an eighth of the code's life of an hour.
    app.advance(Duration::from_secs(10 * 60));
    let code = app.code_sent_to(text(&queued["code_to"])).await;
    let client = app.client_at("127.0.0.1");
    let mismatch = client.confirm(&queued["verification"], &different_code(&code)).await;
    assert_eq!(mismatch["__typename"], "CodeMismatch", "{mismatch:#}");
    let confirmed = client.confirm(&queued["verification"], &code).await;
    assert_eq!(confirmed["__typename"], "ConfirmVerificationCodePayload", "{confirmed:#}");
    app.messages_to(text(&queued["notice_to"]), 1).await;
    app.stop().await;
}

/// Operations that now need a recent authentication; the password provides it.
#[tokio::test]
async fn an_administrator_of_73afa49_acts_after_reauthentication() {
    let (app, held) = upgraded().await;
    let admin = &held["administrator"];
    let holder = app.client_at("127.0.0.1").with_token(text(&admin["access_token"]));
    let fresh = app.client_from(&holder.reauthenticate(json!({ "password": PASSWORD })).await);
    let approved = fresh.set_account_status(&admin["waiting"], "ACTIVE").await;
    assert_eq!(approved["user"]["status"], "ACTIVE", "{approved:#}");
    let unlocked = fresh.unlock_account(&held["locked"]).await;
    assert_eq!(unlocked["user"]["username"], "locked", "{unlocked:#}");
    let signed_in = app.client_at("127.0.0.1").sign_in(json!({ "identifier": "locked", "password": PASSWORD })).await;
    assert_eq!(signed_in["__typename"], "SignInPayload", "{signed_in:#}");
    app.stop().await;
}

/// A proof for a new contact is spent after reauthentication; the refusal before does not spend it.
#[tokio::test]
async fn a_contact_change_proof_of_73afa49_needs_reauthentication() {
    let (app, held) = upgraded().await;
    let hana = &held["hana"];
    let holder = app.client_at("127.0.0.1").with_token(text(&hana["access_token"]));
    let refused = holder.change_contact("changePhone", &hana["phone_change_proof"]).await;
    assert_eq!(refused["__typename"], "ReauthenticationRequired", "{refused:#}");
    let fresh = app.client_from(&holder.reauthenticate(json!({ "password": PASSWORD })).await);
    let changed = fresh.change_contact("changePhone", &hana["phone_change_proof"]).await;
    assert_eq!(changed["user"]["phone"], "+821012340006", "{changed:#}");
    app.stop().await;
}

/// The identity is compared by keys that the old version stored.
#[tokio::test]
async fn an_account_of_73afa49_is_found_by_its_identity() {
    let (app, _) = upgraded().await;
    let identity = json!({ "name": "김 하나", "birthDate": "1999-03-14", "phone": "010-1234-0001" });
    let sent = app.client_at("127.0.0.1").request_password_reset(json!({ "identity": identity })).await;
    let code = app.code_sent_to("+821012340001").await;
    let confirmed = app.client_at("127.0.0.1").confirm(&sent["verification"]["id"], &code).await;
    assert_eq!(confirmed["__typename"], "ConfirmVerificationCodePayload", "{confirmed:#}");
    app.stop().await;
}

/// 73afa49 set its cookies under `__Secure-` names; they are read, and replaced by `__Host-` cookies.
#[tokio::test]
async fn a_refresh_cookie_of_73afa49_is_exchanged() {
    let (setup, held) = prepared("").await;
    let app = setup.with("REFRESH_COOKIE", "on").start().await;
    let cookie = format!("__Secure-countersign-refresh={}", text(&held["hana"]["refresh_token"]));
    let document = "mutation { it: refreshSession(input: {}) { __typename } }";
    let headers = [("cookie", cookie.as_str()), ("x-requested-with", "fetch")];
    let answer = app.post("127.0.0.1", &headers, &json!({ "query": document })).await;
    assert_eq!(answer.body["data"]["it"]["__typename"], "RefreshSessionPayload", "{answer:#?}");
    assert!(answer.set.iter().any(|set| set.starts_with("__Host-countersign-refresh")), "{answer:#?}");
    app.stop().await;
}

/// Back ends that verify attestations keep the issuer, audience and key that they have.
#[tokio::test]
async fn an_attestation_of_73afa49_is_verified_by_the_published_keys() {
    let (app, held) = upgraded().await;
    let claims = claims(&app, &held["attestation"]).await;
    assert_eq!(claims["sub"], "+821012340004", "{claims:#}");
    assert_eq!((&claims["purpose"], &claims["channel"]), (&json!("CONTACT"), &json!("SMS")), "{claims:#}");
    // The audience of attestations has a setting of its own since, with another default: ATTESTATION_AUDIENCE.
    assert_eq!(claims["aud"], "countersign", "{claims:#}");
    app.stop().await;
}

async fn claims(app: &TestApp, attestation: &Value) -> Value {
    let keys = app.http().get(format!("{}/.well-known/jwks.json", app.url())).send().await.unwrap();
    let keys: jsonwebtoken::jwk::JwkSet = keys.json().await.unwrap();
    let header = jsonwebtoken::decode_header(text(attestation)).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(keys.find(&header.kid.unwrap()).unwrap()).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::EdDSA);
    validation.validate_exp = false;
    validation.set_audience(&["countersign"]);
    jsonwebtoken::decode::<Value>(text(attestation), &key, &validation).unwrap().claims
}
