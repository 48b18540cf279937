//! What people do with accounts, in the words of the API.

use serde_json::{Value, json};

use super::{Person, TestApp, seen};

pub const PASSWORD: &str = "NewPassword123!";

const USER: &str = "id username name nickname phone phoneVerifiedAt email emailVerifiedAt status role createdAt";
const TOKENS: &str = "tokens { accessToken expiresIn refreshToken refreshExpiresAt }";
const PROBLEMS: &str = "... on InvalidInput { fields { path reason message } } ... on ProofRejected { reason } \
     ... on PasswordRejected { violations } ... on QuotaExceeded { quota retryAfterSeconds retryAt } \
     ... on ReauthenticationRequired { methods } ... on DeletionHeldBack { until }";

/// Tokens as a client keeps them.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub access: String,
    pub refresh: String,
    pub device: String,
    pub user: Value,
}

impl SignedIn {
    /// Out of a payload with tokens.
    pub fn of(payload: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{payload:#}")).to_owned();
        Self {
            access: text(&payload["tokens"]["accessToken"]),
            refresh: text(&payload["tokens"]["refreshToken"]),
            device: text(&payload["deviceToken"]),
            user: payload["user"].clone(),
        }
    }
}

impl Person {
    pub async fn sign_up(&self, input: Value) -> Value {
        let selection = format!(
            "... on SignUpPayload {{ user {{ {USER} }} {TOKENS} deviceToken verification {{ id status }} }} {}",
            "... on InvalidInput { fields { path reason message } } ... on ProofRejected { reason } \
             ... on PasswordRejected { violations } ... on QuotaExceeded { quota }"
        );
        self.act("signUp", &selection, input).await
    }

    pub async fn sign_in(&self, input: Value) -> Value {
        self.signing_in("signIn", input).await
    }

    pub async fn sign_in_with_proof(&self, proof: &Value) -> Value {
        self.signing_in("signInWithProof", json!({ "proofToken": proof })).await
    }

    /// On a device that was given a token before.
    pub async fn sign_in_with_proof_on(&self, proof: &Value, device: &str) -> Value {
        self.signing_in("signInWithProof", json!({ "proofToken": proof, "deviceToken": device })).await
    }

    async fn signing_in(&self, mutation: &str, input: Value) -> Value {
        let selection = format!(
            "... on SignInPayload {{ user {{ {USER} }} {TOKENS} deviceToken }} ... on AccountNotActive {{ status }} \
             ... on AccountLocked {{ unlocksAt }} ... on ProofRejected {{ reason }} \
             ... on QuotaExceeded {{ quota retryAt }} ... on InvalidInput {{ fields {{ path reason }} }}"
        );
        self.act(mutation, &selection, input).await
    }

    /// With the password that everybody here has.
    pub async fn sign_in_as(&self, identifier: &str) -> Value {
        self.sign_in(json!({ "identifier": identifier, "password": PASSWORD })).await
    }

    pub async fn refresh(&self, token: &str) -> Value {
        let selection = format!(
            "... on RefreshSessionPayload {{ {TOKENS} }} ... on RefreshRejected {{ reason }} \
             ... on QuotaExceeded {{ quota }}"
        );
        self.act("refreshSession", &selection, json!({ "refreshToken": token })).await
    }

    pub async fn me(&self) -> Value {
        let query = format!(
            "{{ me {{ {USER} sessions {{ nodes {{ id current deviceName userAgent ipAddress createdAt lastUsedAt \
             expiresAt }} pageInfo {{ hasNextPage endCursor }} }} }} }}"
        );
        let mut answer = self.ask(&query, json!({})).await;
        // Null for a token that is not honoured, and said beside it.
        let codes: Vec<_> =
            answer["errors"].as_array().into_iter().flatten().map(|error| &error["extensions"]["code"]).collect();
        assert!(codes.iter().all(|code| *code == "UNAUTHENTICATED"), "{answer:#}");
        assert!(codes.is_empty() || answer["data"]["me"].is_null(), "{answer:#}");
        seen::note_all(&answer["data"]);
        answer["data"]["me"].take()
    }

    pub async fn sign_out(&self) -> Value {
        self.data("mutation { signOut { sessionsEnded } }", json!({})).await["signOut"].take()
    }

    pub async fn sign_out_everywhere(&self) -> Value {
        let mutation = "mutation { signOutEverywhere { sessionsEnded deviceToken } }";
        self.data(mutation, json!({})).await["signOutEverywhere"].take()
    }

    /// From a device that shows its token.
    pub async fn sign_out_everywhere_on(&self, device: &str) -> Value {
        let mutation = "mutation($input: SignOutEverywhereInput) { signOutEverywhere(input: $input) \
             { sessionsEnded deviceToken } }";
        self.data(mutation, json!({ "input": { "deviceToken": device } })).await["signOutEverywhere"].take()
    }

    pub async fn change_password(&self, current: &str, new: &str) -> Value {
        self.changing_password(json!({ "currentPassword": current, "newPassword": new })).await
    }

    /// Other devices stay signed in.
    pub async fn change_password_here(&self, current: &str, new: &str) -> Value {
        let input = json!({ "currentPassword": current, "newPassword": new, "keepOtherSessions": true });
        self.changing_password(input).await
    }

    async fn changing_password(&self, input: Value) -> Value {
        let selection = format!(
            "... on ChangePasswordPayload {{ sessionsEnded deviceToken }} {}",
            only(&["PasswordRejected", "QuotaExceeded", "ReauthenticationRequired"])
        );
        self.act("changePassword", &selection, input).await
    }

    pub async fn change_contact(&self, mutation: &str, proof: &Value) -> Value {
        let document = format!(
            "mutation($input: ChangeContactInput!) {{ it: {mutation}(input: $input) {{ __typename \
             ... on Problem {{ code message }} ... on ChangeContactPayload {{ user {{ {USER} }} }} {} }} }}",
            only(&["ProofRejected", "QuotaExceeded", "ReauthenticationRequired"])
        );
        let answer = self.data(&document, json!({ "input": { "proofToken": proof } })).await["it"].take();
        seen::note(mutation, &answer);
        answer
    }

    pub async fn available(&self, input: Value) -> Value {
        let query = "query($input: AvailabilityInput!) { availability(input: $input) { __typename \
             ... on Availability { available } ... on InvalidInput { fields { path reason } } \
             ... on QuotaExceeded { quota } } }";
        self.data(query, json!({ "input": input })).await["availability"].take()
    }

    pub async fn update_profile(&self, input: Value) -> Value {
        let selection = "... on UpdateProfilePayload { user { name nickname profileImageUrl } } \
             ... on InvalidInput { fields { path reason } }";
        self.act("updateProfile", selection, input).await
    }

    pub async fn revoke_session(&self, id: &Value) -> Value {
        let selection = "... on RevokeSessionPayload { session { id current } }";
        self.act("revokeSession", selection, json!({ "sessionId": id })).await
    }

    pub async fn set_account_status(&self, id: &Value, status: &str) -> Value {
        let selection = "... on SetAccountStatusPayload { user { status } } ... on InvalidInput { fields { path reason } } \
             ... on ReauthenticationRequired { methods }";
        self.act("setAccountStatus", selection, json!({ "id": id, "status": status })).await
    }

    pub async fn unlock_account(&self, id: &Value) -> Value {
        let selection =
            "... on UnlockAccountPayload { user { id username } } ... on ReauthenticationRequired { methods }";
        self.act("unlockAccount", selection, json!({ "id": id })).await
    }

    pub async fn end_user_sessions(&self, id: &Value) -> Value {
        let selection = "... on EndUserSessionsPayload { user { id username } sessionsEnded } \
             ... on ReauthenticationRequired { methods }";
        self.act("endUserSessions", selection, json!({ "id": id })).await
    }

    /// Authenticates again with one of `password` and `proofToken`.
    pub async fn reauthenticate(&self, input: Value) -> Value {
        let selection = format!(
            "... on ReauthenticatePayload {{ accessToken expiresIn freshUntil }} {}",
            only(&["ProofRejected", "QuotaExceeded", "ReauthenticationRequired"])
        );
        self.act("reauthenticate", &selection, input).await
    }

    pub async fn undo_contact_change(&self, token: &str) -> Value {
        self.undoing(json!({ "token": token })).await
    }

    /// With the proof of a contact that was not changed.
    pub async fn undo_with_proof(&self, token: &str, proof: &Value) -> Value {
        self.undoing(json!({ "token": token, "proofToken": proof })).await
    }

    async fn undoing(&self, input: Value) -> Value {
        let selection = format!(
            "... on UndoContactChangePayload {{ sessionsEnded }} \
             ... on UndoConfirmationRequired {{ verification {{ id purpose maskedTo status }} }} {}",
            only(&["ProofRejected", "QuotaExceeded"])
        );
        self.act("undoContactChange", &selection, input).await
    }

    pub async fn delete_account(&self, password: &str) -> Value {
        self.delete_account_with(json!({ "password": password })).await
    }

    pub async fn delete_account_with(&self, input: Value) -> Value {
        let problems = only(&["QuotaExceeded", "ReauthenticationRequired", "DeletionHeldBack"]);
        self.act("deleteAccount", &format!("... on DeleteAccountPayload {{ id }} {problems}"), input).await
    }
}

/// The selections of these problems.
fn only(problems: &[&str]) -> String {
    let chosen = PROBLEMS.split("... on ").filter(|part| problems.iter().any(|problem| part.starts_with(problem)));
    chosen.map(|part| format!("... on {part}")).collect()
}

impl TestApp {
    /// A proof of this purpose that a contact was confirmed for.
    pub async fn proof(&self, person: &Person, purpose: &str, to: &str) -> Value {
        let contact = if to.contains('@') { json!({ "email": to }) } else { json!({ "phone": to }) };
        let before = self.codes_to(to, 0).await.len();
        let sent = person.send_code(json!({ "purpose": purpose, "to": contact })).await;
        assert_eq!(sent["__typename"], "SendVerificationCodePayload", "{sent:#}");
        let code = self.codes_to(to, before + 1).await[0].clone();
        let confirmed = person.confirm(&sent["verification"]["id"], &code).await;
        assert_eq!(confirmed["__typename"], "ConfirmVerificationCodePayload", "{confirmed:#}");
        confirmed["proof"]["token"].clone()
    }

    /// What an undo that has to be confirmed is confirmed with: the code that was sent to `to`.
    pub async fn undo_proof(&self, person: &Person, token: &str, to: &str) -> Value {
        let before = self.codes_to(to, 0).await.len();
        let asked = person.undo_contact_change(token).await;
        assert_eq!(asked["__typename"], "UndoConfirmationRequired", "{asked:#}");
        assert_eq!(asked["verification"]["purpose"], "CONTACT_UNDO", "{asked:#}");
        let code = self.codes_to(to, before + 1).await[0].clone();
        person.confirm(&asked["verification"]["id"], &code).await["proof"]["token"].clone()
    }

    /// Somebody who signed up with this contact.
    pub async fn signed_up(&self, username: &str, contact: &str) -> SignedIn {
        let person = self.person_at(&address_of(username));
        let proof = self.proof(&person, "SIGN_UP", contact).await;
        let input = json!({ "proofToken": proof, "username": username, "password": PASSWORD });
        let made = person.sign_up(input).await;
        assert_eq!(made["__typename"], "SignUpPayload", "{made:#}");
        SignedIn::of(&made)
    }

    /// Somebody who authenticated again with the password that everybody here has.
    pub async fn reauthenticated(&self, holder: &Person) -> Person {
        self.person_with(&holder.reauthenticate(json!({ "password": PASSWORD })).await)
    }

    /// Somebody who holds the access token of this answer to `reauthenticate`.
    pub fn person_with(&self, reauthenticated: &Value) -> Person {
        let token = reauthenticated["accessToken"].as_str().unwrap_or_else(|| panic!("{reauthenticated:#}"));
        self.anonymous().with_token(token)
    }

    /// Somebody who holds these tokens.
    pub fn holder(&self, signed_in: &SignedIn) -> Person {
        self.anonymous().with_token(&signed_in.access)
    }
}

/// A client address of somebody's own, so that nobody uses up another one's quota.
fn address_of(name: &str) -> String {
    let sum = name.bytes().fold(0u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    format!("203.0.{}.{}", sum / 250 % 250 + 1, sum % 250 + 1)
}
