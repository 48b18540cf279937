//! The layout of `deploy/compose/`, started by hand: two processes with the settings of `compose.yaml`, PostgreSQL, Redis,
//! and Debian's Caddy with the `Caddyfile` as it is. Only addresses are other ones.

use std::{
    collections::BTreeMap,
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::read;
use crate::{
    faults::servers::free_port,
    process::{
        child::{Child, ChildConfig},
        metrics::scraped,
    },
    support::{Socket, Subscription, TEST_TIMEOUT, env_var},
};

const STATUS: &str = "{ status delivery { status } }";

/// The proxy and the processes behind it. Fields are dropped, and so stopped, in this order.
pub struct Layout {
    pub proxy: Proxy,
    pub children: Vec<Option<Child>>,
    /// Those of the processes, and behind them the one whose folder is the volume.
    pub plans: Vec<ChildConfig>,
}

pub struct Proxy {
    process: std::process::Child,
    pub url: String,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether the layout can be started here. If not, prints what is missing.
pub fn can_start() -> bool {
    let lacks = if env_var("COUNTERSIGN_TEST_DATABASE_URL").is_none() {
        "no COUNTERSIGN_TEST_DATABASE_URL"
    } else if env_var("COUNTERSIGN_TEST_REDIS_URL").is_none() {
        "no COUNTERSIGN_TEST_REDIS_URL"
    } else if Command::new("caddy").arg("version").stdout(Stdio::null()).status().is_err() {
        "no caddy"
    } else {
        return true;
    };
    eprintln!("LEFT OUT: the layout of deploy/compose behind Caddy: {lacks}");
    false
}

/// What `./keys > .env` writes.
fn env_file() -> BTreeMap<String, String> {
    let made = Command::new("deploy/compose/keys").current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let lines = String::from_utf8(made.stdout).unwrap();
    let pairs = lines.lines().map(|line| line.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// A value of `compose.yaml`: `${NAME:-default}` and `${NAME:?message}` are filled in.
fn filled_in(value: &str, env: &BTreeMap<String, String>) -> String {
    let Some((before, rest)) = value.split_once("${") else { return value.to_owned() };
    let (variable, after) = rest.split_once('}').unwrap();
    let (name, default) = variable.split_once(":-").unwrap_or_else(|| (variable.split(':').next().unwrap(), ""));
    let filled = env.get(name).map_or(default, String::as_str);
    assert!(!filled.is_empty(), "{value}");
    format!("{before}{filled}{}", filled_in(after, env))
}

/// The environment of a process: `.env`, overridden by the block `environment` of `compose.yaml`.
fn environment(more: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut env = env_file();
    env.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let compose = read("deploy/compose/compose.yaml");
    let (_, block) = compose.split_once("environment: &settings\n").unwrap();
    let lines = block.lines().take_while(|line| line.starts_with("    "));
    let mut settings = env.clone();
    for (name, value) in
        lines.filter_map(|line| line.trim().split_once(": ")).filter(|(name, _)| !name.starts_with('#'))
    {
        settings.insert(name.to_owned(), filled_in(value, &env));
    }
    assert!(settings.len() > 12 && settings.contains_key("TRUSTED_PROXIES"), "{settings:?}");
    settings
}

impl Layout {
    /// With these lines added to `.env`.
    pub async fn start(more: &[(&str, &str)]) -> Self {
        let proxy_port = free_port();
        let mut base = ChildConfig::new().await;
        let mut settings = environment(more);
        // Addresses, and the folder that the volume `data` is.
        for name in ["DATABASE_URL", "REDIS_URL", "REDIS_PREFIX", "DATA_DIR"] {
            settings.insert(name.to_owned(), base.vars[name].clone());
        }
        settings.insert("PUBLIC_URL".to_owned(), format!("http://localhost:{proxy_port}"));
        settings.insert("TRUSTED_PROXIES".to_owned(), "127.0.0.1".to_owned());
        base.vars = settings;
        // The service `migrate`, which the others wait for.
        let migrated = base.run(&["migrate"]);
        assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
        let process = |_| scraped(base.second_process().with("LISTEN_ADDR", &format!("127.0.0.1:{}", free_port())));
        let mut plans: Vec<_> = (0..2).map(process).collect();
        let mut children = Vec::new();
        for config in &plans {
            children.push(Some(config.serve().await));
        }
        let proxy = Proxy::start(&base, proxy_port, &plans).await;
        // Keeps the folder of the volume.
        plans.push(base);
        Self { proxy, children, plans }
    }

    pub fn child(&self, process: usize) -> &Child {
        self.children[process].as_ref().unwrap()
    }

    /// The code that was sent to a phone, as the outbox at this address shows it.
    pub async fn code(&self, url: &str, phone: &str) -> String {
        let deadline = Instant::now() + TEST_TIMEOUT;
        loop {
            let outbox = outbox(url).await;
            if let Some(message) = outbox.iter().find(|message| message["to"] == phone) {
                return message["code"].as_str().unwrap().to_owned();
            }
            assert!(Instant::now() < deadline, "no message to {phone} at {url}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Proxy {
    async fn start(base: &ChildConfig, port: u16, plans: &[ChildConfig]) -> Self {
        let mut caddyfile = read("deploy/compose/Caddyfile").replace("\n:8080 {", &format!("\n:{port} {{"));
        for (at, config) in plans.iter().enumerate() {
            let name = format!("countersign-{}:8000", at + 1);
            assert!(caddyfile.contains(&name), "{caddyfile}");
            caddyfile = caddyfile.replace(&name, &config.vars["LISTEN_ADDR"]);
        }
        let folder = base.data.path();
        fs::write(folder.join("Caddyfile"), caddyfile).unwrap();
        let log = fs::File::create(folder.join("caddy.log")).unwrap();
        let mut caddy = Command::new("caddy");
        caddy.args(["run", "--adapter", "caddyfile", "--config", "Caddyfile"]).current_dir(folder).env("HOME", folder);
        let process = caddy.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let mut proxy = Self { process, url: format!("http://127.0.0.1:{port}") };
        let deadline = Instant::now() + TEST_TIMEOUT;
        while !reqwest::get(format!("{}/readyz", proxy.url)).await.is_ok_and(|answer| answer.status() == 200) {
            let ended = proxy.process.try_wait().unwrap();
            let log = || fs::read_to_string(folder.join("caddy.log")).unwrap_or_default();
            assert!(ended.is_none() && Instant::now() < deadline, "{ended:?}: {}", log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        proxy
    }

    /// A client that connects from this address and sends a forged X-Forwarded-For.
    pub fn visitor(&self, address: &str) -> Visitor {
        let client = reqwest::Client::builder().timeout(TEST_TIMEOUT).local_address(address.parse().ok());
        Visitor { http: client.build().unwrap(), url: self.url.clone() }
    }
}

pub struct Visitor {
    http: reqwest::Client,
    url: String,
}

impl Visitor {
    pub fn request(&self, body: &Value) -> reqwest::RequestBuilder {
        let request = self.http.post(format!("{}/graphql", self.url)).json(body);
        request.header("x-forwarded-for", "192.0.2.77").header("forwarded", "for=192.0.2.77")
    }

    /// The field `it` of the response. None: no response, or an error of the proxy or of a process that is stopping.
    pub async fn try_ask(&self, document: &str, variables: Value) -> Option<Value> {
        let answer = self.request(&json!({ "query": document, "variables": variables })).send().await.ok()?;
        let mut answer: Value = answer.json().await.ok()?;
        (!answer["data"].is_null()).then(|| answer["data"].take())
    }

    pub async fn execute(&self, document: &str, variables: Value) -> Value {
        let answered = self.try_ask(document, variables).await;
        answered.unwrap_or_else(|| panic!("{document} is not answered"))["it"].take()
    }

    pub async fn send(&self, phone: &str) -> Value {
        let document = "mutation($phone: String!) { it: sendVerificationCode(input: { purpose: CONTACT, to: { phone: $phone } }) \
                        { __typename ... on QuotaExceeded { quota } \
                        ... on SendVerificationCodePayload { verification { id } } } }";
        self.execute(document, json!({ "phone": phone })).await
    }

    /// A stream of server-sent events, opened.
    pub async fn events(&self, id: &str) -> Events {
        let query = format!("subscription {{ verificationStatus(id: \"{id}\") {STATUS} }}");
        let request = self.request(&json!({ "query": query })).header("accept", "text/event-stream");
        Events { answer: request.send().await.unwrap(), text: String::new() }
    }
}

pub struct Events {
    pub answer: reqwest::Response,
    text: String,
}

impl Events {
    /// Reads on until this was received.
    pub async fn until(&mut self, part: &str) {
        while !self.text.contains(part) {
            let chunk = self.answer.chunk().await.unwrap();
            self.text.push_str(std::str::from_utf8(&chunk.unwrap_or_else(|| panic!("{}", self.text))).unwrap());
        }
    }
}

pub async fn outbox(url: &str) -> Vec<Value> {
    let http = reqwest::Client::builder().timeout(TEST_TIMEOUT).build().unwrap();
    let request = http.get(format!("{url}/dev/outbox")).header("accept", "application/json");
    request.send().await.unwrap().json().await.unwrap()
}

pub async fn watch(url: &str, id: &str) -> Subscription {
    let socket = Socket::open(url, "192.0.2.77", None).await;
    let query = format!("subscription {{ verificationStatus(id: \"{id}\") {STATUS} }}");
    socket.subscribe(&query, json!({})).await
}

pub async fn confirm(child: &Child, id: &str, code: &str) -> Value {
    let document = "mutation($id: ID!, $code: String!) { it: confirmVerificationCode(input: { verificationId: $id, code: $code }) \
                    { __typename } }";
    child.execute("198.51.100.7", document, json!({ "id": id, "code": code })).await.unwrap()["data"]["it"].take()
}
