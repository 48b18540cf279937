//! The scenarios, and the workers that execute them step by step.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::{
    client::{Client, Target},
    documents::{CONFIRM, REFRESH, SEND, SIGN_IN, SIGN_UP},
    error::LoadError,
    sink::Sink,
    socket::Socket,
    stats::Stats,
    users::{User, Users},
};

const PASSWORD: &str = "NewPassword123!";
/// Time limit for the last event of a verification after the response that caused it.
const LAST_EVENT_TIMEOUT: Duration = Duration::from_secs(10);

/// An operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// Requests a code.
    Send,
    /// Requests a code, receives and confirms it.
    SendConfirm,
    /// The same, with a WebSocket that watches the verification from the send to the end.
    Watch,
    /// Signs in with a password.
    SignIn,
    /// Exchanges a refresh token.
    Refresh,
    /// Distributes the workers evenly over the four scenarios above other than `Send`.
    Mixed,
}

impl Scenario {
    fn of_worker(self, number: usize) -> Self {
        match self {
            Scenario::Mixed => {
                [Scenario::SendConfirm, Scenario::Watch, Scenario::Refresh, Scenario::SignIn][number % 4]
            }
            other => other,
        }
    }

    fn needs_an_account(self) -> bool {
        matches!(self, Scenario::SignIn | Scenario::Refresh)
    }

    /// Whether the scenario reads the codes.
    pub fn reads_codes(self) -> bool {
        self != Scenario::Send
    }
}

/// State that all workers share.
pub struct Context {
    pub targets: Vec<Target>,
    pub users: Users,
    pub sink: Sink,
}

/// A client that executes operations one after another.
pub struct Worker {
    context: Arc<Context>,
    client: Client,
    scenario: Scenario,
    account: Option<Account>,
}

struct Account {
    owner: User,
    username: String,
    device: Value,
    refresh: Value,
}

impl Worker {
    /// # Errors
    /// The account for the scenario could not be created.
    pub async fn new(context: &Arc<Context>, scenario: Scenario, number: usize) -> Result<Self, LoadError> {
        let client = Client::new(&context.targets, number);
        let scenario = scenario.of_worker(number);
        let mut worker = Self { context: context.clone(), client, scenario, account: None };
        if scenario.needs_an_account() {
            worker.account = Some(worker.sign_up().await?);
        }
        Ok(worker)
    }

    /// Executes the operation once. The latency of its first step counts from `due`.
    ///
    /// # Errors
    /// A step of the operation failed.
    pub async fn act(&mut self, due: Instant, stats: &Stats) -> Result<(), LoadError> {
        match self.scenario {
            Scenario::Send => {
                let user = self.context.users.next();
                self.send("CONTACT", &user, due, stats).await?;
            }
            Scenario::SendConfirm => {
                let user = self.context.users.next();
                let id = self.send("CONTACT", &user, due, stats).await?;
                self.confirm(&user, &id, stats).await?;
            }
            Scenario::Watch | Scenario::Mixed => {
                let user = self.context.users.next();
                let id = self.send("CONTACT", &user, due, stats).await?;
                let target = self.context.targets
                    [usize::try_from(user.number).unwrap_or(0) % self.context.targets.len()]
                .clone();
                let mut socket = Socket::watch(&target, &id, user.address).await?;
                self.confirm(&user, &id, stats).await?;
                let confirmed = Instant::now();
                let ending = tokio::time::timeout(LAST_EVENT_TIMEOUT, socket.until_complete()).await;
                ending.map_err(|_| LoadError::new("no_last_event"))??;
                stats.record_latency("last event", confirmed.elapsed());
                socket.close().await;
            }
            Scenario::SignIn => self.sign_in(due, stats).await?,
            Scenario::Refresh => self.refresh(due, stats).await?,
        }
        Ok(())
    }

    async fn send(&mut self, purpose: &str, to: &User, due: Instant, stats: &Stats) -> Result<String, LoadError> {
        let input = json!({"purpose": purpose, "to": {"phone": to.phone}});
        let sent = self.client.ask(&SEND, input, to.address).await?;
        stats.record_latency("send", due.elapsed());
        self.context.sink.expect(&to.phone);
        let id = sent["verification"]["id"].as_str().ok_or_else(|| LoadError::new("no_id"))?;
        Ok(id.to_owned())
    }

    async fn confirm(&mut self, user: &User, id: &str, stats: &Stats) -> Result<Value, LoadError> {
        let sent = Instant::now();
        let code = self.context.sink.code(&user.phone).await;
        let (code, arrived) = code.ok_or_else(|| LoadError::new("no_code_received"))?;
        stats.record_latency("message", arrived.saturating_duration_since(sent));
        let asked = Instant::now();
        let input = json!({"verificationId": id, "code": code});
        let confirmed = self.client.ask(&CONFIRM, input, user.address).await?;
        stats.record_latency("confirm", asked.elapsed());
        Ok(confirmed)
    }

    async fn sign_up(&mut self) -> Result<Account, LoadError> {
        let (owner, unused) = (self.context.users.next(), Stats::default());
        let id = self.send("SIGN_UP", &owner, Instant::now(), &unused).await?;
        let confirmed = self.confirm(&owner, &id, &unused).await?;
        let username = format!("driver.{}", owner.number);
        let input = json!({"username": username, "password": PASSWORD, "proofToken": confirmed["proof"]["token"]});
        let mut made = self.client.ask(&SIGN_UP, input, owner.address).await?;
        let (device, refresh) = (made["deviceToken"].take(), made["tokens"]["refreshToken"].take());
        Ok(Account { owner, username, device, refresh })
    }

    async fn sign_in(&mut self, due: Instant, stats: &Stats) -> Result<(), LoadError> {
        let Some(account) = &self.account else { return Err(LoadError::new("no_account")) };
        let input = json!({"identifier": account.username, "password": PASSWORD, "deviceToken": account.device});
        self.client.ask(&SIGN_IN, input, account.owner.address).await?;
        stats.record_latency("sign in", due.elapsed());
        Ok(())
    }

    async fn refresh(&mut self, due: Instant, stats: &Stats) -> Result<(), LoadError> {
        let Some(account) = &mut self.account else { return Err(LoadError::new("no_account")) };
        let input = json!({"refreshToken": account.refresh});
        let mut refreshed = self.client.ask(&REFRESH, input, account.owner.address).await?;
        stats.record_latency("refresh", due.elapsed());
        account.refresh = refreshed["tokens"]["refreshToken"].take();
        Ok(())
    }
}
