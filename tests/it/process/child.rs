//! The program as an operator runs it.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    process::{Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Database, TEST_TIMEOUT, column, env_var};

const SERVER_KEY: &str = "K9mhN0c2X4t7yZNZCDPK5p2MnF04RlkQIbx1VKnzdGU=";

/// What a child is started with: nothing of whoever runs the test.
pub struct Plan {
    pub vars: BTreeMap<String, String>,
    pub data: TempDir,
    database: Database,
}

/// A running child.
pub struct Child {
    process: std::process::Child,
    pub url: String,
    pub http: reqwest::Client,
}

impl Plan {
    pub async fn new() -> Self {
        let data = TempDir::new().unwrap();
        let database = Database::create().await;
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut vars = BTreeMap::from(
            [
                ("DATA_DIR", data.path().to_str().unwrap()),
                ("LISTEN_ADDR", &format!("127.0.0.1:{port}")),
                ("SERVER_KEY", SERVER_KEY),
                ("JWT_SECRET", "Yk3v9QpL7sX2mN8wR4tZ6bH1cF5jD0gKaE"),
                ("ATTESTATION_KEY", "u4XD8tRTDwKguu2wscSMup2fKOv5DddN8QShMNHP7hU="),
                ("TRUSTED_PROXIES", "127.0.0.1/32"),
                ("AUTO_MIGRATE", "on"),
                ("LOG_FORMAT", "json"),
                ("CONTACT_DAILY_SENDS", "5"),
                ("RESEND_COOLDOWN", "60s"),
                ("ALLOWED_REGIONS", "KR"),
                ("DEFAULT_LOCALE", "ko"),
                ("QUOTA_TIME_ZONE", "Asia/Seoul"),
                ("DEVELOPMENT_RECEIPTS", "off"),
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
        Self { vars, data, database }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.vars.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Another process on the same database, with a folder of its own.
    pub fn beside(&self) -> Self {
        let data = TempDir::new().unwrap();
        Self { vars: self.vars.clone(), data, database: self.database.share() }
    }

    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.vars.remove(name);
        self
    }

    /// The program with these arguments, in a folder that has no `.env`.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        // The database of a test is made by whatever command comes first.
        let create = (arguments.first() == Some(&"admin")).then_some("--create");
        command.args(arguments).args(create).env_clear().envs(&self.vars).current_dir(self.data.path());
        command
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).stdin(Stdio::null()).output().unwrap()
    }

    /// Runs it to its end with this on its standard input.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        // What it does not read is not waited for.
        let writing = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
        let output = child.wait_with_output().unwrap();
        let _ = writing.join();
        output
    }

    /// Makes an account with the command line, and says its id.
    pub fn user(&self, username: &str, phone: &str) -> String {
        let arguments = ["admin", "create-user", "--username", username, "--phone", phone];
        let made = self.run_with(&arguments, "Quiet-Harbour-71!\n");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    }

    /// The first column of a query into its database, as text.
    pub async fn column(&self, query: &'static str) -> Vec<String> {
        column(self.vars.get("DATABASE_URL").map(String::as_str), &self.vars["DATA_DIR"], query).await
    }

    /// Serves, once it answers that it is ready. What it logs goes to `log` in the data folder, appended.
    pub async fn serve(&self) -> Child {
        self.serve_by(self.command(&["serve"])).await
    }

    /// As [`Plan::serve`], by a command of the test's own.
    pub async fn serve_by(&self, command: Command) -> Child {
        let mut child = self.begin_by(command);
        child.comes_up(self).await;
        child
    }

    /// Serves, without waiting until it is ready.
    pub fn begin(&self) -> Child {
        self.begin_by(self.command(&["serve"]))
    }

    fn begin_by(&self, mut command: Command) -> Child {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let url = format!("http://{}", self.vars["LISTEN_ADDR"]);
        let http = reqwest::Client::builder().timeout(TEST_TIMEOUT).build().unwrap();
        Child { process, url, http }
    }

    pub fn log(&self) -> std::path::PathBuf {
        self.data.path().join("log")
    }

    pub fn logged(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }
}

impl Child {
    /// Waits until it answers that it is ready.
    pub async fn comes_up(&mut self, plan: &Plan) {
        let deadline = Instant::now() + TEST_TIMEOUT;
        loop {
            if let Ok(answer) = self.http.get(format!("{}/readyz", self.url)).send().await
                && answer.status() == 200
            {
                return;
            }
            let ended = self.process.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < deadline, "{}", plan.logged());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A document's answer; none where the connection broke.
    pub async fn execute(&self, address: &str, query: &str, variables: Value) -> Option<Value> {
        let body = json!({ "query": query, "variables": variables });
        let request = self.http.post(format!("{}/graphql", self.url)).header("x-forwarded-for", address).json(&body);
        request.send().await.ok()?.json().await.ok()
    }

    /// Signs in with the password that `Plan::user` gives, or another one.
    pub async fn sign_in(&self, identifier: &str, password: &str) -> Value {
        let document = "mutation($input: SignInInput!) { it: signIn(input: $input) { __typename \
             ... on SignInPayload { user { username role } tokens { accessToken refreshToken } } \
             ... on AccountNotActive { status } } }";
        let variables = json!({ "input": { "identifier": identifier, "password": password } });
        self.execute("198.51.100.7", document, variables).await.unwrap()["data"]["it"].take()
    }

    /// Who the bearer of this token is, by name; none: nobody.
    pub async fn me(&self, token: &str) -> Option<String> {
        let body = json!({ "query": "{ me { username } }" });
        let request = self.http.post(format!("{}/graphql", self.url)).bearer_auth(token).json(&body);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        answer["data"]["me"]["username"].as_str().map(str::to_owned)
    }

    /// The id of a verification that was acknowledged; none where nothing was.
    pub async fn send_code(&self, address: &str, phone: &str) -> Option<String> {
        let document = "mutation($phone: String!) { it: sendVerificationCode(input: { purpose: CONTACT, to: { phone: $phone } }) \
             { __typename ... on SendVerificationCodePayload { verification { id } } } }";
        let answer = self.execute(address, document, json!({ "phone": phone })).await?;
        answer["data"]["it"]["verification"]["id"].as_str().map(str::to_owned)
    }

    pub async fn outbox(&self) -> Vec<Value> {
        let request = self.http.get(format!("{}/dev/outbox", self.url)).header("accept", "application/json");
        request.send().await.unwrap().json().await.unwrap()
    }

    /// The most memory that it had, in KiB.
    pub fn memory(&self) -> u64 {
        most_memory(self.process.id())
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap().success());
    }

    /// Ends it as a power cut would.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// How it ended, within a time.
    pub async fn ended_within(mut self, span: Duration) -> ExitStatus {
        let deadline = Instant::now() + span;
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it still runs");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The most memory that a process had until now, in KiB; 0: it is gone.
pub fn most_memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    most.and_then(|most| most.trim().strip_suffix(" kB")).map_or(0, |most| most.parse().unwrap())
}

/// What a command said, on both of its outputs, and whether it succeeded.
pub fn said(plan: &Plan, arguments: &[&str]) -> (bool, String) {
    let (status, said, _) = run_to_the_end(plan, arguments);
    (status.success(), said)
}

/// How it ended, what it said and how long it took.
pub fn run_to_the_end(plan: &Plan, arguments: &[&str]) -> (ExitStatus, String, Duration) {
    let started = Instant::now();
    let mut child =
        plan.command(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let deadline = started + TEST_TIMEOUT;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            break child.wait().unwrap();
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let took = started.elapsed();
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (status, said, took)
}

/// A file of a test's own.
pub fn written(folder: &Path, name: &str, text: &str) -> String {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}
