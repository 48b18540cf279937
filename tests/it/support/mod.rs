//! The program as `main` boots it, on port 0, with a database of its own; and the people who use it.

mod account;
pub mod apart;
mod browser;
mod database;
mod person;
mod rows;
mod seed;
pub mod seen;
mod socket;
mod table;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use countersign::{
    app::{App, Settings, World},
    clock::{Clock, Entropy, Instant, ManualClock},
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;

pub use self::{
    account::{PASSWORD, SignedIn},
    browser::{Answered, Jar},
    database::Database,
    person::{Person, code_other_than},
    rows::column,
    seed::Account,
    socket::{Socket, Watch},
};

/// How long anything that happens by itself may take before a test gives up on it: a guard against hanging, so generous
/// that a slow machine, or one that is busy with something else, stays well within it.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A noon in Seoul.
const START: &str = "2026-03-02T03:00:00Z";

/// A running program.
pub struct TestApp {
    app: Option<App>,
    clock: ManualClock,
    url: String,
    http: reqwest::Client,
    vars: BTreeMap<String, String>,
    database: Database,
    /// Goes with the last process that uses it.
    data: Arc<TempDir>,
}

/// What a program is started with.
pub struct Setup {
    vars: BTreeMap<String, String>,
    data: TempDir,
    database: Database,
    now: Instant,
}

impl Setup {
    /// The defaults, but for what would make tests wait for one another.
    pub async fn new() -> Self {
        let data = TempDir::new().unwrap();
        let database = Database::make().await;
        let mut vars = BTreeMap::from(
            [
                ("DATA_DIR", data.path().to_str().unwrap()),
                ("SERVER_KEY", "K9mhN0c2X4t7yZNZCDPK5p2MnF04RlkQIbx1VKnzdGU="),
                ("JWT_SECRET", "Yk3v9QpL7sX2mN8wR4tZ6bH1cF5jD0gKaE"),
                ("ATTESTATION_KEY", "u4XD8tRTDwKguu2wscSMup2fKOv5DddN8QShMNHP7hU="),
                ("TRUSTED_PROXIES", "127.0.0.1/32"),
                ("AUTO_MIGRATE", "on"),
                // A machine that is busy with other tests is slow, and nothing is learnt from that.
                ("DATABASE_TIMEOUT", "20s"),
                ("SHED_AFTER", "60s"),
                // Production's limits, in one language, and no message that changes by itself as the clock moves.
                ("CONTACT_DAILY_SENDS", "5"),
                ("RESEND_COOLDOWN", "60s"),
                ("ALLOWED_REGIONS", "KR"),
                ("DEFAULT_LOCALE", "ko"),
                ("QUOTA_TIME_ZONE", "Asia/Seoul"),
                ("DEVELOPMENT_RECEIPTS", "off"),
                // The weakest that is taken: tests hash often.
                ("ARGON2_PASSES", "2"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        if let Some(url) = database.url() {
            vars.insert("DATABASE_URL".to_owned(), url.to_owned());
        }
        if let Some(redis) = given("COUNTERSIGN_TEST_REDIS_URL") {
            vars.insert("REDIS_URL".to_owned(), redis);
            vars.insert("REDIS_PREFIX".to_owned(), format!("{}:", database.name()));
        }
        Self { vars, data, database, now: START.parse().unwrap() }
    }

    /// Sets a variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.vars.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Unsets a variable.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.vars.remove(name);
        self
    }

    /// Starts the clock elsewhere.
    #[must_use]
    pub fn at(mut self, now: &str) -> Self {
        self.now = now.parse().unwrap();
        self
    }

    /// Writes a file into the data folder, readable by its owner alone, as key files have to be.
    pub fn file(&self, name: &str, text: &str) {
        let path = self.data.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }

    /// Fills its database with the statements of a dump.
    pub async fn restore(&self, dump: &str) {
        self.database.restore(&self.data.path().join("countersign.db"), dump).await;
    }

    pub async fn start(self) -> TestApp {
        let Self { vars, data, database, now } = self;
        let (clock, hand) = Clock::manual(now);
        let (app, url) = boot(&vars, clock).await;
        let http = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
        TestApp { app: Some(app), clock: hand, url, http, vars, database, data: Arc::new(data) }
    }
}

impl Setup {
    /// On a runtime of its own: whoever shuts that down kills the program in whatever it is doing.
    pub async fn start_on(self, runtime: &tokio::runtime::Handle) -> TestApp {
        let Self { vars, data, database, now } = self;
        let (clock, hand) = Clock::manual(now);
        let booted = {
            let vars = vars.clone();
            runtime.spawn(async move { boot(&vars, clock).await })
        };
        let (app, url) = booted.await.unwrap();
        let http = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
        TestApp { app: Some(app), clock: hand, url, http, vars, database, data: Arc::new(data) }
    }
}

/// What `scripts/test` hands over.
#[expect(clippy::disallowed_methods, reason = "a test has no settings to read it from")]
pub fn given(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

async fn boot(vars: &BTreeMap<String, String>, clock: Clock) -> (App, String) {
    let settings = Settings::from_vars(vars.clone()).unwrap_or_else(|refusals| panic!("{refusals:?}"));
    let world = World { clock, entropy: Entropy::System };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let app = App::start(settings, world, listener).await.unwrap();
    let url = format!("http://{}", app.address());
    (app, url)
}

impl TestApp {
    /// With the defaults.
    pub async fn start() -> Self {
        Setup::new().await.start().await
    }

    /// Somebody whom nobody knows.
    pub fn anonymous(&self) -> Person {
        self.person_at("198.51.100.1")
    }

    /// Somebody at this client address.
    pub fn person_at(&self, address: &str) -> Person {
        Person::new(self.http.clone(), self.url.clone(), address.to_owned())
    }

    /// A second process on the same database (and Redis), with a clock that is moved along with the first one's.
    pub async fn another_process(&self) -> Self {
        self.another_process_with(&[]).await
    }

    /// A second process that was told something else; nothing: that variable is not set.
    pub async fn another_process_with(&self, settings: &[(&str, Option<&str>)]) -> Self {
        let mut vars = self.vars.clone();
        for (name, value) in settings {
            match value {
                Some(value) => vars.insert((*name).to_owned(), (*value).to_owned()),
                None => vars.remove(*name),
            };
        }
        let (app, url) = boot(&vars, Clock::Manual(self.clock.clone())).await;
        Self {
            app: Some(app),
            clock: self.clock.clone(),
            url,
            http: self.http.clone(),
            vars,
            database: self.database.borrowed(),
            data: Arc::clone(&self.data),
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whoever talks to it and is nobody in particular: a provider with a receipt.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// What it was started with.
    pub fn vars(&self) -> &BTreeMap<String, String> {
        &self.vars
    }

    /// The world that it lives in, for what else is to happen at its time.
    pub fn world(&self) -> World {
        World { clock: Clock::Manual(self.clock.clone()), entropy: Entropy::System }
    }

    /// Now, on its clock.
    pub fn now(&self) -> Instant {
        Clock::Manual(self.clock.clone()).now()
    }

    pub fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }

    /// The whole outbox, newest first.
    pub async fn outbox(&self) -> Vec<Value> {
        let outbox = self.http.get(format!("{}/dev/outbox", self.url)).header("accept", "application/json");
        outbox.send().await.unwrap().json().await.unwrap()
    }

    /// The messages to a contact, newest first, once there are `count` of them.
    pub async fn messages_to(&self, to: &str, count: usize) -> Vec<Value> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let messages: Vec<_> = self.outbox().await.into_iter().filter(|message| message["to"] == to).collect();
            if messages.len() >= count {
                return messages;
            }
            assert!(tokio::time::Instant::now() < deadline, "{} of {count} messages to {to}", messages.len());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The codes that a contact was sent, newest first, once there are `count` of them. Notices do not count.
    pub async fn codes_to(&self, to: &str, count: usize) -> Vec<String> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let messages = self.messages_to(to, 0).await;
            let codes: Vec<_> =
                messages.iter().filter_map(|message| message["code"].as_str().map(str::to_owned)).collect();
            if codes.len() >= count {
                return codes;
            }
            assert!(tokio::time::Instant::now() < deadline, "{} of {count} codes to {to}", codes.len());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The notices of this text to a contact, newest first, once there are `count` of them.
    pub async fn notices_to(&self, to: &str, text: &str, count: usize) -> Vec<Value> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let mut messages = self.messages_to(to, 0).await;
            messages.retain(|message| message["text"].as_str().is_some_and(|said| said.contains(text)));
            if messages.len() >= count {
                return messages;
            }
            assert!(tokio::time::Instant::now() < deadline, "{} of {count} {text:?} to {to}", messages.len());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The newest code that a contact was sent. A notice may come after it.
    pub async fn code_sent_to(&self, to: &str) -> String {
        self.codes_to(to, 1).await.swap_remove(0)
    }

    pub async fn stop(mut self) {
        if let Some(app) = self.app.take() {
            app.stop().await;
        }
    }
}
