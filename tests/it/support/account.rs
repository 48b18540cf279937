//! Account operations of the API.

use serde_json::{Value, json};

use super::{ApiClient, TestApp, coverage};

pub const PASSWORD: &str = "NewPassword123!";

const USER: &str = "id username name nickname phone phoneVerifiedAt email emailVerifiedAt status role createdAt";
const TOKENS: &str = "tokens { accessToken expiresIn refreshToken refreshExpiresAt }";
const PROBLEMS: &str = "... on InvalidInput { fields { path reason message } } ... on ProofRejected { reason } \
     ... on PasswordRejected { violations } ... on QuotaExceeded { quota retryAfterSeconds retryAt } \
     ... on ReauthenticationRequired { methods } ... on DeletionHeldBack { until }";

/// The tokens of a signed-in client.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub access: String,
    pub refresh: String,
    pub device: String,
    pub user: Value,
}

impl SignedIn {
    /// Reads them from a payload with tokens.
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

impl ApiClient {
    pub async fn sign_up(&self, input: Value) -> Value {
        let selection = format!(
            "... on SignUpPayload {{ user {{ {USER} }} {TOKENS} deviceToken verification {{ id status }} }} {}",
            "... on InvalidInput { fields { path reason message } } ... on ProofRejected { reason } \
             ... on PasswordRejected { violations } ... on QuotaExceeded { quota }"
        );
        self.mutate("signUp", &selection, input).await
    }

    pub async fn sign_in(&self, input: Value) -> Value {
        self.sign_in_by("signIn", input).await
    }

    pub async fn sign_in_with_proof(&self, proof: &Value) -> Value {
        self.sign_in_by("signInWithProof", json!({ "proofToken": proof })).await
    }

    /// Signs in with a proof and a device token from an earlier sign-in.
    pub async fn sign_in_with_proof_on(&self, proof: &Value, device: &str) -> Value {
        self.sign_in_by("signInWithProof", json!({ "proofToken": proof, "deviceToken": device })).await
    }

    async fn sign_in_by(&self, mutation: &str, input: Value) -> Value {
        let selection = format!(
            "... on SignInPayload {{ user {{ {USER} }} {TOKENS} deviceToken }} ... on AccountNotActive {{ status }} \
             ... on AccountLocked {{ unlocksAt }} ... on ProofRejected {{ reason }} \
             ... on QuotaExceeded {{ quota retryAt }} ... on InvalidInput {{ fields {{ path reason }} }}"
        );
        self.mutate(mutation, &selection, input).await
    }

    /// Signs in with [`PASSWORD`], which all test accounts have.
    pub async fn sign_in_as(&self, identifier: &str) -> Value {
        self.sign_in(json!({ "identifier": identifier, "password": PASSWORD })).await
    }

    pub async fn refresh(&self, token: &str) -> Value {
        let selection = format!(
            "... on RefreshSessionPayload {{ {TOKENS} }} ... on RefreshRejected {{ reason }} \
             ... on QuotaExceeded {{ quota }}"
        );
        self.mutate("refreshSession", &selection, json!({ "refreshToken": token })).await
    }

    pub async fn me(&self) -> Value {
        let query = format!(
            "{{ me {{ {USER} sessions {{ nodes {{ id current deviceName userAgent ipAddress createdAt lastUsedAt \
             expiresAt }} pageInfo {{ hasNextPage endCursor }} }} }} }}"
        );
        let mut response = self.execute(&query, json!({})).await;
        // `me` is null for a rejected token, and the errors say UNAUTHENTICATED.
        let codes: Vec<_> =
            response["errors"].as_array().into_iter().flatten().map(|error| &error["extensions"]["code"]).collect();
        assert!(codes.iter().all(|code| *code == "UNAUTHENTICATED"), "{response:#}");
        assert!(codes.is_empty() || response["data"]["me"].is_null(), "{response:#}");
        coverage::record_all(&response["data"]);
        response["data"]["me"].take()
    }

    pub async fn sign_out(&self) -> Value {
        self.data("mutation { signOut { sessionsEnded } }", json!({})).await["signOut"].take()
    }

    pub async fn sign_out_everywhere(&self) -> Value {
        let mutation = "mutation { signOutEverywhere { sessionsEnded deviceToken } }";
        self.data(mutation, json!({})).await["signOutEverywhere"].take()
    }

    /// Sends the device token with it.
    pub async fn sign_out_everywhere_on(&self, device: &str) -> Value {
        let mutation = "mutation($input: SignOutEverywhereInput) { signOutEverywhere(input: $input) \
             { sessionsEnded deviceToken } }";
        self.data(mutation, json!({ "input": { "deviceToken": device } })).await["signOutEverywhere"].take()
    }

    pub async fn change_password(&self, current: &str, new: &str) -> Value {
        self.change_password_by(json!({ "currentPassword": current, "newPassword": new })).await
    }

    /// Keeps the other sessions.
    pub async fn change_password_here(&self, current: &str, new: &str) -> Value {
        let input = json!({ "currentPassword": current, "newPassword": new, "keepOtherSessions": true });
        self.change_password_by(input).await
    }

    async fn change_password_by(&self, input: Value) -> Value {
        let selection = format!(
            "... on ChangePasswordPayload {{ sessionsEnded deviceToken }} {}",
            problem_selections(&["PasswordRejected", "QuotaExceeded", "ReauthenticationRequired"])
        );
        self.mutate("changePassword", &selection, input).await
    }

    pub async fn change_contact(&self, mutation: &str, proof: &Value) -> Value {
        let document = format!(
            "mutation($input: ChangeContactInput!) {{ it: {mutation}(input: $input) {{ __typename \
             ... on Problem {{ code message }} ... on ChangeContactPayload {{ user {{ {USER} }} }} {} }} }}",
            problem_selections(&["ProofRejected", "QuotaExceeded", "ReauthenticationRequired"])
        );
        let response = self.data(&document, json!({ "input": { "proofToken": proof } })).await["it"].take();
        coverage::record(mutation, &response);
        response
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
        self.mutate("updateProfile", selection, input).await
    }

    pub async fn revoke_session(&self, id: &Value) -> Value {
        let selection = "... on RevokeSessionPayload { session { id current } }";
        self.mutate("revokeSession", selection, json!({ "sessionId": id })).await
    }

    pub async fn set_account_status(&self, id: &Value, status: &str) -> Value {
        let selection = "... on SetAccountStatusPayload { user { status } } ... on InvalidInput { fields { path reason } } \
             ... on ReauthenticationRequired { methods }";
        self.mutate("setAccountStatus", selection, json!({ "id": id, "status": status })).await
    }

    pub async fn unlock_account(&self, id: &Value) -> Value {
        let selection =
            "... on UnlockAccountPayload { user { id username } } ... on ReauthenticationRequired { methods }";
        self.mutate("unlockAccount", selection, json!({ "id": id })).await
    }

    pub async fn end_user_sessions(&self, id: &Value) -> Value {
        let selection = "... on EndUserSessionsPayload { user { id username } sessionsEnded } \
             ... on ReauthenticationRequired { methods }";
        self.mutate("endUserSessions", selection, json!({ "id": id })).await
    }

    /// Reauthenticates with either `password` or `proofToken`.
    pub async fn reauthenticate(&self, input: Value) -> Value {
        let selection = format!(
            "... on ReauthenticatePayload {{ accessToken expiresIn freshUntil }} {}",
            problem_selections(&["ProofRejected", "QuotaExceeded", "ReauthenticationRequired"])
        );
        self.mutate("reauthenticate", &selection, input).await
    }

    pub async fn undo_contact_change(&self, token: &str) -> Value {
        self.undo_by(json!({ "token": token })).await
    }

    /// Undoes a contact change with a proof of the contact that was not changed.
    pub async fn undo_with_proof(&self, token: &str, proof: &Value) -> Value {
        self.undo_by(json!({ "token": token, "proofToken": proof })).await
    }

    async fn undo_by(&self, input: Value) -> Value {
        let selection = format!(
            "... on UndoContactChangePayload {{ sessionsEnded }} \
             ... on UndoConfirmationRequired {{ verification {{ id purpose maskedTo status }} }} {}",
            problem_selections(&["ProofRejected", "QuotaExceeded"])
        );
        self.mutate("undoContactChange", &selection, input).await
    }

    pub async fn delete_account(&self, password: &str) -> Value {
        self.delete_account_with(json!({ "password": password })).await
    }

    pub async fn delete_account_with(&self, input: Value) -> Value {
        let problems = problem_selections(&["QuotaExceeded", "ReauthenticationRequired", "DeletionHeldBack"]);
        self.mutate("deleteAccount", &format!("... on DeleteAccountPayload {{ id }} {problems}"), input).await
    }
}

/// The GraphQL selections of these problem types.
fn problem_selections(problems: &[&str]) -> String {
    let chosen = PROBLEMS.split("... on ").filter(|part| problems.iter().any(|problem| part.starts_with(problem)));
    chosen.map(|part| format!("... on {part}")).collect()
}

impl TestApp {
    /// Sends a code for `purpose` to a contact, confirms it and returns the proof token.
    pub async fn proof(&self, client: &ApiClient, purpose: &str, to: &str) -> Value {
        let contact = if to.contains('@') { json!({ "email": to }) } else { json!({ "phone": to }) };
        let before = self.codes_to(to, 0).await.len();
        let sent = client.send_code(json!({ "purpose": purpose, "to": contact })).await;
        assert_eq!(sent["__typename"], "SendVerificationCodePayload", "{sent:#}");
        let code = self.codes_to(to, before + 1).await[0].clone();
        let confirmed = client.confirm(&sent["verification"]["id"], &code).await;
        assert_eq!(confirmed["__typename"], "ConfirmVerificationCodePayload", "{confirmed:#}");
        confirmed["proof"]["token"].clone()
    }

    /// The proof for an undo that requires confirmation: requests the undo and confirms the code that was sent to
    /// `to`.
    pub async fn undo_proof(&self, client: &ApiClient, token: &str, to: &str) -> Value {
        let before = self.codes_to(to, 0).await.len();
        let requested = client.undo_contact_change(token).await;
        assert_eq!(requested["__typename"], "UndoConfirmationRequired", "{requested:#}");
        assert_eq!(requested["verification"]["purpose"], "CONTACT_UNDO", "{requested:#}");
        let code = self.codes_to(to, before + 1).await[0].clone();
        client.confirm(&requested["verification"]["id"], &code).await["proof"]["token"].clone()
    }

    /// Signs up a new account with this contact.
    pub async fn signed_up(&self, username: &str, contact: &str) -> SignedIn {
        let client = self.client_at(&address_of(username));
        let proof = self.proof(&client, "SIGN_UP", contact).await;
        let input = json!({ "proofToken": proof, "username": username, "password": PASSWORD });
        let created = client.sign_up(input).await;
        assert_eq!(created["__typename"], "SignUpPayload", "{created:#}");
        SignedIn::of(&created)
    }

    /// A client that has reauthenticated with [`PASSWORD`].
    pub async fn reauthenticated(&self, owner: &ApiClient) -> ApiClient {
        self.client_from(&owner.reauthenticate(json!({ "password": PASSWORD })).await)
    }

    /// A client with the access token of a `reauthenticate` payload.
    pub fn client_from(&self, reauthenticated: &Value) -> ApiClient {
        let token = reauthenticated["accessToken"].as_str().unwrap_or_else(|| panic!("{reauthenticated:#}"));
        self.anonymous().with_token(token)
    }

    /// A client with the access token of these tokens.
    pub fn client_for(&self, signed_in: &SignedIn) -> ApiClient {
        self.anonymous().with_token(&signed_in.access)
    }
}

/// A client address derived from the name, so that accounts do not share an address quota.
fn address_of(name: &str) -> String {
    let sum = name.bytes().fold(0u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    format!("203.0.{}.{}", sum / 250 % 250 + 1, sum % 250 + 1)
}
