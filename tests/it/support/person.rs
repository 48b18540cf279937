//! Somebody who uses the API, in the words of the API.

use serde_json::{Value, json};

use super::{
    seen,
    socket::{Socket, Watch},
};

/// What is selected of a verification.
pub const VERIFICATION: &str = "id purpose maskedTo status attemptsRemaining codeLength codeFormat createdAt updatedAt \
     expiresAt resendAvailableAt sendsRemaining sequence delivery { channel status failure updatedAt }";

/// Somebody at a client address, perhaps signed in. Cheap to clone.
#[derive(Clone)]
pub struct Person {
    http: reqwest::Client,
    url: String,
    address: String,
    language: String,
    token: Option<String>,
}

impl Person {
    pub(super) fn new(http: reqwest::Client, url: String, address: String) -> Self {
        Self { http, url, address, language: "en".to_owned(), token: None }
    }

    /// The same person, who reads another language.
    #[must_use]
    pub fn reading(mut self, language: &str) -> Self {
        language.clone_into(&mut self.language);
        self
    }

    /// The same person, signed in.
    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// The whole answer to a document.
    pub async fn ask(&self, query: &str, variables: Value) -> Value {
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

    /// The data of an answer without errors.
    pub async fn data(&self, query: &str, variables: Value) -> Value {
        let mut answer = self.ask(query, variables).await;
        assert!(answer["errors"].is_null(), "{answer:#}");
        seen::note_all(&answer["data"]);
        answer["data"].take()
    }

    /// One mutation with one input: its result, whichever member of its union it is.
    pub async fn act(&self, mutation: &str, selection: &str, input: Value) -> Value {
        let mut type_name = mutation[..1].to_uppercase();
        type_name.push_str(&mutation[1..]);
        let document = format!(
            "mutation($input: {type_name}Input!) {{ it: {mutation}(input: $input) {{ __typename \
             ... on Problem {{ code message }} {selection} }} }}"
        );
        let answer = self.data(&document, json!({ "input": input })).await["it"].take();
        seen::note(mutation, &answer);
        answer
    }

    pub async fn send_code(&self, input: Value) -> Value {
        self.act("sendVerificationCode", &sending(), input).await
    }

    /// Sends a CONTACT code to a phone, which must be answered with a verification.
    pub async fn send_code_to(&self, phone: &str) -> Value {
        let sent = self.send_code(json!({ "purpose": "CONTACT", "to": { "phone": phone } })).await;
        assert_eq!(sent["__typename"], "SendVerificationCodePayload", "{sent:#}");
        sent["verification"].clone()
    }

    pub async fn resend(&self, id: &Value) -> Value {
        self.act("resendVerificationCode", &sending(), json!({ "verificationId": id })).await
    }

    /// Resends by a channel of the person's choice.
    pub async fn resend_by(&self, id: &Value, channel: &str) -> Value {
        self.act("resendVerificationCode", &sending(), json!({ "verificationId": id, "channel": channel })).await
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
        self.act("confirmVerificationCode", &selection, json!({ "verificationId": id, "code": code })).await
    }

    pub async fn cancel(&self, id: &Value) -> Value {
        let selection = format!(
            "... on CancelVerificationPayload {{ verification {{ {VERIFICATION} }} }} \
             ... on VerificationNotPending {{ verification {{ {VERIFICATION} }} }}"
        );
        self.act("cancelVerification", &selection, json!({ "verificationId": id })).await
    }

    pub async fn request_password_reset(&self, input: Value) -> Value {
        self.act("requestPasswordReset", &sending(), input).await
    }

    pub async fn reset_password(&self, proof: &Value, password: &str) -> Value {
        let selection = "... on ResetPasswordPayload { sessionsEnded notificationQueued deviceToken } \
             ... on ProofRejected { reason } ... on PasswordRejected { violations } \
             ... on QuotaExceeded { quota retryAfterSeconds retryAt }";
        self.act("resetPassword", selection, json!({ "proofToken": proof, "newPassword": password })).await
    }

    pub async fn verification(&self, id: &Value) -> Value {
        let document = format!("query($id: ID!) {{ verification(id: $id) {{ {VERIFICATION} }} }}");
        self.data(&document, json!({ "id": id })).await["verification"].take()
    }

    /// A socket, with its handshake done.
    pub async fn socket(&self) -> Socket {
        Socket::open(&self.url, &self.address, self.token.as_deref()).await
    }

    /// Watches a verification over a socket of its own.
    pub async fn watch(&self, id: &Value) -> Watch {
        let document = format!("subscription($id: ID!) {{ verificationStatus(id: $id) {{ {VERIFICATION} }} }}");
        self.socket().await.subscribe(&document, json!({ "id": id })).await
    }
}

/// A code of the same length that is not this one.
pub fn code_other_than(code: &str) -> String {
    let first = if code.starts_with('0') { '1' } else { '0' };
    format!("{first}{}", &code[1..])
}

fn sending() -> String {
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
