//! Requests of clients and their results during a fault.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{process::child::Child, support::TEST_TIMEOUT};

pub const ADDRESS: &str = "198.51.100.1";

const SEND: &str = "mutation($phone: String!) { it: sendVerificationCode(input: { purpose: CONTACT, to: { phone: $phone } }) \
                    { __typename ... on SendVerificationCodePayload { verification { id } } } }";
const CONFIRM: &str = "mutation($id: ID!, $code: String!) { it: confirmVerificationCode(input: { verificationId: $id, code: $code }) \
                       { __typename ... on ConfirmVerificationCodePayload { proof { token } } \
                       ... on VerificationNotPending { verification { status } } } }";
const VERIFICATION: &str =
    "query($id: ID!) { it: verification(id: $id) { status attemptsRemaining delivery { status } } }";

/// The result of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum RequestResult {
    /// The value of the field `it`.
    Data(Value),
    /// An error, by its code.
    Error(String),
    /// The connection broke or could not be opened.
    NoResponse,
}

impl RequestResult {
    /// The id of an acknowledged verification.
    pub fn id(&self) -> Option<String> {
        match self {
            RequestResult::Data(it) => it["verification"]["id"].as_str().map(str::to_owned),
            _ => None,
        }
    }

    pub fn is(&self, name: &str) -> bool {
        matches!(self, RequestResult::Data(it) if it["__typename"] == name)
    }

    pub fn is_unavailable(&self) -> bool {
        matches!(self, RequestResult::Error(code) if code == "UNAVAILABLE")
    }
}

pub async fn execute(child: &Child, document: &str, variables: Value) -> RequestResult {
    match child.execute(ADDRESS, document, variables).await {
        None => RequestResult::NoResponse,
        Some(mut response) => match response["errors"][0]["extensions"]["code"].as_str() {
            Some(code) => RequestResult::Error(code.to_owned()),
            None => RequestResult::Data(response["data"]["it"].take()),
        },
    }
}

pub async fn send(child: &Child, phone: &str) -> RequestResult {
    execute(child, SEND, json!({ "phone": phone })).await
}

pub async fn confirm(child: &Child, id: &str, code: &str) -> RequestResult {
    execute(child, CONFIRM, json!({ "id": id, "code": code })).await
}

/// The current state of a verification.
pub async fn read_verification(child: &Child, id: &str) -> RequestResult {
    execute(child, VERIFICATION, json!({ "id": id })).await
}

/// Runs `work` and measures the time it takes.
pub async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let started = Instant::now();
    (work.await, started.elapsed())
}

/// The n-th phone number.
pub fn phone(number: usize) -> String {
    format!("+8210{:08}", 30_000_000 + number)
}

/// Waits until `it` returns a value.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, timeout: Duration, mut it: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(found) = it().await {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {timeout:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until the message of a verification is sent or has another final status.
pub async fn until_settled(child: &Child, id: &str, timeout: Duration) -> String {
    until(&format!("the message of {id} is settled"), timeout, || async {
        let RequestResult::Data(it) = read_verification(child, id).await else { return None };
        let status = it["delivery"]["status"].as_str().unwrap_or_else(|| panic!("{id} is lost: {it}")).to_owned();
        (status != "QUEUED").then_some(status)
    })
    .await
}

/// The HTTP status of a path of the server.
pub async fn status(child: &Child, path: &str) -> u16 {
    let response = child.http.get(format!("{}{path}", child.url)).timeout(TEST_TIMEOUT).send().await;
    response.map_or(0, |response| response.status().as_u16())
}
