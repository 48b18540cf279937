//! Every credential of an account against every operation that decides who may use it. The table below is derived by
//! hand from the documented effect of each operation; the server's own table is `session::access_revocation::decide`.

use serde_json::{Value, json};

use super::changes::undo_token;
use crate::support::{ApiClient, PASSWORD, Setup, SignedIn, Socket, TestApp};

/// The state of the credentials after an operation, one letter each in this order: E ended, k kept, - cannot be
/// requested.
///
/// open codes · proofs · refresh token · access token · socket · device token · undo token
const EXPECTED: [(&str, &str); 13] = [
    ("deleted", "EEEEE--"),
    ("reset", "EEEEEEk"),
    ("changed", "EEEEEEk"),
    ("changed, others kept", "EEkkkkk"),
    ("everywhere", "EEEEEEk"),
    ("suspended", "EEEEEEk"),
    ("suspended by the operator", "EEEEEEk"),
    ("given another role", "kkEEEkk"),
    ("ended by an administrator", "EEEEEEk"),
    ("contact changed", "EEEEEkk"),
    ("undone", "EEEEEEE"),
    ("revoked", "kkEEEEk"),
    ("signed out", "kkEEEkk"),
];

async fn app() -> TestApp {
    let mut setup = Setup::new().await.with("RESEND_COOLDOWN", "0s");
    for name in [
        "CLIENT_SENDS_PER_MINUTE",
        "CLIENT_EMAIL_SENDS_PER_MINUTE",
        "CLIENT_PROOFS_PER_MINUTE",
        "CLIENT_SIGN_INS_PER_MINUTE",
        "CLIENT_SIGN_UPS_PER_MINUTE",
        "CLIENT_GUESSES_PER_MINUTE",
        "CONTACT_DAILY_SENDS",
        "CONTACT_DAILY_GUESSES",
        "PUMPING_MIN_SENDS",
    ] {
        setup = setup.with(name, "unlimited");
    }
    setup.start().await
}

/// An account with one credential of every kind, and the session that performs the operation.
struct Credentials {
    name: String,
    phone: String,
    email: String,
    acting: SignedIn,
    other: SignedIn,
    socket: Socket,
    /// The code of each verification.
    open: Vec<(Value, String)>,
    sign_in: Value,
    reset: Value,
    change: Value,
    undo: String,
}

impl Credentials {
    /// `settled`: the contacts can no longer be undone, as a deletion requires.
    async fn of(app: &TestApp, at: usize, settled: bool) -> Self {
        let (name, phone) = (format!("person{at}"), format!("+8210111100{at:02}"));
        let (email, spare) = (format!("{name}@example.com"), format!("spare{at}@example.com"));
        let mut acting = app.signed_up(&name, &phone).await;
        let owner = app.client_for(&acting);
        let moved = owner.change_contact("changeEmail", &app.proof(&owner, "EMAIL_CHANGE", &email).await).await;
        assert_eq!(moved["user"]["email"], email, "{moved:#}");
        let undo = undo_token(&app.notices_to(&phone, "ndo it within", 1).await[0]);
        if settled {
            app.advance(std::time::Duration::from_secs(73 * 3600));
            acting = SignedIn::of(&app.anonymous().sign_in_as(&name).await);
        }
        let other = SignedIn::of(&app.anonymous().sign_in_as(&name).await);
        let anyone = app.anonymous();
        let open = vec![
            send_code(app, &anyone, "SIGN_IN", &phone).await,
            send_code(app, &anyone, "PASSWORD_RESET", &email).await,
            send_code(app, &app.client_for(&other), "EMAIL_CHANGE", &spare).await,
        ];
        let sign_in = app.proof(&anyone, "SIGN_IN", &email).await;
        let reset = app.proof(&anyone, "PASSWORD_RESET", &phone).await;
        let change = app.proof(&app.client_for(&other), "EMAIL_CHANGE", &spare).await;
        let socket = app.client_for(&other).socket().await;
        Self { name, phone, email, acting, other, socket, open, sign_in, reset, change, undo }
    }

    async fn perform(&self, app: &TestApp, operation: &str, admin: &ApiClient) {
        let (owner, anyone) = (app.client_for(&self.acting), app.anonymous());
        let done = match operation {
            "reset" => {
                let proof = app.proof(&anyone, "PASSWORD_RESET", &self.email).await;
                anyone.reset_password(&proof, "Quiet-Harbour-71!").await["sessionsEnded"].is_number()
            }
            "changed" => owner.change_password(PASSWORD, "Quiet-Harbour-71!").await["sessionsEnded"].is_number(),
            "changed, others kept" => {
                owner.change_password_here(PASSWORD, "Quiet-Harbour-71!").await["sessionsEnded"].is_number()
            }
            "everywhere" => owner.sign_out_everywhere().await["sessionsEnded"].is_number(),
            "suspended" => admin.set_account_status(&self.acting.user["id"], "SUSPENDED").await["user"].is_object(),
            "suspended by the operator" => format!("{:?}", app.suspend(&self.name).await).starts_with("Done"),
            "given another role" => {
                app.grant(&self.name).await;
                true
            }
            "ended by an administrator" => {
                admin.end_user_sessions(&self.acting.user["id"]).await["sessionsEnded"].is_number()
            }
            "contact changed" => {
                let proof = app.proof(&owner, "PHONE_CHANGE", &self.phone.replace("1111", "2222")).await;
                owner.change_contact("changePhone", &proof).await["user"].is_object()
            }
            "undone" => {
                let proof = app.undo_proof(&anyone, &self.undo, &self.phone).await;
                anyone.undo_with_proof(&self.undo, &proof).await["sessionsEnded"].is_number()
            }
            "deleted" => owner.delete_account(PASSWORD).await["id"].is_string(),
            "revoked" => {
                let sessions = owner.me().await["sessions"]["nodes"].take();
                let sessions = sessions.as_array().unwrap().clone();
                let other = sessions.iter().find(|session| session["current"] == false).unwrap();
                owner.revoke_session(&other["id"]).await["session"].is_object()
            }
            "signed out" => app.client_for(&self.other).sign_out().await["sessionsEnded"].is_number(),
            _ => panic!("{operation}"),
        };
        assert!(done, "{operation}");
        // An inactive status must not hide the state: a credential that works again afterwards was not ended.
        if operation.starts_with("suspended") {
            let lifted = admin.set_account_status(&self.acting.user["id"], "ACTIVE").await;
            assert_eq!(lifted["user"]["status"], "ACTIVE");
        }
    }

    /// The state of each credential in the format of `EXPECTED`.
    async fn state_after(mut self, app: &TestApp, expected: &str) -> String {
        let deleted = expected.ends_with('-');
        let anyone = app.anonymous();
        let mut found = String::new();
        // Waits for a socket that is to be closed: the process that holds it learns of the end a moment later.
        let is_open = match expected.as_bytes()[4] {
            b'E' => self.socket.close_code().await != 4403,
            _ => self.socket.is_open().await,
        };
        let access = app.client_for(&self.other).me().await != Value::Null;
        found.push(self.open_codes(&anyone).await);
        found.push(self.proofs(app, &anyone).await);
        let refreshed = anyone.refresh(&self.other.refresh).await;
        found.push(state_letter(refreshed["__typename"] == "RefreshSessionPayload"));
        found.push(state_letter(access));
        found.push(state_letter(is_open));
        found.push(if deleted { '-' } else { self.device(app, &anyone).await });
        if deleted {
            return found + "-";
        }
        let undone = anyone.undo_contact_change(&self.undo).await;
        found.push(state_letter(undone["__typename"] != "ProofRejected"));
        found
    }

    async fn open_codes(&self, anyone: &ApiClient) -> char {
        let mut kept = Vec::new();
        for (id, code) in &self.open {
            let confirmed = anyone.confirm(id, code).await;
            kept.push(confirmed["__typename"] == "ConfirmVerificationCodePayload");
        }
        all(&kept)
    }

    /// A rejected password does not spend the proof. A contact change is requested with a session created afterwards.
    async fn proofs(&self, app: &TestApp, anyone: &ApiClient) -> char {
        let reset = anyone.reset_password(&self.reset, "x").await["__typename"] == "PasswordRejected";
        let signed_in = anyone.sign_in_with_proof(&self.sign_in).await;
        let signs_in = signed_in["__typename"] == "SignInPayload";
        let mut kept = vec![reset, signs_in];
        if signs_in {
            let owner = app.client_for(&SignedIn::of(&signed_in));
            let changed = owner.change_contact("changeEmail", &self.change).await;
            kept.push(changed["__typename"] != "ProofRejected");
        } else if app.row_count(&format!("account WHERE username = '{}'", self.name)).await == 1 {
            let proof = app.proof(anyone, "SIGN_IN", &self.current_phone(app).await).await;
            let mut owner = app.client_for(&SignedIn::of(&anyone.sign_in_with_proof(&proof).await));
            let mut changed = owner.change_contact("changeEmail", &self.change).await;
            if changed["__typename"] == "ReauthenticationRequired" {
                // The phone was changed a moment ago, so a code to it is not a recent authentication; the password is.
                owner = app.client_for(&SignedIn::of(&anyone.sign_in_as(&self.name).await));
                changed = owner.change_contact("changeEmail", &self.change).await;
            }
            kept.push(changed["__typename"] != "ProofRejected");
        }
        all(&kept)
    }

    async fn device(&self, app: &TestApp, anyone: &ApiClient) -> char {
        let proof = app.proof(anyone, "SIGN_IN", &self.current_phone(app).await).await;
        let signed_in = anyone.sign_in_with_proof_on(&proof, &self.other.device).await;
        state_letter(signed_in["deviceToken"].as_str().unwrap() == self.other.device)
    }

    async fn current_phone(&self, app: &TestApp) -> String {
        let moved = self.phone.replace("1111", "2222");
        match app.row_count(&format!("account WHERE phone = '{moved}'")).await {
            1 => moved,
            _ => self.phone.clone(),
        }
    }
}

/// Sends a code: its verification id and the code.
async fn send_code(app: &TestApp, client: &ApiClient, purpose: &str, to: &str) -> (Value, String) {
    let contact = if to.contains('@') { json!({ "email": to }) } else { json!({ "phone": to }) };
    let before = app.codes_to(to, 0).await.len();
    let sent = client.send_code(json!({ "purpose": purpose, "to": contact })).await;
    assert_eq!(sent["__typename"], "SendVerificationCodePayload", "{sent:#}");
    (sent["verification"]["id"].clone(), app.codes_to(to, before + 1).await[0].clone())
}

fn state_letter(kept: bool) -> char {
    if kept { 'k' } else { 'E' }
}

/// All of them kept or all of them ended; `?` if mixed.
fn all(kept: &[bool]) -> char {
    match kept.iter().filter(|kept| **kept).count() {
        0 => 'E',
        some if some == kept.len() => 'k',
        _ => '?',
    }
}

#[tokio::test]
async fn every_operation_ends_the_required_credentials() {
    let app = app().await;
    app.signed_up("boss", "+821033330000").await;
    app.grant("boss").await;
    let mut found = Vec::new();
    for (at, (act, expected)) in EXPECTED.into_iter().enumerate() {
        let world = Credentials::of(&app, at, act == "deleted").await;
        let admin = app.client_for(&SignedIn::of(&app.anonymous().sign_in_as("boss").await));
        world.perform(&app, act, &admin).await;
        found.push((act, world.state_after(&app, expected).await));
    }
    let found: Vec<_> = found.iter().map(|(act, state_after)| (*act, state_after.as_str())).collect();
    assert_eq!(found, EXPECTED);
    app.stop().await;
}

/// A verification has no account if the contact had none when it was requested. Its earlier proof is invalid once an
/// account has the contact.
#[tokio::test]
async fn codes_for_a_contact_end_without_a_linked_account() {
    let app = app().await;
    let attacker = app.anonymous();
    let proof = app.proof(&attacker, "SIGN_UP", "hong@example.com").await;
    let (id, code) = send_code(&app, &attacker, "SIGN_UP", "hong@example.com").await;
    let owner = app.client_for(&app.signed_up("hong", "+821012345678").await);
    let own = app.proof(&owner, "EMAIL_CHANGE", "hong@example.com").await;
    assert_eq!(owner.change_contact("changeEmail", &own).await["user"]["email"], "hong@example.com");
    let late = attacker.sign_up(json!({ "proofToken": proof, "username": "thief", "password": PASSWORD })).await;
    assert_eq!(late["reason"], "SPENT", "{late:#}");
    assert_eq!(attacker.confirm(&id, &code).await["__typename"], "CodeMismatch");
    app.stop().await;
}
