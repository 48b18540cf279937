//! Runs the shell blocks of a page in one shell, as a reader would paste them.

use std::{
    collections::BTreeMap,
    fs,
    net::TcpListener,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::blocks::Block;
use crate::support::{TEST_TIMEOUT, column};

/// Stands in for `cargo run`: the program that these tests were built with, without building it again.
const CARGO: &str = r#"#!/bin/sh
[ "$1" = run ] || { echo "cargo $1: only 'cargo run' is served here" >&2; exit 64; }
shift
while [ $# -gt 0 ]; do
    case $1 in
        -q | --quiet | --release) shift ;;
        --) shift; break ;;
        *) break ;;
    esac
done
exec countersign "$@"
"#;

/// A folder with a server, in which the blocks of one page run.
pub struct Page {
    folder: TempDir,
    address: String,
    vars: BTreeMap<&'static str, String>,
    server: Option<Child>,
}

impl Page {
    /// `public_url`: the server knows its own address, as one behind a domain does.
    pub fn new(public_url: bool) -> Self {
        let folder = TempDir::new().unwrap();
        let bin = folder.path().join("bin");
        fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_countersign"), bin.join("countersign")).unwrap();
        fs::write(bin.join("cargo"), CARGO).unwrap();
        fs::set_permissions(bin.join("cargo"), fs::Permissions::from_mode(0o755)).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let url = format!("http://{address}");
        let mut vars = BTreeMap::from([("LISTEN_ADDR", address.clone())]);
        if public_url {
            vars.insert("PUBLIC_URL", url);
        }
        Self { folder, address, vars, server: None }
    }

    /// Sets a variable for its shells.
    pub fn set(&mut self, name: &'static str, value: &str) {
        self.vars.insert(name, value.to_owned());
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A text of the page with the address of this server in place of those that it names.
    pub fn adapted(&self, text: &str) -> String {
        text.replace("127.0.0.1:8000", &self.address).replace("https://id.example.com", &self.url())
    }

    /// A shell with nothing in its environment but what it needs.
    pub fn shell(&self, script: &str) -> Command {
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin:/usr/sbin", self.folder().join("bin").display());
        let mut shell = Command::new("bash");
        shell.args(["-c", script]).env_clear().env("PATH", path).env("HOME", self.folder());
        shell.envs(&self.vars).current_dir(self.folder()).stdin(Stdio::null()).process_group(0);
        shell
    }

    /// Starts the server by this command.
    pub async fn serve(&mut self, command: &str) {
        let log = || fs::File::create(self.folder().join("server.log")).unwrap();
        let mut server = self.shell(command).stdout(log()).stderr(Stdio::null()).spawn().unwrap();
        let deadline = Instant::now() + TEST_TIMEOUT;
        while !reqwest::get(format!("{}/readyz", self.url())).await.is_ok_and(|response| response.status() == 200) {
            let ended = server.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < deadline, "{command:?} does not serve: {ended:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.server = Some(server);
    }

    /// Runs the blocks and returns the output of each. Waits between blocks until all messages are sent.
    pub async fn run(&self, blocks: &[Block]) -> Vec<String> {
        let mut script = String::from("set -eo pipefail\n");
        for (at, block) in blocks.iter().enumerate() {
            fs::write(self.folder().join(format!("block-{at}.sh")), self.adapted(&block.text)).unwrap();
            script.push_str(&format!(
                "exec >output-{at} 2>&1; . ./block-{at}.sh; touch done-{at}; until [ -e go-{at} ]; do sleep 0.05; done\n"
            ));
        }
        let mut shell = self.shell(&script).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        for (at, block) in blocks.iter().enumerate() {
            let deadline = Instant::now() + TEST_TIMEOUT;
            while !self.folder().join(format!("done-{at}")).exists() {
                let ended = shell.try_wait().unwrap();
                let place = format!("{}:{}", block.page, block.line);
                assert!(ended.is_none() && Instant::now() < deadline, "{place}: {ended:?}\n{}", self.output(at));
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            self.idle().await;
            fs::write(self.folder().join(format!("go-{at}")), "").unwrap();
        }
        assert!(shell.wait().unwrap().success());
        // What a block left in the background may write for a moment yet; it ends with the shell's group.
        let outputs = (0..blocks.len()).map(|at| self.output(at)).collect();
        end(&mut shell);
        outputs
    }

    /// An attestation for +4915123456789.
    pub async fn attestation(&self) -> String {
        let sent = "mutation { it: sendVerificationCode(input: { purpose: CONTACT, to: { phone: \"+4915123456789\" } }) \
                    { ... on SendVerificationCodePayload { verification { id } } } }";
        let id = self.execute(sent).await["verification"]["id"].as_str().unwrap().to_owned();
        self.idle().await;
        let outbox = client().get(format!("{}/dev/outbox", self.url())).header("accept", "application/json");
        let outbox: Value = outbox.send().await.unwrap().json().await.unwrap();
        let code = outbox[0]["code"].as_str().unwrap();
        let confirm = format!(
            "mutation {{ it: confirmVerificationCode(input: {{ verificationId: \"{id}\", code: \"{code}\" }}) \
             {{ ... on ConfirmVerificationCodePayload {{ proof {{ attestation }} }} }} }}"
        );
        self.execute(&confirm).await["proof"]["attestation"].as_str().unwrap().to_owned()
    }

    async fn execute(&self, query: &str) -> Value {
        let request = client().post(format!("{}/graphql", self.url())).json(&json!({ "query": query }));
        let mut response: Value = request.send().await.unwrap().json().await.unwrap();
        response["data"]["it"].take()
    }

    fn output(&self, at: usize) -> String {
        fs::read_to_string(self.folder().join(format!("output-{at}"))).unwrap_or_default()
    }

    /// Waits until no message is on its way.
    async fn idle(&self) {
        let data = self.folder().join("data");
        if !data.join("countersign.db").exists() {
            return;
        }
        let deadline = Instant::now() + TEST_TIMEOUT;
        let queued = "SELECT id FROM delivery WHERE status = 'QUEUED' AND NOT decoy";
        while !column(None, data.to_str().unwrap(), queued).await.is_empty() {
            assert!(Instant::now() < deadline, "a message stays in the queue");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            end(&mut server);
        }
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().timeout(TEST_TIMEOUT).build().unwrap()
}

/// Ends a shell and everything that it started.
fn end(shell: &mut Child) {
    let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", shell.id())]).stderr(Stdio::null()).status();
    let _ = shell.wait();
}
