//! Keys that are replaced while several processes serve: no code and no session is lost by it, and a process that lacks
//! a key says that it can't answer instead of guessing.

use base64::{Engine, engine::general_purpose::STANDARD};
use countersign::clock::Entropy;
use jsonwebtoken::{DecodingKey, Validation, decode_header, jwk::JwkSet};
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

async fn guess(person: &ApiClient, id: &Value, code: &str) -> Value {
    let document = "mutation($input: ConfirmVerificationCodeInput!) { it: confirmVerificationCode(input: $input) \
         { __typename ... on CodeMismatch { attemptsRemaining } } }";
    person.execute(document, json!({ "input": { "verificationId": id, "code": code } })).await
}

fn error_code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{answer:#}"))
}

async fn published(app: &TestApp) -> JwkSet {
    let url = format!("{}/.well-known/jwks.json", app.url());
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

/// The code that is sent to a contact, also where a process that lacks its key took the message up first: then it waits
/// for the other one.
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

/// A back end that fetched the keys from one process accepts what another one has signed.
fn attested(proof: &Value, keys: &JwkSet) -> bool {
    let token = proof["attestation"].as_str().unwrap();
    let Some(jwk) = decode_header(token).unwrap().kid.and_then(|kid| keys.find(&kid).cloned()) else { return false };
    let mut validation = Validation::new(jsonwebtoken::Algorithm::EdDSA);
    validation.set_audience(&["countersign-attestation"]);
    validation.validate_exp = false;
    jsonwebtoken::decode::<Value>(token, &DecodingKey::from_jwk(&jwk).unwrap(), &validation).is_ok()
}

/// Case 13: the server key was replaced in one process and not in the other. A right code at the process without its
/// key is UNAVAILABLE, and so is a wrong one; no attempt is counted. At a process that has the key it is still right.
#[tokio::test]
async fn a_right_code_at_a_process_without_its_key_is_unavailable_and_counts_nothing() {
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

/// A decoy is answered no differently by a process without the key.
#[tokio::test]
async fn an_unknown_account_is_unavailable_there_as_well() {
    let old = Setup::new().await.start().await;
    let new_key = key();
    let new = old.another_process_with(&[("SERVER_KEY", Some(&new_key))]).await;
    let sent = old.anonymous().send_code(json!({ "purpose": "SIGN_IN", "to": { "phone": "+821099990003" } })).await;
    let answer = guess(&new.anonymous(), &sent["verification"]["id"], "123456").await;
    assert_eq!(error_code(&answer), "UNAVAILABLE");
    for app in [new, old] {
        app.stop().await;
    }
}

/// The documented change of all three keys, process by process: at every moment of it two processes with neighbouring
/// phases serve, and everything that one of them made is honoured by the other.
#[tokio::test]
async fn a_change_of_keys_in_two_phases_loses_no_code_and_no_session() {
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
            // The code of one process is confirmed by the other, and attested for whoever knows the first one's keys.
            let sent = here.anonymous().send_code_to(&phone).await;
            let code = here.code_sent_to(&phone).await;
            let confirmed = there.anonymous().confirm(&sent["id"], &code).await;
            assert_eq!(confirmed["__typename"], "ConfirmVerificationCodePayload", "{confirmed:#}");
            assert!(attested(&confirmed["proof"], &published(there).await));
            // The session of one process goes on at the other, in both tabs.
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
        // The process of the phase before is replaced.
        std::mem::replace(&mut one, other).stop().await;
    }
    one.stop().await;
}

/// A back end that has the keys of a process in the first phase accepts attestations of one in the second.
#[tokio::test]
async fn the_next_attestation_key_is_published_before_it_signs_and_the_previous_one_after() {
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

/// Case 14: a secret with a comma signs, and is moved to the previous ones as a JSON array.
#[tokio::test]
async fn a_secret_with_a_comma_can_be_moved_to_the_previous_ones() {
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

/// Case 14: what an editor puts before or after a secret is not part of it.
#[tokio::test]
async fn a_secret_file_with_a_byte_order_mark_signs_without_it() {
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
