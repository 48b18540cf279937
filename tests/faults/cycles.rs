//! Twenty processes, each killed with SIGKILL while clients sign up, refresh, sign out and guess codes (FD-01):
//! whatever was acknowledged holds in the next process.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{
    load::{RequestResult, confirm, execute, phone, read_verification, send, timed, until},
    without_quotas,
};
use crate::{
    delivery::{
        fake_provider::FakeProvider,
        setup::{SECRET, accept_all, code, number},
    },
    process::child::{Child, ChildConfig},
    support::TEST_TIMEOUT,
};

const PROCESSES: usize = 20;
/// The number of clients per process, each of which performs four operations.
const CLIENTS: usize = 6;
const PASSWORD: &str = "Quiet-Harbour-71!";

const SIGN_UP: &str = "mutation($input: SignUpInput!) { it: signUp(input: $input) { __typename \
    ... on SignUpPayload { tokens { accessToken refreshToken } } ... on ProofRejected { reason } } }";
const REFRESH: &str = "mutation($token: String) { it: refreshSession(input: { refreshToken: $token }) { __typename \
    ... on RefreshSessionPayload { tokens { accessToken refreshToken } } ... on RefreshRejected { reason } } }";
const SIGN_OUT: &str = "mutation { it: signOut { __typename } }";
const GUESS: &str = "mutation($id: ID!) { it: confirmVerificationCode(input: { verificationId: $id, code: \"nonsense\" }) \
    { __typename ... on CodeMismatch { attemptsRemaining } } }";
const SEND_FOR_SIGN_UP: &str = "mutation($phone: String!) { it: sendVerificationCode(input: \
    { purpose: SIGN_UP, to: { phone: $phone } }) { ... on SendVerificationCodePayload { verification { id } } } }";

/// A client that is about to sign up.
struct NewClient {
    username: String,
    proof: Value,
    /// A verification that wrong codes are sent to.
    guessed: String,
}

/// The last acknowledged state of a client.
#[derive(Default)]
struct Acknowledged {
    tokens: Option<Value>,
    renewed: Option<Value>,
    guessed: bool,
    signed_out: bool,
    /// The last request got no response.
    broken: bool,
}

impl NewClient {
    async fn prepare(child: &Child, gateway: &FakeProvider, at: usize) -> Self {
        let own = phone(2 * at);
        let sent = execute(child, SEND_FOR_SIGN_UP, json!({ "phone": own })).await.id().unwrap();
        let code = until("a code", TEST_TIMEOUT, || async {
            gateway.requests().iter().find(|seen| number(seen) == own).map(code)
        })
        .await;
        let RequestResult::Data(confirmed) = confirm(child, &sent, &code).await else { panic!("not confirmed") };
        let guessed = send(child, &phone(2 * at + 1)).await.id().unwrap();
        Self { username: format!("person{at}"), proof: confirmed["proof"]["token"].clone(), guessed }
    }

    async fn sign_up(&self, child: &Child) -> RequestResult {
        let input = json!({ "username": self.username, "password": PASSWORD, "proofToken": self.proof });
        execute(child, SIGN_UP, json!({ "input": input })).await
    }

    async fn sign_in(&self, child: &Child) -> Value {
        child.sign_in(&self.username, PASSWORD).await["__typename"].take()
    }

    async fn run(&self, child: &Child, answered: &AtomicUsize) -> Acknowledged {
        let mut acknowledged_state = Acknowledged { broken: true, ..Acknowledged::default() };
        let Some(it) = acknowledged(self.sign_up(child).await, "SignUpPayload", answered) else {
            return acknowledged_state;
        };
        acknowledged_state.tokens = Some(it["tokens"].clone());
        let token = json!({ "token": it["tokens"]["refreshToken"] });
        let Some(it) = acknowledged(execute(child, REFRESH, token).await, "RefreshSessionPayload", answered) else {
            return acknowledged_state;
        };
        acknowledged_state.renewed = Some(it["tokens"].clone());
        let guess = execute(child, GUESS, json!({ "id": self.guessed })).await;
        if acknowledged(guess, "CodeMismatch", answered).is_none() {
            return acknowledged_state;
        }
        acknowledged_state.guessed = true;
        let access = it["tokens"]["accessToken"].as_str().unwrap();
        let request = child.http.post(format!("{}/graphql", child.url)).bearer_auth(access);
        let Ok(response) = request.json(&json!({ "query": SIGN_OUT })).send().await else { return acknowledged_state };
        let Ok(response) = response.json::<Value>().await else { return acknowledged_state };
        assert_eq!(response["data"]["it"]["__typename"], "SignOutPayload", "{response}");
        answered.fetch_add(1, Ordering::SeqCst);
        Acknowledged { signed_out: true, broken: false, ..acknowledged_state }
    }

    /// Checks the state that the last process acknowledged.
    async fn check_state(&self, child: &Child, acknowledged_state: &Acknowledged) {
        let known = self.sign_in(child).await == "SignInPayload";
        assert!(known || acknowledged_state.tokens.is_none(), "the account of {} is lost", self.username);
        let again = self.sign_up(child).await;
        let RequestResult::Data(it) = &again else { panic!("{again:?}") };
        match known {
            true => assert_eq!(it["reason"], "SPENT", "a proof was accepted for two accounts: {again:?}"),
            // The proof was not acknowledged as spent, and it is not spent.
            false => assert!(again.is("SignUpPayload"), "the proof of {} is lost: {again:?}", self.username),
        }
        if let Some(tokens) = &acknowledged_state.renewed {
            let renewed = execute(child, REFRESH, json!({ "token": tokens["refreshToken"] })).await;
            let RequestResult::Data(it) = &renewed else { panic!("{renewed:?}") };
            let asked_to_sign_out = acknowledged_state.guessed;
            if acknowledged_state.signed_out {
                assert_eq!(it["reason"], "REVOKED", "a signed-out client is signed in again: {renewed:?}");
            } else {
                assert!(asked_to_sign_out || renewed.is("RefreshSessionPayload"), "a rotation is lost: {renewed:?}");
            }
        }
        let guess = execute(child, GUESS, json!({ "id": self.guessed })).await;
        let RequestResult::Data(it) = &guess else { panic!("{guess:?}") };
        let left = it["attemptsRemaining"].as_u64().unwrap_or_else(|| panic!("{guess:?}"));
        let before = u64::from(acknowledged_state.guessed);
        let perhaps =
            u64::from(acknowledged_state.renewed.is_some() && acknowledged_state.broken && !acknowledged_state.guessed);
        assert!((4 - before - perhaps..=4 - before).contains(&left), "{left} attempts are left after {before} guesses");
    }
}

/// Counts a response; `None` if the connection broke.
fn acknowledged(response: RequestResult, name: &str, answered: &AtomicUsize) -> Option<Value> {
    if response == RequestResult::NoResponse {
        return None;
    }
    assert!(response.is(name), "{response:?}");
    answered.fetch_add(1, Ordering::SeqCst);
    match response {
        RequestResult::Data(it) => Some(it),
        RequestResult::Error(_) | RequestResult::NoResponse => None,
    }
}

async fn config(gateway: &FakeProvider) -> ChildConfig {
    [
        "CLIENT_SIGN_INS_PER_MINUTE",
        "CLIENT_SIGN_UPS_PER_MINUTE",
        "CLIENT_PROOFS_PER_MINUTE",
        "CLIENT_REFRESHES_PER_MINUTE",
    ]
    .into_iter()
    .fold(without_quotas().await, |config, quota| config.with(quota, "unlimited"))
    .with("SMS_PROVIDER", "webhook")
    .with("DELIVERY_WEBHOOK_URL", &gateway.url())
    .with("DELIVERY_WEBHOOK_SECRET", SECRET)
    .with("DATABASE_TIMEOUT", "20s")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd_01_twenty_kills_lose_nothing() {
    let gateway = FakeProvider::start(accept_all).await;
    let config = config(&gateway).await;
    let mut clients = Vec::new();
    let (first, usually) = timed(config.serve()).await;
    let mut child = Arc::new(first);
    for life in 0..PROCESSES {
        let people = join_all((0..CLIENTS).map(|at| NewClient::prepare(&child, &gateway, life * CLIENTS + at))).await;
        let people: Vec<_> = people.into_iter().map(Arc::new).collect();
        let answered = Arc::new(AtomicUsize::new(0));
        let lives: Vec<_> = people
            .iter()
            .map(|client| {
                let (client, child, answered) = (Arc::clone(client), Arc::clone(&child), Arc::clone(&answered));
                tokio::spawn(async move { client.run(&child, &answered).await })
            })
            .collect();
        // Each process is killed a little later, from the first response to the last but one.
        let enough = 1 + life * (4 * CLIENTS - 2) / (PROCESSES - 1);
        until("answered enough", TEST_TIMEOUT, || async { (answered.load(Ordering::SeqCst) >= enough).then_some(()) })
            .await;
        child.signal("KILL");
        let acknowledged_state: Vec<_> =
            join_all(lives).await.into_iter().map(|acknowledged_state| acknowledged_state.unwrap()).collect();
        let (next, took) = timed(config.serve()).await;
        let bound = (usually * 5).max(Duration::from_secs(5));
        assert!(took < bound, "ready after {took:?} in process {life}, in the first after {usually:?}");
        child = Arc::new(next);
        join_all(
            people
                .iter()
                .zip(&acknowledged_state)
                .map(|(client, acknowledged_state)| client.check_state(&child, acknowledged_state)),
        )
        .await;
        clients.extend(people);
    }
    for client in &clients {
        assert_eq!(client.sign_in(&child).await, "SignInPayload", "{}", client.username);
        let RequestResult::Data(it) = read_verification(&child, &client.guessed).await else {
            panic!("{} is lost", client.guessed)
        };
        assert_eq!(it["status"], "PENDING");
    }
    assert!(!config.log_text().contains("panick"), "{}", config.log_text());
}
