//! What is done, step by step, and timed.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::{
    documents::{CONFIRM, REFRESH, SEND, SIGN_IN, SIGN_UP},
    people::{People, Person},
    sink::Sink,
    socket::Socket,
    tally::Tally,
    trouble::Trouble,
    wire::{Target, Wire},
};

const PASSWORD: &str = "NewPassword123!";
/// The last state of a verification comes soon after the answer that made it.
const LAST_WORD: Duration = Duration::from_secs(10);

/// An operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// A code is asked for.
    Send,
    /// A code is asked for, arrives, and is confirmed.
    SendConfirm,
    /// Likewise, watched over a socket of its own from the send to the end.
    Watch,
    /// A password is judged.
    SignIn,
    /// A refresh token is exchanged.
    Refresh,
    /// Of four workers one each does the four operations above that end in something.
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

    /// Whether the codes that are sent are read.
    pub fn reads_codes(self) -> bool {
        self != Scenario::Send
    }
}

/// What all workers share.
pub struct World {
    pub targets: Vec<Target>,
    pub people: People,
    pub sink: Sink,
}

/// One client that does one operation after the other.
pub struct Worker {
    world: Arc<World>,
    wire: Wire,
    scenario: Scenario,
    account: Option<Account>,
}

struct Account {
    owner: Person,
    username: String,
    device: Value,
    refresh: Value,
}

impl Worker {
    /// # Errors
    /// The account that its scenario needs could not be made.
    pub async fn new(world: &Arc<World>, scenario: Scenario, number: usize) -> Result<Self, Trouble> {
        let wire = Wire::new(&world.targets, number);
        let scenario = scenario.of_worker(number);
        let mut worker = Self { world: world.clone(), wire, scenario, account: None };
        if scenario.needs_an_account() {
            worker.account = Some(worker.sign_up().await?);
        }
        Ok(worker)
    }

    /// Does the operation once. Its first step is counted from `due`.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn act(&mut self, due: Instant, tally: &Tally) -> Result<(), Trouble> {
        match self.scenario {
            Scenario::Send => {
                let person = self.world.people.next();
                self.send("CONTACT", &person, due, tally).await?;
            }
            Scenario::SendConfirm => {
                let person = self.world.people.next();
                let id = self.send("CONTACT", &person, due, tally).await?;
                self.confirm(&person, &id, tally).await?;
            }
            Scenario::Watch | Scenario::Mixed => {
                let person = self.world.people.next();
                let id = self.send("CONTACT", &person, due, tally).await?;
                let target =
                    self.world.targets[usize::try_from(person.number).unwrap_or(0) % self.world.targets.len()].clone();
                let mut socket = Socket::watch(&target, &id, person.address).await?;
                self.confirm(&person, &id, tally).await?;
                let confirmed = Instant::now();
                let ending = tokio::time::timeout(LAST_WORD, socket.until_complete()).await;
                ending.map_err(|_| Trouble::new("no_last_word"))??;
                tally.took("last event", confirmed.elapsed());
                socket.close().await;
            }
            Scenario::SignIn => self.sign_in(due, tally).await?,
            Scenario::Refresh => self.refresh(due, tally).await?,
        }
        Ok(())
    }

    async fn send(&mut self, purpose: &str, to: &Person, due: Instant, tally: &Tally) -> Result<String, Trouble> {
        let input = json!({"purpose": purpose, "to": {"phone": to.phone}});
        let sent = self.wire.ask(&SEND, input, to.address).await?;
        tally.took("send", due.elapsed());
        tally.sent();
        let id = sent["verification"]["id"].as_str().ok_or_else(|| Trouble::new("no_id"))?;
        Ok(id.to_owned())
    }

    async fn confirm(&mut self, person: &Person, id: &str, tally: &Tally) -> Result<Value, Trouble> {
        let sent = Instant::now();
        let code = self.world.sink.code(&person.phone).await;
        let (code, arrived) = code.ok_or_else(|| Trouble::new("no_code_came"))?;
        tally.took("message", arrived.saturating_duration_since(sent));
        let asked = Instant::now();
        let input = json!({"verificationId": id, "code": code});
        let confirmed = self.wire.ask(&CONFIRM, input, person.address).await?;
        tally.took("confirm", asked.elapsed());
        Ok(confirmed)
    }

    async fn sign_up(&mut self) -> Result<Account, Trouble> {
        let (owner, unused) = (self.world.people.next(), Tally::default());
        let id = self.send("SIGN_UP", &owner, Instant::now(), &unused).await?;
        let confirmed = self.confirm(&owner, &id, &unused).await?;
        let username = format!("driver.{}", owner.number);
        let input = json!({"username": username, "password": PASSWORD, "proofToken": confirmed["proof"]["token"]});
        let mut made = self.wire.ask(&SIGN_UP, input, owner.address).await?;
        let (device, refresh) = (made["deviceToken"].take(), made["tokens"]["refreshToken"].take());
        Ok(Account { owner, username, device, refresh })
    }

    async fn sign_in(&mut self, due: Instant, tally: &Tally) -> Result<(), Trouble> {
        let Some(account) = &self.account else { return Err(Trouble::new("no_account")) };
        let input = json!({"identifier": account.username, "password": PASSWORD, "deviceToken": account.device});
        self.wire.ask(&SIGN_IN, input, account.owner.address).await?;
        tally.took("sign in", due.elapsed());
        Ok(())
    }

    async fn refresh(&mut self, due: Instant, tally: &Tally) -> Result<(), Trouble> {
        let Some(account) = &mut self.account else { return Err(Trouble::new("no_account")) };
        let input = json!({"refreshToken": account.refresh});
        let mut refreshed = self.wire.ask(&REFRESH, input, account.owner.address).await?;
        tally.took("refresh", due.elapsed());
        account.refresh = refreshed["tokens"]["refreshToken"].take();
        Ok(())
    }
}
