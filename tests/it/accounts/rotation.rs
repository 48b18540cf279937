//! Key rotation with several processes: no code and no session is lost, and a process without a key reports UNAVAILABLE
//! instead of a wrong result.

use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::{DecodingKey, Validation, decode_header, jwk::JwkSet};
use platform::clock::Entropy;
use serde_json::{Value, json};

use crate::support::{ApiClient, Setup, SignedIn, TEST_TIMEOUT, TestApp, different_code};

fn key() -> String {
    STANDARD.encode(Entropy::System.bytes::<32>())
}

/// The three settings of one phase, for each of the three kinds of keys.
fn phase<'a>(
    current: &'a [String; 3],
    next: Option<&'a [String; 3]>,
    previous: Option<&'a [String; 3]>,
) -> Vec<(&'static str, Option<&'a str>)> {
    const NAMES: [[&str; 3]; 3] = [
        ["SERVER_KEY", "SERVER_KEY_NEXT", "SERVER_KEYS_PREVIOUS"],
        ["JWT_SECRET", "JWT_SECRET_NEXT", "JWT_SECRETS_PREVIOUS"],
        ["ATTESTATION_KEY", "ATTESTATION_KEY_NEXT", "ATTESTATION_KEYS_PREVIOUS"],
    ];
    let of = |keys: Option<&'a [String; 3]>, kind: usize| keys.map(|keys| keys[kind].as_str());
    let mut settings = Vec::new();
    for (kind, [name, name_next, name_previous]) in NAMES.into_iter().enumerate() {
        settings.push((name, of(Some(current), kind)));
        settings.push((name_next, of(next, kind)));
        settings.push((name_previous, of(previous, kind)));
    }
    settings
}

fn keys() -> [String; 3] {
    [key(), key(), key()]
}

async fn guess(client: &ApiClient, id: &Value, code: &str) -> Value {
    let document = "mutation($input: ConfirmVerificationCodeInput!) { it: confirmVerificationCode(input: $input) \
         { __typename ... on CodeMismatch { attemptsRemaining } } }";
    client.execute(document, json!({ "input": { "verificationId": id, "code": code } })).await
}

fn error_code(response: &Value) -> &str {
    response["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{response:#}"))
}

async fn published(app: &TestApp) -> JwkSet {
    let url = format!("{}/.well-known/jwks.json", app.url());
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

/// The code sent to a contact, even if a process without its key claimed the message first: then the message waits for
/// the other process.
async fn code_arriving(app: &TestApp, to: &str) -> String {
    let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
    loop {
        if let Some(message) = app.messages_to(to, 0).await.first() {
            return message["code"].as_str().unwrap().to_owned();
        }
        assert!(tokio::time::Instant::now() < deadline, "no message to {to}");
        app.advance(std::time::Duration::from_secs(1));
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

/// Whether a back end with these published keys accepts the attestation of a proof.
fn attested(proof: &Value, keys: &JwkSet) -> bool {
    let token = proof["attestation"].as_str().unwrap();
    let Some(jwk) = decode_header(token).unwrap().kid.and_then(|kid| keys.find(&kid).cloned()) else { return false };
    let mut validation = Validation::new(jsonwebtoken::Algorithm::EdDSA);
    validation.set_audience(&["countersign-attestation"]);
    validation.validate_exp = false;
    jsonwebtoken::decode::<Value>(token, &DecodingKey::from_jwk(&jwk).unwrap(), &validation).is_ok()
}

/// The server key was replaced in one process only. At the process without the key, right and wrong codes are
/// UNAVAILABLE and no attempt is counted. At a process with the key the code is still right.
#[tokio::test]
async fn right_code_at_a_process_without_its_key_is_unavailable_and_not_counted() {
    let old = Setup::new().await.with("CLIENT_GUESSES_PER_MINUTE", "unlimited").start().await;
    let (new_key, other) = (key(), "+821099990002");
    let new = old.another_process_with(&[("SERVER_KEY", Some(&new_key))]).await;
    for (here, there, phone) in [(&old, &new, "+821099990001"), (&new, &old, other)] {
        let sent = here.anonymous().send_code_to(phone).await;
        let code = code_arriving(here, phone).await;
        for _ in 0..7 {
            assert_eq!(error_code(&guess(&there.anonymous(), &sent["id"], &code).await), "UNAVAILABLE");
            assert_eq!(
                error_code(&guess(&there.anonymous(), &sent["id"], &different_code(&code)).await),
                "UNAVAILABLE"
            );
        }
        let seen = there.anonymous().verification(&sent["id"]).await;
        assert_eq!((&seen["status"], &seen["attemptsRemaining"]), (&json!("PENDING"), &sent["attemptsRemaining"]));
        let confirmed = here.anonymous().confirm(&sent["id"], &code).await;
        assert_eq!(confirmed["__typename"], "ConfirmVerificationCodePayload", "{confirmed:#}");
    }
    for app in [new, old] {
        app.stop().await;
    }
}

/// A decoy gets the same response from a process without the key.
#[tokio::test]
async fn decoy_at_a_process_without_its_key_is_unavailable_as_well() {
    let old = Setup::new().await.start().await;
    let new_key = key();
    let new = old.another_process_with(&[("SERVER_KEY", Some(&new_key))]).await;
    let sent = old.anonymous().send_code(json!({ "purpose": "SIGN_IN", "to": { "phone": "+821099990003" } })).await;
    let response = guess(&new.anonymous(), &sent["verification"]["id"], "123456").await;
    assert_eq!(error_code(&response), "UNAVAILABLE");
    for app in [new, old] {
        app.stop().await;
    }
}

/// The documented rotation of all three keys, process by process: at every step two processes with adjacent phases run,
/// and each accepts what the other one issued.
#[tokio::test]
async fn two_phase_key_rotation_loses_no_code_and_no_session() {
    let (first, second) = (keys(), keys());
    let accepted = phase(&first, Some(&second), None);
    let used = phase(&second, None, Some(&first));
    let mut setup = Setup::new().await;
    for (name, value) in phase(&first, None, None) {
        setup = value.into_iter().fold(setup, |setup, value| setup.with(name, value));
    }
    let mut signed_in: Option<SignedIn> = None;
    let mut number = 0;
    let mut one = setup.start().await;
    for settings in [&accepted, &used] {
        let other = one.another_process_with(settings).await;
        for (here, there) in [(&one, &other), (&other, &one)] {
            number += 1;
            let phone = format!("+8210999901{number:02}");
            // A code of one process is confirmed by the other, and the attestation is accepted with the keys of the
            // first one.
            let sent = here.anonymous().send_code_to(&phone).await;
            let code = here.code_sent_to(&phone).await;
            let confirmed = there.anonymous().confirm(&sent["id"], &code).await;
            assert_eq!(confirmed["__typename"], "ConfirmVerificationCodePayload", "{confirmed:#}");
            assert!(attested(&confirmed["proof"], &published(there).await));
            // A session of one process continues at the other, in both tabs.
            let session = match signed_in.take() {
                Some(session) => session,
                None => here.signed_up("hong", "+821099990100").await,
            };
            assert_eq!(there.client_for(&session).me().await["username"], "hong");
            let tabs =
                [here.anonymous().refresh(&session.refresh).await, there.anonymous().refresh(&session.refresh).await];
            assert_eq!(tabs[0]["tokens"]["refreshToken"], tabs[1]["tokens"]["refreshToken"], "{tabs:#?}");
            for (tab, app) in [(&tabs[0], there), (&tabs[1], here)] {
                let access = tab["tokens"]["accessToken"].as_str().unwrap();
                assert_eq!(app.anonymous().with_token(access).me().await["username"], "hong");
            }
            let text = |name: &str| tabs[0]["tokens"][name].as_str().unwrap().to_owned();
            signed_in = Some(SignedIn { access: text("accessToken"), refresh: text("refreshToken"), ..session });
        }
        // The process of the previous phase is replaced.
        std::mem::replace(&mut one, other).stop().await;
    }
    one.stop().await;
}

/// A back end with the published keys of a process in the first phase accepts attestations of a process in the second.
#[tokio::test]
async fn next_attestation_key_is_published_before_use_and_previous_key_after() {
    let (first, second) = (key(), key());
    let accepted =
        Setup::new().await.with("ATTESTATION_KEY", &first).with("ATTESTATION_KEY_NEXT", &second).start().await;
    let used = [
        ("ATTESTATION_KEY", Some(second.as_str())),
        ("ATTESTATION_KEY_NEXT", None),
        ("ATTESTATION_KEYS_PREVIOUS", Some(first.as_str())),
    ];
    let used = accepted.another_process_with(&used).await;
    for (number, (signer, publisher)) in [(&accepted, &used), (&used, &accepted)].into_iter().enumerate() {
        let phone = format!("+82109999020{number}");
        let sent = signer.anonymous().send_code_to(&phone).await;
        let code = signer.code_sent_to(&phone).await;
        let confirmed = signer.anonymous().confirm(&sent["id"], &code).await;
        assert!(attested(&confirmed["proof"], &published(publisher).await), "{confirmed:#}");
    }
    for app in [used, accepted] {
        app.stop().await;
    }
}

/// A secret with a comma signs, and can be moved to the previous secrets as a JSON array.
#[tokio::test]
async fn secret_with_a_comma_can_be_moved_to_the_previous_ones() {
    let comma = "kJ8,wQz-41x,Vb7nR2m,Lp0sT9d,Hy3cF6g,aE5u";
    let app = Setup::new().await.with("JWT_SECRET", comma).start().await;
    let signed_in = app.signed_up("hong", "+821012345678").await;
    let list = json!([comma]).to_string();
    let new_secret = key();
    let settings = [("JWT_SECRET", Some(new_secret.as_str())), ("JWT_SECRETS_PREVIOUS", Some(list.as_str()))];
    let moved = app.another_process_with(&settings).await;
    assert_eq!(moved.client_for(&signed_in).me().await["username"], "hong");
    for app in [moved, app] {
        app.stop().await;
    }
}

/// A byte order mark or white space that an editor adds is not part of a secret.
#[tokio::test]
async fn byte_order_mark_in_a_secret_file_is_ignored() {
    let secret = key();
    let setup = Setup::new().await.without("JWT_SECRET");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secret");
    std::fs::write(&file, format!("\u{feff}{secret}\r\n")).unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let app = setup.with("JWT_SECRET_FILE", file.to_str().unwrap()).start().await;
    let signed_in = app.signed_up("hong", "+821012345678").await;
    let mut validation = Validation::new(jsonwebtoken::Algorithm::HS256);
    validation.set_audience(&["countersign"]);
    validation.validate_exp = false;
    let key = DecodingKey::from_secret(secret.as_bytes());
    assert!(jsonwebtoken::decode::<Value>(&signed_in.access, &key, &validation).is_ok());
    app.stop().await;
}
