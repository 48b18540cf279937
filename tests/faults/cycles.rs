//! Twenty lives, each ended by kill -9 while people sign up, renew their sessions, sign out and guess (FD-01): whatever
//! was acknowledged holds in the next one.

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
    load::{Answer, confirm, execute, look, phone, send, timed, until},
    unlimited,
};
use crate::{
    delivery::{
        carrier::Carrier,
        setup::{SECRET, code, number, takes},
    },
    process::child::Child,
    support::TEST_TIMEOUT,
};

const LIVES: usize = 20;
/// People of one life, each of whom does four things.
const PEOPLE: usize = 6;
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

/// Somebody who is about to sign up.
struct Newcomer {
    username: String,
    proof: Value,
    /// A verification that is guessed at.
    guessed: String,
}

/// How far somebody came, as far as they were told.
#[derive(Default)]
struct Told {
    tokens: Option<Value>,
    renewed: Option<Value>,
    guessed: bool,
    signed_out: bool,
    /// What was asked last was not answered.
    broken: bool,
}

impl Newcomer {
    async fn prepare(child: &Child, gateway: &Carrier, at: usize) -> Self {
        let mine = phone(2 * at);
        let sent = execute(child, SEND_FOR_SIGN_UP, json!({ "phone": mine })).await.id().unwrap();
        let code = until("a code", TEST_TIMEOUT, || async {
            gateway.seen().iter().find(|seen| number(seen) == mine).map(code)
        })
        .await;
        let Answer::Is(confirmed) = confirm(child, &sent, &code).await else { panic!("not confirmed") };
        let guessed = send(child, &phone(2 * at + 1)).await.id().unwrap();
        Self { username: format!("person{at}"), proof: confirmed["proof"]["token"].clone(), guessed }
    }

    async fn sign_up(&self, child: &Child) -> Answer {
        let input = json!({ "username": self.username, "password": PASSWORD, "proofToken": self.proof });
        execute(child, SIGN_UP, json!({ "input": input })).await
    }

    async fn sign_in(&self, child: &Child) -> Value {
        child.sign_in(&self.username, PASSWORD).await["__typename"].take()
    }

    async fn live(&self, child: &Child, answered: &AtomicUsize) -> Told {
        let mut told = Told { broken: true, ..Told::default() };
        let Some(it) = acknowledged(self.sign_up(child).await, "SignUpPayload", answered) else { return told };
        told.tokens = Some(it["tokens"].clone());
        let token = json!({ "token": it["tokens"]["refreshToken"] });
        let Some(it) = acknowledged(execute(child, REFRESH, token).await, "RefreshSessionPayload", answered) else {
            return told;
        };
        told.renewed = Some(it["tokens"].clone());
        let guess = execute(child, GUESS, json!({ "id": self.guessed })).await;
        if acknowledged(guess, "CodeMismatch", answered).is_none() {
            return told;
        }
        told.guessed = true;
        let access = it["tokens"]["accessToken"].as_str().unwrap();
        let request = child.http.post(format!("{}/graphql", child.url)).bearer_auth(access);
        let Ok(answer) = request.json(&json!({ "query": SIGN_OUT })).send().await else { return told };
        let Ok(answer) = answer.json::<Value>().await else { return told };
        assert_eq!(answer["data"]["it"]["__typename"], "SignOutPayload", "{answer}");
        answered.fetch_add(1, Ordering::SeqCst);
        Told { signed_out: true, broken: false, ..told }
    }

    /// What was told in the last life, asked again in this one.
    async fn remembered(&self, child: &Child, told: &Told) {
        let known = self.sign_in(child).await == "SignInPayload";
        assert!(known || told.tokens.is_none(), "the account of {} is lost", self.username);
        let again = self.sign_up(child).await;
        let Answer::Is(it) = &again else { panic!("{again:?}") };
        match known {
            true => assert_eq!(it["reason"], "SPENT", "a proof was good for two accounts: {again:?}"),
            // Nobody was told that it was spent, and it was not.
            false => assert!(again.is("SignUpPayload"), "the proof of {} is lost: {again:?}", self.username),
        }
        if let Some(tokens) = &told.renewed {
            let renewed = execute(child, REFRESH, json!({ "token": tokens["refreshToken"] })).await;
            let Answer::Is(it) = &renewed else { panic!("{renewed:?}") };
            let asked_to_sign_out = told.guessed;
            if told.signed_out {
                assert_eq!(it["reason"], "REVOKED", "who signed out is in again: {renewed:?}");
            } else {
                assert!(asked_to_sign_out || renewed.is("RefreshSessionPayload"), "a rotation is lost: {renewed:?}");
            }
        }
        let guess = execute(child, GUESS, json!({ "id": self.guessed })).await;
        let Answer::Is(it) = &guess else { panic!("{guess:?}") };
        let left = it["attemptsRemaining"].as_u64().unwrap_or_else(|| panic!("{guess:?}"));
        let before = u64::from(told.guessed);
        let perhaps = u64::from(told.renewed.is_some() && told.broken && !told.guessed);
        assert!((4 - before - perhaps..=4 - before).contains(&left), "{left} attempts are left after {before} guesses");
    }
}

/// What was answered, counted; none: the connection broke.
fn acknowledged(answer: Answer, name: &str, answered: &AtomicUsize) -> Option<Value> {
    if answer == Answer::None {
        return None;
    }
    assert!(answer.is(name), "{answer:?}");
    answered.fetch_add(1, Ordering::SeqCst);
    match answer {
        Answer::Is(it) => Some(it),
        Answer::Error(_) | Answer::None => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd_01_twenty_lives_lose_nothing() {
    let gateway = Carrier::start(takes).await;
    let plan = [
        "CLIENT_SIGN_INS_PER_MINUTE",
        "CLIENT_SIGN_UPS_PER_MINUTE",
        "CLIENT_PROOFS_PER_MINUTE",
        "CLIENT_REFRESHES_PER_MINUTE",
    ]
    .into_iter()
    .fold(unlimited().await, |plan, quota| plan.with(quota, "unlimited"))
    .with("SMS_PROVIDER", "webhook")
    .with("DELIVERY_WEBHOOK_URL", &gateway.url())
    .with("DELIVERY_WEBHOOK_SECRET", SECRET)
    .with("DATABASE_TIMEOUT", "20s");
    let mut everybody = Vec::new();
    let (first, usually) = timed(plan.serve()).await;
    let mut child = Arc::new(first);
    for life in 0..LIVES {
        let people = join_all((0..PEOPLE).map(|at| Newcomer::prepare(&child, &gateway, life * PEOPLE + at))).await;
        let people: Vec<_> = people.into_iter().map(Arc::new).collect();
        let answered = Arc::new(AtomicUsize::new(0));
        let lives: Vec<_> = people
            .iter()
            .map(|person| {
                let (person, child, answered) = (Arc::clone(person), Arc::clone(&child), Arc::clone(&answered));
                tokio::spawn(async move { person.live(&child, &answered).await })
            })
            .collect();
        // Each life ends a little further on, from the first answer to the last but one.
        let enough = 1 + life * (4 * PEOPLE - 2) / (LIVES - 1);
        until("answered enough", TEST_TIMEOUT, || async { (answered.load(Ordering::SeqCst) >= enough).then_some(()) })
            .await;
        child.signal("KILL");
        let told: Vec<_> = join_all(lives).await.into_iter().map(|told| told.unwrap()).collect();
        let (next, took) = timed(plan.serve()).await;
        let bound = (usually * 5).max(Duration::from_secs(5));
        assert!(took < bound, "ready after {took:?} in life {life}, at first after {usually:?}");
        child = Arc::new(next);
        join_all(people.iter().zip(&told).map(|(person, told)| person.remembered(&child, told))).await;
        everybody.extend(people);
    }
    for person in &everybody {
        assert_eq!(person.sign_in(&child).await, "SignInPayload", "{}", person.username);
        let Answer::Is(it) = look(&child, &person.guessed).await else { panic!("{} is lost", person.guessed) };
        assert_eq!(it["status"], "PENDING");
    }
    assert!(!plan.logged().contains("panick"), "{}", plan.logged());
}
