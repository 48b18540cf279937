//! No secret is logged at any level (DR-03, DR-04, CL-08): the real binary runs at `trace`, every operation is
//! executed, and the log is searched for every secret that was used.

use std::{io::Write, process::Stdio, time::Duration};

use serde_json::{Value, json};

use crate::{
    process::child::{Child, ChildConfig},
    support::{Socket, TEST_TIMEOUT},
};

const ADDRESS: &str = "198.51.100.77";
const WEAK: &str = "weaklingpassword";
const PASSWORD: &str = "Quiet-Harbour-71!";
const BEARER: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJub2JvZHkifQ.bm90LWEtc2lnbmF0dXJl";
const COOKIE: &str = "countersign_refresh=c0okieThatNobodyMaySee";
const KEY: &str = "idempotency-key-that-nobody-may-see";

/// All values that must not appear in the log.
#[derive(Default)]
struct Secrets(Vec<String>);

impl Secrets {
    fn keep(&mut self, secret: &Value) -> Value {
        let text = secret.as_str().unwrap_or_else(|| panic!("not a secret: {secret:#}"));
        assert!(text.len() >= 8, "too short to search for: {text}");
        self.0.push(text.to_owned());
        secret.clone()
    }
}

async fn execute(child: &Child, query: &str, variables: Value) -> Value {
    let body = json!({ "query": query, "variables": variables });
    let request = child.http.post(format!("{}/graphql", child.url)).header("x-forwarded-for", ADDRESS);
    let request = request.header("cookie", COOKIE).bearer_auth(BEARER).json(&body);
    request.send().await.unwrap().json().await.unwrap()
}

const SEND: &str = "mutation($input: SendVerificationCodeInput!) { it: sendVerificationCode(input: $input) { __typename \
     ... on SendVerificationCodePayload { verification { id } } } }";
const CONFIRM: &str = "mutation($input: ConfirmVerificationCodeInput!) { it: confirmVerificationCode(input: $input) { __typename \
     ... on ConfirmVerificationCodePayload { proof { token attestation } } } }";
const RESET: &str = "mutation($input: ResetPasswordInput!) { it: resetPassword(input: $input) { __typename } }";

async fn send(child: &Child, secrets: &mut Secrets, purpose: &str, to: Value) -> Value {
    let sent = execute(child, SEND, json!({ "input": { "purpose": purpose, "to": to, "idempotencyKey": KEY } })).await;
    secrets.keep(&sent["data"]["it"]["verification"]["id"])
}

async fn code(child: &Child, secrets: &mut Secrets, to: &str, count: usize) -> Value {
    let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
    loop {
        let outbox = child.outbox().await;
        let messages: Vec<_> = outbox.iter().filter(|message| message["to"] == to).collect();
        if messages.len() >= count {
            secrets.keep(&messages[0]["text"]);
            return secrets.keep(&messages[0]["code"]);
        }
        assert!(tokio::time::Instant::now() < deadline, "{outbox:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn confirm(child: &Child, secrets: &mut Secrets, id: &Value, code: &Value) -> Value {
    let confirmed = execute(child, CONFIRM, json!({ "input": { "verificationId": id, "code": code } })).await;
    let proof = &confirmed["data"]["it"]["proof"];
    secrets.keep(&proof["attestation"]);
    secrets.keep(&proof["token"])
}

/// Executes every operation, with success and with failure.
async fn run_all_operations(child: &Child, secrets: &mut Secrets) {
    // A phone proof, with a subscription open.
    let id = send(child, secrets, "CONTACT", json!({ "phone": "010-2345-6781" })).await;
    let mut watch = Socket::open(&child.url, ADDRESS, None)
        .await
        .subscribe(
            "subscription($id: ID!) { verificationStatus(id: $id) { status delivery { status } } }",
            json!({ "id": id }),
        )
        .await;
    let right = code(child, secrets, "+821023456781", 1).await;
    execute(child, CONFIRM, json!({ "input": { "verificationId": id, "code": "WRONGGUESS" } })).await;
    execute(
        child,
        "mutation($id: ID!) { resendVerificationCode(input: { verificationId: $id }) { __typename } }",
        json!({ "id": id }),
    )
    .await;
    confirm(child, secrets, &id, &right).await;
    assert_eq!(watch.last().await["status"], "VERIFIED");
    confirm_and_cancel(child, secrets).await;
    let proof = reset_password(child, secrets).await;
    send_invalid_requests(child, &id, &right, &proof).await;
}

/// An e-mail verification that is confirmed, and one that is cancelled.
async fn confirm_and_cancel(child: &Child, secrets: &mut Secrets) {
    let id = send(child, secrets, "SIGN_UP", json!({ "email": "gildong.hong@example.com" })).await;
    let right = code(child, secrets, "gildong.hong@example.com", 1).await;
    confirm(child, secrets, &id, &right).await;
    let id = send(child, secrets, "SIGN_IN", json!({ "phone": "010-2345-6782" })).await;
    execute(
        child,
        "mutation($id: ID!) { cancelVerification(input: { verificationId: $id }) { __typename } }",
        json!({ "id": id }),
    )
    .await;
    execute(
        child,
        "query($id: ID!) { verification(id: $id) { status } passwordPolicy { minLength } }",
        json!({ "id": id }),
    )
    .await;
}

/// A new password: weak, accepted, and with a spent proof. Returns the proof.
async fn reset_password(child: &Child, secrets: &mut Secrets) -> Value {
    let document = "mutation($input: RequestPasswordResetInput!) { it: requestPasswordReset(input: $input) { __typename \
         ... on SendVerificationCodePayload { verification { id } } } }";
    let identity = json!({ "identity": { "name": "홍길동", "birthDate": "1990-03-14", "phone": "010-2345-6783" } });
    let sent = execute(child, document, json!({ "input": identity })).await;
    let id = secrets.keep(&sent["data"]["it"]["verification"]["id"]);
    let right = code(child, secrets, "+821023456783", 1).await;
    let proof = confirm(child, secrets, &id, &right).await;
    for (password, response) in
        [(WEAK, "PasswordRejected"), (PASSWORD, "ResetPasswordPayload"), (PASSWORD, "ProofRejected")]
    {
        let reset = execute(child, RESET, json!({ "input": { "proofToken": proof, "newPassword": password } })).await;
        assert_eq!(reset["data"]["it"]["__typename"], response, "{reset:#}");
    }
    proof
}

/// Invalid requests: secrets in documents that do not parse, in wrong places, in query strings and in headers.
async fn send_invalid_requests(child: &Child, id: &Value, right: &Value, proof: &Value) {
    let inline = format!(
        "mutation {{ resetPassword(input: {{ proofToken: {proof}, newPassword: \"{PASSWORD}\" }}) {{ nothing }} }}"
    );
    execute(child, &inline, json!({})).await;
    execute(child, &inline[..inline.len() - 9], json!({})).await;
    execute(child, SEND, json!({ "input": { "purpose": PASSWORD, "to": { "phone": right } } })).await;
    execute(child, SEND, json!({ "input": { "purpose": "CONTACT", "to": { "phone": "010-2345-6784 #" } } })).await;
    execute(child, SEND, json!({ "input": { "purpose": "CONTACT", "to": { "email": "gildong.hong@@example.com" } } }))
        .await;
    let query = [
        ("query", "query($id: ID!) { verification(id: $id) { status } }"),
        ("variables", &json!({ "id": id }).to_string()),
    ];
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    child.http.get(format!("{}/graphql?{query}", child.url)).send().await.unwrap();
    child.http.get(format!("{}/nowhere/{}", child.url, id.as_str().unwrap())).send().await.unwrap();
    child.http.post(format!("{}/graphql", child.url)).body(format!("code={right}")).send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_logged() {
    let config =
        ChildConfig::new().await.with("LOG", "trace").with("CODE_FORMAT", "alphanumeric").with("CODE_LENGTH", "10");
    let config = config.with("EMAIL_CODE_FORMAT", "alphanumeric");
    let child = config.serve().await;
    let arguments = [
        "admin",
        "create-user",
        "--username",
        "gildong",
        "--name",
        "홍길동",
        "--birth-date",
        "1990-03-14",
        "--phone",
        "010-2345-6783",
    ];
    let log = std::fs::OpenOptions::new().append(true).open(config.log_path()).unwrap();
    let mut admin = config.command(&arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
    admin.stdin.take().unwrap().write_all(b"Other-Harbour-70!\n").unwrap();
    assert!(admin.wait().unwrap().success(), "{}", config.log_text());

    let mut secrets = Secrets::default();
    run_all_operations(&child, &mut secrets).await;
    child.signal("TERM");
    assert!(child.wait_exit(TEST_TIMEOUT).await.success());

    let used =
        ["1023456781", "10-2345-6781", "1023456782", "10-2345-6782", "1023456783", "10-2345-6783", "10-2345-6784"];
    let used = used.into_iter().chain(["gildong.hong@", "홍길동", "1990-03-14", WEAK, PASSWORD, "Other-Harbour-70!"]);
    let used = used.chain([BEARER, "c0okieThatNobodyMaySee", KEY, "WRONGGUESS", "Yk3v9QpL7sX2mN8wR4tZ6bH1cF5jD0gKaE"]);
    secrets.0.extend(used.map(str::to_owned));
    let log = config.log_text();
    assert!(log.lines().count() > 20, "too little was logged for this test to prove anything:\n{log}");
    let mut found = Vec::new();
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
        let line = line.to_string();
        found.extend(
            secrets.0.iter().filter(|secret| line.contains(secret.as_str())).map(|secret| format!("{secret}: {line}")),
        );
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    // Masked and truncated values are allowed.
    assert!(log.contains("198.51.100.x") && !log.contains(ADDRESS));
}
