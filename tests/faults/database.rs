//! PostgreSQL stopped, cut off and slow (FD-02, FD-03, FD-05).

use std::time::Duration;

use serde_json::json;
use sqlx::{Connection, PgConnection};

use super::{
    load::{RequestResult, confirm, execute, phone, read_verification, send, status, timed, until, until_settled},
    on_servers,
    proxy::{Proxy, server_of, through},
    servers::Postgres,
    without_quotas,
};
use crate::{
    delivery::{
        fake_provider::FakeProvider,
        setup::{SECRET, accept_all, code as code_in, number},
    },
    process::child::Child,
    support::{Socket, different_code},
};

const TIMEOUT: Duration = Duration::from_secs(1);
/// The additional delay of a slow or busy machine: much less than the delay that a missing timeout would cause.
const SLACK: Duration = Duration::from_secs(12);
const DELAY: Duration = Duration::from_secs(20);

/// Rows of a partially committed write.
async fn partial_writes(url: &str) -> i64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let count = "SELECT (SELECT count(*) FROM verification v WHERE NOT EXISTS \
                 (SELECT 1 FROM delivery d WHERE d.id = v.delivery_id)) \
                 + (SELECT count(*) FROM delivery d WHERE d.verification_id IS NOT NULL AND NOT EXISTS \
                 (SELECT 1 FROM verification v WHERE v.id = d.verification_id)) \
                 + (SELECT count(*) FROM verification v WHERE v.status = 'VERIFIED' AND NOT EXISTS \
                 (SELECT 1 FROM proof p WHERE p.verification_id = v.id))";
    sqlx::query_scalar(count).fetch_one(&mut connection).await.unwrap()
}

async fn wait_ready_again(child: &Child) {
    until("it is ready again", Duration::from_secs(5) + SLACK, || async {
        (status(child, "/readyz").await == 200).then_some(())
    })
    .await;
}

fn code_of(outbox: &[serde_json::Value], phone: &str) -> String {
    let message = outbox.iter().find(|message| message["to"] == *phone).unwrap();
    message["code"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd_02_service_recovers_from_a_postgres_restart() {
    let what = "PostgreSQL may stop and start again";
    if !on_servers(what) {
        return;
    }
    let Some(mut postgres) = tokio::task::block_in_place(|| Postgres::start(what)) else { return };
    let config = without_quotas().await.with("DATABASE_URL", &postgres.url()).with("DATABASE_TIMEOUT", "1s");
    let child = config.serve().await;
    let id = send(&child, &phone(0)).await.id().unwrap();
    until_settled(&child, &id, SLACK * 3).await;
    let document = "subscription($id: ID!) { verificationStatus(id: $id) { status attemptsRemaining } }";
    let socket = Socket::open(&child.url, "198.51.100.9", None).await;
    let mut watch = socket.subscribe(document, json!({ "id": id })).await;
    assert_eq!(watch.next().await.unwrap()["status"], "PENDING");

    tokio::task::block_in_place(|| postgres.down());
    for at in 0..10 {
        let (response, took) = timed(send(&child, &phone(10 + at))).await;
        assert!(response.is_unavailable(), "{response:?}");
        assert!(took < TIMEOUT + SLACK, "answered after {took:?}");
    }
    until("it reports that it is not ready", SLACK * 2, || async {
        (status(&child, "/readyz").await == 503).then_some(())
    })
    .await;
    assert_eq!(status(&child, "/healthz").await, 200);

    tokio::task::block_in_place(|| postgres.up());
    wait_ready_again(&child).await;
    let after = until("a send is accepted again", Duration::from_secs(5) + SLACK, || async {
        send(&child, &phone(30)).await.id()
    })
    .await;
    assert_eq!(until_settled(&child, &after, SLACK * 3).await, "SENT");
    assert_eq!(partial_writes(&postgres.url()).await, 0);
    // The stream stayed open and continues.
    let code = code_of(&child.outbox().await, &phone(0));
    confirm(&child, &id, &different_code(&code)).await;
    watch.until(|state| state["attemptsRemaining"] == 4).await;
    assert!(confirm(&child, &id, &code).await.is("ConfirmVerificationCodePayload"));
    assert_eq!(watch.last().await["status"], "VERIFIED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd_02_connections_cut_within_a_statement_are_handled() {
    if !on_servers("connections to PostgreSQL may be cut in the middle of a statement") {
        return;
    }
    let config = without_quotas().await.with("DATABASE_TIMEOUT", "1s");
    let server = server_of(&config);
    let proxy = Proxy::start(&server).await;
    let (config, direct) = through(config, proxy.port);
    let child = config.serve().await;
    // A small delay, so that a cut falls within statements and not between them.
    proxy.delay(Duration::from_millis(3));
    let sending = futures_util::future::join_all((0..8).map(|sender| {
        let child = &child;
        async move {
            let mut responses = Vec::new();
            for at in 0..25 {
                responses.push(timed(send(child, &phone(1000 * (sender + 1) + at))).await);
            }
            responses
        }
    }));
    let mut cut = 0;
    let responses = {
        let mut sending = std::pin::pin!(sending);
        loop {
            tokio::select! {
                responses = sending.as_mut() => break responses.concat(),
                () = tokio::time::sleep(Duration::from_millis(60)) => cut += proxy.cut(),
            }
        }
    };
    assert!(cut > 10, "only {cut} connections were cut");
    let mut acknowledged = Vec::new();
    let mut failed = 0;
    for (response, took) in responses {
        assert!(took < TIMEOUT + SLACK, "answered after {took:?}");
        match response.id() {
            Some(id) => acknowledged.push(id),
            None if response.is_unavailable() => failed += 1,
            // The statement was committed and its response lost; then the quota rejects the retry.
            None => panic!("{response:?}"),
        }
    }
    assert!(failed > 0, "no cut fell within a statement");
    proxy.delay(Duration::ZERO);
    wait_ready_again(&child).await;
    for id in &acknowledged {
        let shown = until_settled(&child, id, Duration::from_secs(60)).await;
        assert!(shown == "SENT" || shown == "UNKNOWN", "{shown}");
    }
    assert_eq!(partial_writes(&direct).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd_03_slow_database_times_out() {
    if !on_servers("a slow PostgreSQL is waited for only until the timeout") {
        return;
    }
    let config = without_quotas().await.with("DATABASE_TIMEOUT", "1s");
    let server = server_of(&config);
    let proxy = Proxy::start(&server).await;
    let (config, direct) = through(config, proxy.port);
    let child = config.serve().await;
    assert!(send(&child, &phone(0)).await.id().is_some());
    proxy.delay(DELAY);
    let responses = futures_util::future::join_all((1..40).map(|at| {
        let child = &child;
        async move { timed(send(child, &phone(at))).await }
    }));
    for (response, took) in responses.await {
        assert!(response.is_unavailable(), "{response:?}");
        assert!(took < TIMEOUT + SLACK, "answered after {took:?}");
    }
    let (ready, took) = timed(status(&child, "/readyz")).await;
    assert!(ready == 503 && took < Duration::from_secs(2) + SLACK, "{ready} after {took:?}");
    assert_eq!(status(&child, "/healthz").await, 200);
    proxy.delay(Duration::ZERO);
    wait_ready_again(&child).await;
    let response = until("a send is accepted again", Duration::from_secs(5) + SLACK, || async {
        let response = send(&child, &phone(100)).await;
        (!response.is_unavailable()).then_some(response)
    })
    .await;
    assert!(response != RequestResult::NoResponse);
    assert_eq!(partial_writes(&direct).await, 0);
}

/// The right code, the right password, a valid token: none is accepted while it cannot be checked, and none is used up
/// (FD-05).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd_05_nothing_is_accepted_that_cannot_be_checked() {
    if !on_servers("nothing is accepted that cannot be checked") {
        return;
    }
    let gateway = FakeProvider::start(accept_all).await;
    let config = without_quotas()
        .await
        .with("DATABASE_TIMEOUT", "1s")
        .with("SMS_PROVIDER", "webhook")
        .with("DELIVERY_WEBHOOK_URL", &gateway.url())
        .with("DELIVERY_WEBHOOK_SECRET", SECRET);
    let proxy = Proxy::start(&server_of(&config)).await;
    let (config, _) = through(config, proxy.port);
    let child = config.serve().await;
    config.create_user("hong", &phone(7));
    let signed_in = child.sign_in("hong", PASSWORD).await;
    let [access, refresh] = ["accessToken", "refreshToken"].map(|name| signed_in["tokens"][name].as_str().unwrap());
    let id = send(&child, &phone(0)).await.id().unwrap();
    // The code and the notice of a new device.
    let messages = until("both messages are sent", SLACK * 3, || async {
        let seen = gateway.requests();
        (seen.len() == 2).then_some(seen)
    })
    .await;
    let code = code_in(messages.iter().find(|seen| number(seen) == phone(0)).unwrap());

    proxy.refuse(true);
    proxy.cut();
    for response in [
        send(&child, &phone(1)).await,
        confirm(&child, &id, &code).await,
        read_verification(&child, &id).await,
        execute(&child, SIGN_IN, json!({ "password": PASSWORD })).await,
        execute(&child, SIGN_IN, json!({ "password": "Wrong-Harbour-71!" })).await,
        execute(&child, REFRESH, json!({ "token": refresh })).await,
        execute(&child, AVAILABILITY, json!({})).await,
    ] {
        assert!(response.is_unavailable(), "{response:?}");
    }
    assert_eq!(child.me(access).await, None);
    proxy.refuse(false);
    wait_ready_again(&child).await;
    assert_eq!(gateway.requests().len(), 2, "something was sent without being counted");

    assert_eq!(child.me(access).await.as_deref(), Some("hong"));
    assert!(execute(&child, REFRESH, json!({ "token": refresh })).await.is("RefreshSessionPayload"));
    let RequestResult::Data(it) = read_verification(&child, &id).await else { panic!("{id} is lost") };
    assert_eq!((it["status"].as_str(), it["attemptsRemaining"].as_i64()), (Some("PENDING"), Some(5)));
    assert!(confirm(&child, &id, &code).await.is("ConfirmVerificationCodePayload"));
}

const PASSWORD: &str = "Quiet-Harbour-71!";
const SIGN_IN: &str =
    "mutation($password: String!) { it: signIn(input: { identifier: \"hong\", password: $password }) { __typename } }";
const REFRESH: &str = "mutation($token: String) { it: refreshSession(input: { refreshToken: $token }) { __typename } }";
const AVAILABILITY: &str = "{ it: availability(input: { username: \"somebody\" }) { __typename } }";
