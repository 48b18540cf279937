//! The real binary as a child process.

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

use crate::support::{Database, KEYS, TEST_TIMEOUT, column, env_var};

/// The configuration of a child process. Its environment inherits nothing from the test's.
pub struct ChildConfig {
    pub vars: BTreeMap<String, String>,
    pub data: TempDir,
    database: Database,
}

/// A running child process.
pub struct Child {
    process: std::process::Child,
    pub url: String,
    pub http: reqwest::Client,
}

impl ChildConfig {
    pub async fn new() -> Self {
        let data = TempDir::new().unwrap();
        let database = Database::create().await;
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut vars = BTreeMap::from(
            [
                ("DATA_DIR", data.path().to_str().unwrap()),
                ("LISTEN_ADDR", &format!("127.0.0.1:{port}")),
                KEYS[0],
                KEYS[1],
                KEYS[2],
                ("TRUSTED_PROXIES", "127.0.0.1/32"),
                ("AUTO_MIGRATE", "on"),
                ("LOG_FORMAT", "json"),
                // A busy machine is not an overload that a test made.
                ("SHED_AFTER", "60s"),
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

    /// The configuration of a second process on the same database, with a data directory of its own.
    pub fn second_process(&self) -> Self {
        let data = TempDir::new().unwrap();
        Self { vars: self.vars.clone(), data, database: self.database.share() }
    }

    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.vars.remove(name);
        self
    }

    /// The command with these arguments, in a directory without `.env`.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        // The first command of a test creates the database.
        let create = (arguments.first() == Some(&"admin")).then_some("--create");
        command.args(arguments).args(create).env_clear().envs(&self.vars).current_dir(self.data.path());
        command
    }

    /// Runs a command to completion.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).stdin(Stdio::null()).output().unwrap()
    }

    /// Runs a command to completion with this standard input.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        // A command may exit without reading all of it.
        let writing = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
        let output = child.wait_with_output().unwrap();
        let _ = writing.join();
        output
    }

    /// Creates an account with `admin create-user` and returns its id.
    pub fn create_user(&self, username: &str, phone: &str) -> String {
        let arguments = ["admin", "create-user", "--username", username, "--phone", phone];
        let created = self.run_with(&arguments, "Quiet-Harbour-71!\n");
        assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
        String::from_utf8(created.stdout).unwrap().trim().to_owned()
    }

    /// The first column of a query on the database, as text.
    pub async fn column(&self, query: &'static str) -> Vec<String> {
        column(self.vars.get("DATABASE_URL").map(String::as_str), &self.vars["DATA_DIR"], query).await
    }

    /// Starts `serve` and waits until it is ready. Its log is appended to `log` in the data directory.
    pub async fn serve(&self) -> Child {
        self.serve_with(self.command(&["serve"])).await
    }

    /// Like [`ChildConfig::serve`], with another command.
    pub async fn serve_with(&self, command: Command) -> Child {
        let mut child = self.spawn_with(command);
        child.wait_ready(self).await;
        child
    }

    /// Starts `serve` without waiting until it is ready.
    pub fn spawn(&self) -> Child {
        self.spawn_with(self.command(&["serve"]))
    }

    fn spawn_with(&self, mut command: Command) -> Child {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log_path()).unwrap();
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let url = format!("http://{}", self.vars["LISTEN_ADDR"]);
        let http = reqwest::Client::builder().timeout(TEST_TIMEOUT).build().unwrap();
        Child { process, url, http }
    }

    pub fn log_path(&self) -> std::path::PathBuf {
        self.data.path().join("log")
    }

    pub fn log_text(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }
}

impl Child {
    /// Waits until `/readyz` reports that the server is ready.
    pub async fn wait_ready(&mut self, config: &ChildConfig) {
        let deadline = Instant::now() + TEST_TIMEOUT;
        loop {
            if let Ok(response) = self.http.get(format!("{}/readyz", self.url)).send().await
                && response.status() == 200
            {
                return;
            }
            let ended = self.process.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < deadline, "{}", config.log_text());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The response to a document; `None` if the connection broke.
    pub async fn execute(&self, address: &str, query: &str, variables: Value) -> Option<Value> {
        let body = json!({ "query": query, "variables": variables });
        let request = self.http.post(format!("{}/graphql", self.url)).header("x-forwarded-for", address).json(&body);
        request.send().await.ok()?.json().await.ok()
    }

    /// Signs in with the password that `ChildConfig::create_user` sets, or with another one.
    pub async fn sign_in(&self, identifier: &str, password: &str) -> Value {
        let document = "mutation($input: SignInInput!) { it: signIn(input: $input) { __typename \
             ... on SignInPayload { user { username role } tokens { accessToken refreshToken } } \
             ... on AccountNotActive { status } } }";
        let variables = json!({ "input": { "identifier": identifier, "password": password } });
        self.execute("198.51.100.7", document, variables).await.unwrap()["data"]["it"].take()
    }

    /// The username of the token's account; `None` if the token is rejected.
    pub async fn me(&self, token: &str) -> Option<String> {
        let body = json!({ "query": "{ me { username } }" });
        let request = self.http.post(format!("{}/graphql", self.url)).bearer_auth(token).json(&body);
        let response: Value = request.send().await.unwrap().json().await.unwrap();
        response["data"]["me"]["username"].as_str().map(str::to_owned)
    }

    /// The id of the new verification; `None` if it was not acknowledged.
    pub async fn send_code(&self, address: &str, phone: &str) -> Option<String> {
        let document = "mutation($phone: String!) { it: sendVerificationCode(input: { purpose: CONTACT, to: { phone: $phone } }) \
             { __typename ... on SendVerificationCodePayload { verification { id } } } }";
        let response = self.execute(address, document, json!({ "phone": phone })).await?;
        response["data"]["it"]["verification"]["id"].as_str().map(str::to_owned)
    }

    pub async fn outbox(&self) -> Vec<Value> {
        let request = self.http.get(format!("{}/dev/outbox", self.url)).header("accept", "application/json");
        request.send().await.unwrap().json().await.unwrap()
    }

    /// The peak memory of the process, in KiB.
    pub fn peak_memory(&self) -> u64 {
        peak_memory_of(self.process.id())
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap().success());
    }

    /// Kills the process with SIGKILL.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Waits for the exit, for at most `span`.
    pub async fn wait_exit(mut self, span: Duration) -> ExitStatus {
        let deadline = Instant::now() + span;
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it is still running");
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

/// The peak memory of a process in KiB; 0 if the process no longer exists.
pub fn peak_memory_of(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    most.and_then(|most| most.trim().strip_suffix(" kB")).map_or(0, |most| most.parse().unwrap())
}

/// Runs a command and returns whether it succeeded, and its standard output and error.
pub fn run_output(config: &ChildConfig, arguments: &[&str]) -> (bool, String) {
    let (status, out, _) = run_timed(config, arguments);
    (status.success(), out)
}

/// Runs a command and returns its status, its output and the time it took.
pub fn run_timed(config: &ChildConfig, arguments: &[&str]) -> (ExitStatus, String, Duration) {
    let started = Instant::now();
    let mut child =
        config.command(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
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
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut out).unwrap();
    (status, out, took)
}

/// Writes a file and returns its path.
pub fn write_file(folder: &Path, name: &str, text: &str) -> String {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}
