//! A client of the GraphQL API.

use serde_json::{Value, json};

use super::{
    coverage,
    socket::{Socket, Subscription},
};

/// The selection for a verification.
pub const VERIFICATION: &str = "id purpose maskedTo status attemptsRemaining codeLength codeFormat createdAt updatedAt \
     expiresAt resendAvailableAt sendsRemaining sequence delivery { channel status failure updatedAt }";

/// A client with a client address, optionally signed in. Cheap to clone.
#[derive(Clone)]
pub struct ApiClient {
    http: reqwest::Client,
    url: String,
    address: String,
    language: String,
    token: Option<String>,
}

impl ApiClient {
    pub(super) fn new(http: reqwest::Client, url: String, address: String) -> Self {
        Self { http, url, address, language: "en".to_owned(), token: None }
    }

    /// Sets `Accept-Language`.
    #[must_use]
    pub fn with_language(mut self, language: &str) -> Self {
        language.clone_into(&mut self.language);
        self
    }

    /// Sets the access token.
    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// Executes a document and returns the whole response.
    pub async fn execute(&self, query: &str, variables: Value) -> Value {
        let mut request = self
            .http
            .post(format!("{}/graphql", self.url))
            .header("x-forwarded-for", &self.address)
            .header("accept-language", &self.language)
            .json(&json!({ "query": query, "variables": variables }));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        request.send().await.unwrap().json().await.unwrap()
    }

    /// Executes a document and returns its data. The response must have no errors.
    pub async fn data(&self, query: &str, variables: Value) -> Value {
        let mut response = self.execute(query, variables).await;
        assert!(response["errors"].is_null(), "{response:#}");
        coverage::record_all(&response["data"]);
        response["data"].take()
    }

    /// Executes one mutation with one input and returns its result, whichever member of the union it is.
    pub async fn mutate(&self, mutation: &str, selection: &str, input: Value) -> Value {
        let mut type_name = mutation[..1].to_uppercase();
        type_name.push_str(&mutation[1..]);
        let document = format!(
            "mutation($input: {type_name}Input!) {{ it: {mutation}(input: $input) {{ __typename \
             ... on Problem {{ code message }} {selection} }} }}"
        );
        let response = self.data(&document, json!({ "input": input })).await["it"].take();
        coverage::record(mutation, &response);
        response
    }

    pub async fn send_code(&self, input: Value) -> Value {
        self.mutate("sendVerificationCode", &send_selection(), input).await
    }

    /// Sends a CONTACT code to a phone. The result must be a verification.
    pub async fn send_code_to(&self, phone: &str) -> Value {
        let sent = self.send_code(json!({ "purpose": "CONTACT", "to": { "phone": phone } })).await;
        assert_eq!(sent["__typename"], "SendVerificationCodePayload", "{sent:#}");
        sent["verification"].clone()
    }

    pub async fn resend(&self, id: &Value) -> Value {
        self.mutate("resendVerificationCode", &send_selection(), json!({ "verificationId": id })).await
    }

    /// Resends by this channel.
    pub async fn resend_via(&self, id: &Value, channel: &str) -> Value {
        self.mutate("resendVerificationCode", &send_selection(), json!({ "verificationId": id, "channel": channel }))
            .await
    }

    pub async fn confirm(&self, id: &Value, code: &str) -> Value {
        let selection = format!(
            "... on ConfirmVerificationCodePayload {{ verification {{ {VERIFICATION} }} \
             proof {{ purpose token expiresAt attestation }} }} \
             ... on CodeMismatch {{ attemptsRemaining }} \
             ... on VerificationNotPending {{ verification {{ {VERIFICATION} }} }} \
             ... on QuotaExceeded {{ quota retryAfterSeconds retryAt }} \
             ... on InvalidInput {{ fields {{ path reason message }} }}"
        );
        self.mutate("confirmVerificationCode", &selection, json!({ "verificationId": id, "code": code })).await
    }

    pub async fn cancel(&self, id: &Value) -> Value {
        let selection = format!(
            "... on CancelVerificationPayload {{ verification {{ {VERIFICATION} }} }} \
             ... on VerificationNotPending {{ verification {{ {VERIFICATION} }} }}"
        );
        self.mutate("cancelVerification", &selection, json!({ "verificationId": id })).await
    }

    pub async fn request_password_reset(&self, input: Value) -> Value {
        self.mutate("requestPasswordReset", &send_selection(), input).await
    }

    pub async fn reset_password(&self, proof: &Value, password: &str) -> Value {
        let selection = "... on ResetPasswordPayload { sessionsEnded notificationQueued deviceToken } \
             ... on ProofRejected { reason } ... on PasswordRejected { violations } \
             ... on QuotaExceeded { quota retryAfterSeconds retryAt }";
        self.mutate("resetPassword", selection, json!({ "proofToken": proof, "newPassword": password })).await
    }

    pub async fn verification(&self, id: &Value) -> Value {
        let document = format!("query($id: ID!) {{ verification(id: $id) {{ {VERIFICATION} }} }}");
        self.data(&document, json!({ "id": id })).await["verification"].take()
    }

    /// Opens a WebSocket and completes the handshake.
    pub async fn socket(&self) -> Socket {
        Socket::open(&self.url, &self.address, self.token.as_deref()).await
    }

    /// Subscribes to a verification on a socket of its own.
    pub async fn watch(&self, id: &Value) -> Subscription {
        let document = format!("subscription($id: ID!) {{ verificationStatus(id: $id) {{ {VERIFICATION} }} }}");
        self.socket().await.subscribe(&document, json!({ "id": id })).await
    }
}

/// A different code of the same length.
pub fn different_code(code: &str) -> String {
    let first = if code.starts_with('0') { '1' } else { '0' };
    format!("{first}{}", &code[1..])
}

fn send_selection() -> String {
    format!(
        "... on SendVerificationCodePayload {{ verification {{ {VERIFICATION} }} }} \
         ... on InvalidInput {{ fields {{ path reason message }} }} \
         ... on QuotaExceeded {{ quota retryAfterSeconds retryAt }} \
         ... on VerificationNotPending {{ verification {{ {VERIFICATION} }} }} \
         ... on AccountNotActive {{ status }} \
         ... on ReauthenticationRequired {{ methods }} \
         ... on DeliveryRefused {{ providerCode }}"
    )
}
