//! Rows over the wire: each with a session of its own, in body mode and in cookie mode, with requests alternating
//! between two processes on one database. All rows share the clock, so each runs up to its next pause before the clock
//! advances.

use std::{collections::BTreeMap, time::Duration};

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::{Connection, PgConnection, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{
    model::{Attacker, Expected, Model, Network, Op, Token},
    stored_rows::PAUSE,
};
use crate::support::{ApiResponse, CookieJar, Setup, TEST_TIMEOUT, TestApp};

/// The number of concurrent rows.
const AT_ONCE: usize = 24;
const COOKIE: &str = "__Host-countersign-refresh";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Body,
    Cookie,
}

/// A running row.
struct Row<'a> {
    number: usize,
    mode: Mode,
    ops: &'a [Op],
    done: usize,
    model: Model,
    /// The text of each refresh token, and its access token.
    tokens: Vec<(String, String)>,
    owner: CookieJar,
    attacker: CookieJar,
    held: Vec<ApiResponse>,
    /// The highest generation whose access token was used.
    stored_generations: i64,
}

pub async fn run(rows: &[(Attacker, Vec<Op>)]) {
    let setup = Setup::new().await.with("REFRESH_COOKIE", "on").with("CLIENT_REFRESHES_PER_MINUTE", "unlimited");
    let app = setup.start().await;
    let client = app.anonymous();
    let proof = app.proof(&client, "SIGN_UP", "+821012345678").await;
    client.sign_up(json!({ "proofToken": proof, "username": "hong", "password": crate::support::PASSWORD })).await;
    let other = app.another_process().await;
    let modes = [Mode::Body, Mode::Cookie];
    let both = modes.into_iter().flat_map(|mode| rows.iter().map(move |row| (mode, row)));
    let mut rows: Vec<_> =
        both.enumerate().map(|(number, (mode, (attacker, ops)))| Row::new(number, mode, *attacker, ops)).collect();
    make_sessions(&app, &rows).await;
    while rows.iter().any(|row| row.done < row.ops.len()) {
        while rows.iter().any(Row::can_continue) {
            let apps = [&app, &other];
            stream::iter(rows.iter_mut()).for_each_concurrent(AT_ONCE, |row| row.run_to_pause(apps)).await;
            wait_until_stored(&app, &rows).await;
        }
        app.advance(PAUSE);
        rows.iter_mut().for_each(Row::pause);
    }
    stream::iter(&rows).for_each_concurrent(AT_ONCE, |row| row.assert_ended(&app)).await;
    other.stop().await;
    app.stop().await;
}

/// Inserts a session of the same account for each row, with a first refresh token that the row knows.
async fn make_sessions(app: &TestApp, rows: &[Row<'_>]) {
    let statements = rows.iter().flat_map(|row| {
        let (session, hash) = (row.session(), hex::encode(Sha256::digest(&row.tokens[0].0)));
        [
            format!(
                "INSERT INTO session (id, account_id, created_at, last_used_at, expires_at) \
                 SELECT '{session}', account_id, created_at, last_used_at, expires_at FROM session \
                 WHERE id NOT LIKE 'ses_000000%' LIMIT 1"
            ),
            format!(
                "INSERT INTO refresh_token (token_hash, session_id, created_at) \
                 SELECT '{hash}', id, created_at FROM session WHERE id = '{session}'"
            ),
        ]
    });
    let script = statements.collect::<Vec<_>>().join(";\n");
    let script = sqlx::AssertSqlSafe(format!("BEGIN;\n{script};\nCOMMIT"));
    match app.vars().get("DATABASE_URL") {
        Some(url) => {
            let mut connection = PgConnection::connect(url).await.unwrap();
            sqlx::raw_sql(script).execute(&mut connection).await.unwrap();
        }
        None => {
            let mut connection = SqliteConnection::connect_with(&sqlite(app)).await.unwrap();
            sqlx::raw_sql(script).execute(&mut connection).await.unwrap();
        }
    }
}

fn sqlite(app: &TestApp) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(format!("{}/countersign.db", app.vars()["DATA_DIR"]))
        .busy_timeout(Duration::from_secs(20))
}

impl<'a> Row<'a> {
    fn new(number: usize, mode: Mode, attacker: Attacker, ops: &'a [Op]) -> Self {
        let first = format!("T{number:042}");
        let mut owner = CookieJar::default();
        owner.0.insert(COOKIE.to_owned(), first.clone());
        Self {
            number,
            mode,
            ops,
            done: 0,
            model: Model::new(attacker),
            tokens: vec![(first, String::new())],
            owner,
            attacker: CookieJar::default(),
            held: Vec::new(),
            stored_generations: 0,
        }
    }

    fn session(&self) -> String {
        format!("ses_{:026}", self.number)
    }

    /// Whether the row has operations before the next pause.
    fn can_continue(&self) -> bool {
        self.ops.get(self.done).is_some_and(|op| *op != Op::Grace)
    }

    /// Ends the next pause.
    fn pause(&mut self) {
        if self.done < self.ops.len() {
            self.done += 1;
            self.model.apply(Op::Grace);
        }
    }

    /// Runs up to the next pause, or until an access token was used, which every process then has to know.
    async fn run_to_pause(&mut self, apps: [&TestApp; 2]) {
        while self.can_continue() {
            let op = self.ops[self.done];
            // Alternating; body mode and cookie mode start at different processes.
            let app = apps[(self.done + usize::from(self.mode == Mode::Cookie)) % 2];
            self.done += 1;
            match self.model.request(op) {
                Some(_) => self.refresh(app, op).await,
                None => self.apply(app, op).await,
            }
            if matches!(op, Op::Use | Op::AttackerUse) {
                return;
            }
        }
    }

    async fn refresh(&mut self, app: &TestApp, op: Op) {
        let request = self.model.request(op).unwrap();
        let expected = self.model.expected(&request);
        let address = match request.network {
            Network::Home => format!("10.1.{}.{}", self.number / 250, self.number % 250),
            Network::Mobile => format!("10.2.{}.{}", self.number / 250, self.number % 250),
            Network::Attackers => format!("10.3.{}.{}", self.number / 250, self.number % 250),
        };
        let jar = if op == Op::AttackerRefresh { &self.attacker } else { &self.owner };
        let answered = self.execute(app, &address, jar, request.token).await;
        self.check(&answered, expected);
        self.model.respond(op, &request, expected);
        match op {
            Op::Refresh => self.owner.keep(&answered.set),
            Op::AttackerRefresh => self.attacker.keep(&answered.set),
            Op::Held if matches!(expected, Expected::New | Expected::Same(_)) => self.held.push(answered),
            _ => {}
        }
    }

    async fn apply(&mut self, app: &TestApp, op: Op) {
        match op {
            Op::Deliver => self.owner.keep(&self.held.remove(0).set),
            Op::DeliverNewest => self.owner.keep(&self.held.pop().unwrap().set),
            Op::Copy => self.attacker = self.owner.clone(),
            Op::Use => self.use_access_token(app, self.model.owner.access).await,
            Op::AttackerUse => self.use_access_token(app, self.model.attacker.unwrap().access).await,
            _ => {}
        }
        self.model.apply(op);
    }

    async fn execute(&self, app: &TestApp, address: &str, jar: &CookieJar, token: Token) -> ApiResponse {
        let input = match self.mode {
            Mode::Body => json!({ "refreshToken": self.tokens[token].0 }),
            Mode::Cookie => json!({}),
        };
        let document = "mutation($i: RefreshSessionInput!) { it: refreshSession(input: $i) { __typename \
             ... on RefreshSessionPayload { tokens { accessToken refreshToken } } ... on RefreshRejected { reason } } }";
        let body = json!({ "query": document, "variables": { "i": input } });
        let cookies = jar.header();
        let headers = [("cookie", cookies.as_str()), ("x-requested-with", "fetch")];
        let headers = if self.mode == Mode::Cookie { &headers[..] } else { &[] };
        app.post(address, headers, &body).await
    }

    fn check(&mut self, answered: &ApiResponse, expected: Expected) {
        let (it, errors) = (&answered.body["data"]["it"], &answered.body["errors"]);
        let row =
            format!("{:?} {:?} {:?}: {answered:?}", self.mode, self.model.attacker_network, &self.ops[..self.done]);
        match expected {
            Expected::Wait => assert_eq!(errors[0]["extensions"]["code"], "UNAVAILABLE", "{row}"),
            Expected::Ended => assert_eq!(it["reason"], "REUSED", "{row}"),
            Expected::New | Expected::Same(_) => {
                let text = match self.mode {
                    Mode::Body => it["tokens"]["refreshToken"].as_str().unwrap_or_else(|| panic!("{row}")).to_owned(),
                    Mode::Cookie => cookie(answered).unwrap_or_else(|| panic!("{row}")),
                };
                let known = self.tokens.iter().position(|(token, _)| *token == text);
                match expected {
                    Expected::Same(token) => assert_eq!(known, Some(token), "{row}"),
                    _ => {
                        assert_eq!(known, None, "{row}");
                        self.tokens.push((text, it["tokens"]["accessToken"].as_str().unwrap().to_owned()));
                    }
                }
            }
        }
    }

    async fn use_access_token(&mut self, app: &TestApp, token: Token) {
        let who = app.anonymous().with_token(&self.tokens[token].1).data("{ me { username } }", json!({})).await;
        assert_eq!(who["me"]["username"], "hong", "{:?} {:?}", self.mode, self.ops);
        self.stored_generations = self.stored_generations.max(i64::try_from(token).unwrap());
    }

    /// Asserts that the ended session is rejected for every client.
    async fn assert_ended(&self, app: &TestApp) {
        if self.model.ended {
            let answered = self.execute(app, "10.4.0.1", &self.owner, self.model.owner.token).await;
            assert_eq!(answered.body["data"]["it"]["reason"], Value::from("REVOKED"), "{:?} {:?}", self.mode, self.ops);
        }
    }
}

/// The refresh token that a response sets as a cookie.
fn cookie(answered: &ApiResponse) -> Option<String> {
    answered.set.iter().find_map(|cookie| {
        let (name, value) = cookie.split(';').next()?.split_once('=')?;
        (name.starts_with(COOKIE) && !value.is_empty()).then(|| value.to_owned())
    })
}

/// Waits until every used generation is in the database, where the other process finds it.
async fn wait_until_stored(app: &TestApp, rows: &[Row<'_>]) {
    let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
    loop {
        let written = stored_generations(app).await;
        if rows.iter().all(|row| {
            row.stored_generations == 0
                || written
                    .get(&row.session())
                    .is_some_and(|stored_generations| *stored_generations >= row.stored_generations)
        }) {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "the use was not written");
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}

/// The stored generations by session.
async fn stored_generations(app: &TestApp) -> BTreeMap<String, i64> {
    let query = "SELECT id, CAST(seen_generation AS BIGINT) FROM session WHERE seen_generation > 0";
    let rows: Vec<(String, i64)> = match app.vars().get("DATABASE_URL") {
        Some(url) => {
            let mut connection = PgConnection::connect(url).await.unwrap();
            sqlx::query_as(query).fetch_all(&mut connection).await.unwrap()
        }
        None => {
            let mut connection = SqliteConnection::connect_with(&sqlite(app)).await.unwrap();
            sqlx::query_as(query).fetch_all(&mut connection).await.unwrap()
        }
    };
    rows.into_iter().collect()
}
