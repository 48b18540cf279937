//! The server as `main` boots it, on port 0 with a database of its own, and API clients for it.

mod account;
mod browser;
mod client;
pub mod coverage;
mod database;
pub mod files;
mod rows;
mod seed;
mod socket;
pub mod statistics;
mod table;
mod template;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use countersign::app::{App, ExternalInputs, Settings};
use domain::Timestamp;
use platform::clock::{Clock, Entropy, ManualClock};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;

pub use self::{
    account::{PASSWORD, SignedIn},
    browser::{ApiResponse, CookieJar},
    client::{ApiClient, different_code},
    database::Database,
    rows::column,
    seed::Account,
    socket::{Socket, Subscription},
};

/// The longest wait for any condition. It only guards against hanging, so it is long enough for a slow or busy
/// machine.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(120);

/// The keys of every server that a test starts.
pub const KEYS: [(&str, &str); 3] = [
    ("SERVER_KEY", "K9mhN0c2X4t7yZNZCDPK5p2MnF04RlkQIbx1VKnzdGU="),
    ("JWT_SECRET", "Yk3v9QpL7sX2mN8wR4tZ6bH1cF5jD0gKaE"),
    ("ATTESTATION_KEY", "u4XD8tRTDwKguu2wscSMup2fKOv5DddN8QShMNHP7hU="),
];

/// 12:00 in Seoul.
const START: &str = "2026-03-02T03:00:00Z";

/// A running server.
pub struct TestApp {
    app: Option<App>,
    clock: ManualClock,
    url: String,
    http: reqwest::Client,
    vars: BTreeMap<String, String>,
    database: Database,
    /// Deleted with the last process that uses it.
    data: Arc<TempDir>,
}

/// The configuration of a server.
pub struct Setup {
    vars: BTreeMap<String, String>,
    data: TempDir,
    database: Database,
    now: Timestamp,
}

impl Setup {
    /// The defaults, except for settings that make tests slow or dependent on each other.
    pub async fn new() -> Self {
        let data = TempDir::new().unwrap();
        let database = Database::create_migrated(&data.path().join("countersign.db")).await;
        let mut vars = BTreeMap::from(
            [
                ("DATA_DIR", data.path().to_str().unwrap()),
                KEYS[0],
                KEYS[1],
                KEYS[2],
                ("TRUSTED_PROXIES", "127.0.0.1/32"),
                ("AUTO_MIGRATE", "on"),
                // Timeouts must not fail a test when the machine is busy.
                ("DATABASE_TIMEOUT", "20s"),
                ("SHED_AFTER", "60s"),
                // Production limits, one language, and no status that changes by itself when the clock is advanced.
                ("CONTACT_DAILY_SENDS", "5"),
                ("RESEND_COOLDOWN", "60s"),
                ("ALLOWED_REGIONS", "KR"),
                ("DEFAULT_LOCALE", "ko"),
                ("QUOTA_TIME_ZONE", "Asia/Seoul"),
                ("DEVELOPMENT_RECEIPTS", "off"),
                // The lowest accepted cost, since tests hash often.
                ("ARGON2_PASSES", "2"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        if let Some(url) = database.url() {
            vars.insert("DATABASE_URL".to_owned(), url.to_owned());
        }
        if let Some(redis) = env_var("COUNTERSIGN_TEST_REDIS_URL") {
            vars.insert("REDIS_URL".to_owned(), redis);
            vars.insert("REDIS_PREFIX".to_owned(), format!("{}:", database.name()));
        }
        Self { vars, data, database, now: START.parse().unwrap() }
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.vars.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Removes an environment variable.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.vars.remove(name);
        self
    }

    /// Starts the clock at this time.
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
        let (clock, manual_clock) = Clock::manual(now);
        let (app, url) = boot(&vars, clock).await;
        let http = reqwest::Client::builder().timeout(TEST_TIMEOUT).build().unwrap();
        TestApp { app: Some(app), clock: manual_clock, url, http, vars, database, data: Arc::new(data) }
    }
}

impl Setup {
    /// Starts the server on the given runtime. Shutting that runtime down aborts the server at whatever point it
    /// has reached.
    pub async fn start_on(self, runtime: &tokio::runtime::Handle) -> TestApp {
        let Self { vars, data, database, now } = self;
        let (clock, manual_clock) = Clock::manual(now);
        let booted = {
            let vars = vars.clone();
            runtime.spawn(async move { boot(&vars, clock).await })
        };
        let (app, url) = booted.await.unwrap();
        let http = reqwest::Client::builder().timeout(TEST_TIMEOUT).build().unwrap();
        TestApp { app: Some(app), clock: manual_clock, url, http, vars, database, data: Arc::new(data) }
    }
}

/// An environment variable that `scripts/test` may set.
#[expect(clippy::disallowed_methods, reason = "a test has no settings to read it from")]
pub fn env_var(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

async fn boot(vars: &BTreeMap<String, String>, clock: Clock) -> (App, String) {
    let settings = Settings::from_vars(vars.clone()).unwrap_or_else(|refusals| panic!("{refusals:?}"));
    let world = ExternalInputs { clock, entropy: Entropy::System };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let app = App::start(settings, world, listener).await.unwrap();
    let url = format!("http://{}", app.address());
    (app, url)
}

impl TestApp {
    /// Starts a server with the defaults.
    pub async fn start() -> Self {
        Setup::new().await.start().await
    }

    /// An anonymous client.
    pub fn anonymous(&self) -> ApiClient {
        self.client_at("198.51.100.1")
    }

    /// An anonymous client with this client address.
    pub fn client_at(&self, address: &str) -> ApiClient {
        ApiClient::new(self.http.clone(), self.url.clone(), address.to_owned())
    }

    /// A second process on the same database (and Redis) that shares the manual clock.
    pub async fn another_process(&self) -> Self {
        self.another_process_with(&[]).await
    }

    /// A second process with other settings. `None` removes the variable.
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
            database: self.database.share(),
            data: Arc::clone(&self.data),
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The plain HTTP client, for example for a provider that posts a receipt.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// The environment variables of the server.
    pub fn vars(&self) -> &BTreeMap<String, String> {
        &self.vars
    }

    /// The clock and the entropy of the server.
    pub fn world(&self) -> ExternalInputs {
        ExternalInputs { clock: Clock::Manual(self.clock.clone()), entropy: Entropy::System }
    }

    /// The server's current time.
    pub fn now(&self) -> Timestamp {
        Clock::Manual(self.clock.clone()).now()
    }

    pub fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }

    /// All messages of the outbox, newest first.
    pub async fn outbox(&self) -> Vec<Value> {
        let outbox = self.http.get(format!("{}/dev/outbox", self.url)).header("accept", "application/json");
        outbox.send().await.unwrap().json().await.unwrap()
    }

    /// The messages to a contact, newest first. Waits until there are at least `count`.
    pub async fn messages_to(&self, to: &str, count: usize) -> Vec<Value> {
        let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
        loop {
            let messages: Vec<_> = self.outbox().await.into_iter().filter(|message| message["to"] == to).collect();
            if messages.len() >= count {
                return messages;
            }
            assert!(tokio::time::Instant::now() < deadline, "{} of {count} messages to {to}", messages.len());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The codes sent to a contact, newest first. Waits until there are at least `count`. Notices do not count.
    pub async fn codes_to(&self, to: &str, count: usize) -> Vec<String> {
        let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
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

    /// The notices with this text to a contact, newest first. Waits until there are at least `count`.
    pub async fn notices_to(&self, to: &str, text: &str, count: usize) -> Vec<Value> {
        let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
        loop {
            let mut messages = self.messages_to(to, 0).await;
            messages.retain(|message| message["text"].as_str().is_some_and(|body| body.contains(text)));
            if messages.len() >= count {
                return messages;
            }
            assert!(tokio::time::Instant::now() < deadline, "{} of {count} {text:?} to {to}", messages.len());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The newest code sent to a contact. Notices are ignored.
    pub async fn code_sent_to(&self, to: &str) -> String {
        self.codes_to(to, 1).await.swap_remove(0)
    }

    pub async fn stop(mut self) {
        if let Some(app) = self.app.take() {
            app.stop().await;
        }
    }
}
