//! Known devices, and the operations that make the service forget them.

use serde_json::{Value, json};

use crate::support::{PASSWORD, Setup, SignedIn, TestApp};

const PHONE: &str = "+821012345678";
const NEW: &str = "Another-Password-7";
const NEW_DEVICE: &str = "New device signed in";

async fn app() -> TestApp {
    let mut setup = Setup::new().await.with("RESEND_COOLDOWN", "0s");
    for name in ["CLIENT_SIGN_INS_PER_MINUTE", "ACCOUNT_HOURLY_PASSWORDS", "CONTACT_DAILY_SENDS"] {
        setup = setup.with(name, "unlimited");
    }
    setup.start().await
}

async fn sign_in(app: &TestApp, password: &str, device: &str) -> Value {
    let input = json!({ "identifier": "hong", "password": password, "deviceToken": device });
    app.anonymous().sign_in(input).await
}

fn token(payload: &Value) -> &str {
    payload["deviceToken"].as_str().unwrap_or_else(|| panic!("{payload:#}"))
}

/// Whether this is a known device of hong's, which keeps its token. Signs in to find out.
async fn is_known(app: &TestApp, password: &str, device: &str) -> bool {
    let signed_in = sign_in(app, password, device).await;
    token(&signed_in) == device
}

/// After the owner's password reset, the attacker's device causes a notice when it signs in and shares the lockout of
/// unknown devices.
#[tokio::test]
async fn password_reset_forgets_the_attackers_device_and_keeps_the_owners() {
    let app = app().await;
    let owner = app.signed_up("hong", PHONE).await;
    let attacker = SignedIn::of(&app.client_at("198.51.100.66").sign_in_as("hong").await);
    app.notices_to(PHONE, NEW_DEVICE, 1).await;
    let proof = app.proof(&app.anonymous(), "PASSWORD_RESET", PHONE).await;
    let reset = app.anonymous().reset_password(&proof, NEW).await;
    let fresh = token(&reset).to_owned();
    // Its own failure counter is gone as well: guesses from unknown devices lock it out, while the owner's new device
    // token is not locked out.
    for _ in 0..11 {
        let guess = json!({ "identifier": "hong", "password": "Wrong-pass-1" });
        app.client_at("198.51.100.67").sign_in(guess).await;
    }
    assert_eq!(sign_in(&app, NEW, &attacker.device).await["__typename"], "AccountLocked");
    assert_eq!(
        sign_in(&app, NEW, &owner.device).await["__typename"],
        "AccountLocked",
        "the previous one is forgotten too"
    );
    assert!(is_known(&app, NEW, &fresh).await);
    app.advance(std::time::Duration::from_secs(16 * 60));
    assert!(!is_known(&app, NEW, &attacker.device).await);
    app.notices_to(PHONE, NEW_DEVICE, 2).await;
    app.stop().await;
}

/// A forgotten device token stays forgotten, even if another account of the attacker uses it.
#[tokio::test]
async fn forgotten_device_stays_forgotten_after_use_by_another_account() {
    let app = app().await;
    app.signed_up("hong", PHONE).await;
    let attacker = app.client_at("198.51.100.66");
    let device = SignedIn::of(&attacker.sign_in_as("hong").await).device;
    app.notices_to(PHONE, NEW_DEVICE, 1).await;
    let proof = app.proof(&attacker, "SIGN_UP", "+821066660000").await;
    let input = json!({ "proofToken": proof, "username": "thief", "password": PASSWORD, "deviceToken": device });
    assert_eq!(token(&attacker.sign_up(input).await), device, "it is one device and keeps one token");
    let sign_in = |name: &'static str, password: &'static str| {
        let (attacker, device) = (attacker.clone(), device.clone());
        async move {
            let input = json!({ "identifier": name, "password": password, "deviceToken": device });
            attacker.sign_in(input).await
        }
    };
    let proof = app.proof(&app.anonymous(), "PASSWORD_RESET", PHONE).await;
    app.anonymous().reset_password(&proof, NEW).await;
    let again = sign_in("hong", NEW).await;
    let fresh = token(&again);
    assert_ne!(fresh, device, "it has another token from then on");
    app.notices_to(PHONE, NEW_DEVICE, 2).await;
    assert!(is_known(&app, NEW, fresh).await);
    assert!(!is_known(&app, NEW, &device).await);
    assert_eq!(token(&sign_in("thief", PASSWORD).await), device);
    app.stop().await;
}

/// A browser used by two accounts has one device token.
#[tokio::test]
async fn accounts_on_one_device_share_its_token() {
    let app = app().await;
    let hong = app.signed_up("hong", PHONE).await;
    app.signed_up("kim", "+821066660000").await;
    let input = json!({ "identifier": "kim", "password": PASSWORD, "deviceToken": hong.device });
    for _ in 0..2 {
        assert_eq!(token(&app.client_at("198.51.100.66").sign_in(input.clone()).await), hong.device);
    }
    app.notices_to("+821066660000", NEW_DEVICE, 1).await;
    app.stop().await;
}

#[tokio::test]
async fn password_change_forgets_devices_unless_sessions_are_kept() {
    let app = app().await;
    let owner = app.signed_up("hong", PHONE).await;
    let attacker = SignedIn::of(&app.anonymous().sign_in_as("hong").await);
    let kept = app.client_for(&owner).change_password_here(PASSWORD, NEW).await;
    assert_eq!((&kept["sessionsEnded"], &kept["deviceToken"]), (&json!(0), &Value::Null), "{kept:#}");
    assert!(is_known(&app, NEW, &attacker.device).await && is_known(&app, NEW, &owner.device).await);
    let changed = app.client_for(&owner).change_password(NEW, "Third-Password-73").await;
    let fresh = token(&changed).to_owned();
    assert!(!is_known(&app, "Third-Password-73", &attacker.device).await);
    assert!(!is_known(&app, "Third-Password-73", &owner.device).await);
    assert!(is_known(&app, "Third-Password-73", &fresh).await);
    // The session that continued is on that device: ending it forgets the device.
    let sessions = app.client_for(&owner).me().await["sessions"]["nodes"].take();
    let own = sessions.as_array().unwrap().iter().find(|session| session["current"] == true).unwrap();
    let revoked = app.client_for(&owner).revoke_session(&own["id"]).await;
    assert_eq!(revoked["__typename"], "RevokeSessionPayload", "{revoked:#}");
    assert!(!is_known(&app, "Third-Password-73", &fresh).await);
    app.stop().await;
}

#[tokio::test]
async fn sign_out_everywhere_keeps_the_device_that_sent_its_token() {
    let app = app().await;
    let owner = app.signed_up("hong", PHONE).await;
    let attacker = SignedIn::of(&app.anonymous().sign_in_as("hong").await);
    let out = app.client_for(&owner).sign_out_everywhere().await;
    assert_eq!(out["sessionsEnded"], 2, "{out:#}");
    let fresh = token(&out).to_owned();
    for forgotten in [&attacker.device, &owner.device] {
        assert!(!is_known(&app, PASSWORD, forgotten).await);
    }
    assert!(is_known(&app, PASSWORD, &fresh).await);
    // A session without a recent authentication sends its device token: a stolen access token alone cannot obtain one.
    let session = SignedIn::of(&sign_in(&app, PASSWORD, &fresh).await);
    app.advance(std::time::Duration::from_secs(11 * 60));
    let made_up = app.client_for(&session).sign_out_everywhere_on(&"A".repeat(43)).await;
    assert_eq!(made_up["deviceToken"], Value::Null, "{made_up:#}");
    let session = SignedIn::of(&sign_in(&app, PASSWORD, &fresh).await);
    app.advance(std::time::Duration::from_secs(11 * 60));
    let shown = app.client_for(&session).sign_out_everywhere_on(&session.device).await;
    assert!(is_known(&app, PASSWORD, token(&shown)).await);
    app.stop().await;
}

/// Only that session, its device and the failure counter of that device.
#[tokio::test]
async fn revoking_a_session_forgets_only_its_device() {
    let app = app().await;
    let owner = app.signed_up("hong", PHONE).await;
    let attacker = SignedIn::of(&app.anonymous().sign_in_as("hong").await);
    let signed_in_client = app.client_for(&owner);
    let sessions = signed_in_client.me().await["sessions"]["nodes"].take();
    let attackers = sessions.as_array().unwrap().iter().find(|session| session["current"] == false).unwrap();
    for device in [&attacker.device, &owner.device] {
        sign_in(&app, "Wrong-pass-1", device).await;
    }
    let counted = "SELECT subject FROM lockout WHERE subject LIKE 'device:%'";
    assert_eq!(app.column(counted).await.len(), 2);
    assert_eq!(signed_in_client.revoke_session(&attackers["id"]).await["__typename"], "RevokeSessionPayload");
    assert_eq!(app.column(counted).await.len(), 1);
    app.notices_to(PHONE, NEW_DEVICE, 1).await;
    assert!(!is_known(&app, PASSWORD, &attacker.device).await);
    app.notices_to(PHONE, NEW_DEVICE, 2).await;
    assert!(is_known(&app, PASSWORD, &owner.device).await);
    assert_eq!(signed_in_client.me().await["username"], "hong");
    app.stop().await;
}

/// In cookie mode the new token is set as a cookie and is not in the response body.
#[tokio::test]
async fn new_device_token_is_a_cookie_in_cookie_mode() {
    let app = app_with_cookies().await;
    let client = app.anonymous();
    let proof = app.proof(&client, "SIGN_UP", PHONE).await;
    client.sign_up(json!({ "proofToken": proof, "username": "hong", "password": PASSWORD })).await;
    let proof = app.proof(&client, "PASSWORD_RESET", PHONE).await;
    let query = "mutation($proof: String!, $new: String!) { it: resetPassword(input: { proofToken: $proof, \
                 newPassword: $new }) { __typename ... on ResetPasswordPayload { deviceToken } } }";
    let body = json!({ "query": query, "variables": { "proof": proof, "new": NEW } });
    let response = app.http().post(format!("{}/graphql", app.url())).json(&body).send().await.unwrap();
    let cookies: Vec<_> =
        response.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap().to_owned()).collect();
    assert!(cookies.iter().any(|cookie| cookie.contains("-device=")), "{cookies:?}");
    let response: Value = response.json().await.unwrap();
    assert_eq!(response["data"]["it"], json!({ "__typename": "ResetPasswordPayload", "deviceToken": null }));
    app.stop().await;
}

async fn app_with_cookies() -> TestApp {
    Setup::new().await.with("RESEND_COOLDOWN", "0s").with("REFRESH_COOKIE", "on").start().await
}
