//! Many sockets: what an idle one costs, how soon an event reaches its watcher, and how soon it reaches all of them.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use clap::Args;
use serde_json::json;
use tokio::{
    sync::oneshot,
    task::{JoinHandle, JoinSet},
};

use crate::{
    documents::{CONFIRM, SEND},
    people::{People, Person},
    picture,
    process::Usage,
    report::Output,
    sink::Sink,
    socket::{Socket, Told},
    tally::Tally,
    trouble::Trouble,
    wire::{Target, Wire},
};

/// Sockets that are opened at once.
const AT_ONCE: usize = 64;
/// No code is this: a guess that is wrong whatever was sent.
const WRONG: &str = "wrong";

/// Opens sockets, and wakes them.
#[derive(Args)]
pub struct Streams {
    #[arg(long = "url", required = true)]
    urls: Vec<String>,
    #[arg(long = "pid")]
    pids: Vec<u32>,
    #[arg(long)]
    sink: String,
    /// Sockets, each watching a verification of its own.
    #[arg(long, default_value_t = 10_000)]
    count: usize,
    /// Then they are left in peace for so long.
    #[arg(long, default_value_t = 10.0)]
    idle: f64,
    /// Then one at a time is told of a wrong guess at its verification, so many a second.
    #[arg(long, default_value_t = 500.0)]
    rate: f64,
    /// For so long.
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Then as many sockets watch one verification, and are woken together, so many times (fewer than it has attempts).
    #[arg(long, default_value_t = 3)]
    bursts: usize,
    #[arg(long, default_value_t = 0)]
    first: u64,
    #[command(flatten)]
    output: Output,
}

/// Where a socket's reader says that an event came.
type Bell = Arc<Mutex<Option<oneshot::Sender<Instant>>>>;

struct Watched {
    id: String,
    owner: Person,
    bell: Bell,
    reader: JoinHandle<()>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// Connections to ask over, taken and given back.
struct Wires {
    targets: Vec<Target>,
    idle: Mutex<Vec<Wire>>,
}

impl Streams {
    /// # Errors
    /// What kept it from measuring, in words.
    pub async fn go(self) -> Result<(), String> {
        let targets: Result<Vec<_>, _> = self.urls.iter().map(|url| Target::parse(url)).collect();
        let wires = Arc::new(Wires { targets: targets?, idle: Mutex::default() });
        // Takes the messages; nobody reads them.
        let _sink = Sink::listen(&self.sink).await?;
        let tally = Arc::new(Tally::default());
        let people = Arc::new(People::from(self.first));
        let numbers = (0..self.count).map(|_| people.next()).collect();
        let sent = each(numbers, |person| send(wires.clone(), person)).await.map_err(words)?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let before = Usage::of(&self.pids)?;
        let watched = self.open(&wires, sent).await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let opened = Usage::of(&self.pids)?;
        tokio::time::sleep(Duration::from_secs_f64(self.idle)).await;
        let idled = Usage::of(&self.pids)?;
        self.wake_one_by_one(&wires, &watched, &tally).await;
        let woken = Usage::of(&self.pids)?;
        let broken = watched.iter().filter(|watched| watched.reader.is_finished()).count();
        // Their readers end, and their sockets with them.
        drop(watched);
        tokio::time::sleep(Duration::from_secs(2)).await;
        let mut together = Vec::new();
        if self.bursts > 0 {
            together = self.wake_together(&wires, people.next(), &tally).await?;
        }
        let bytes = opened.rss_bytes.saturating_sub(before.rss_bytes) as f64;
        let report = json!({
            "scenario": "Streams",
            "streams": self.count,
            "broken": broken,
            "rss_kib_per_stream": bytes / 1024.0 / self.count as f64,
            "idle_cpu_percent": (idled.cpu_seconds - opened.cpu_seconds) / self.idle.max(0.001) * 100.0,
            "events_per_second": self.rate,
            "woken_together_last_ms": together,
            "errors": tally.errors(),
            "latency_ms": tally.latencies(),
            "before": before.json(),
            "opened": opened.json(),
            "woken": woken.json(),
        });
        self.output.write(report, |title| picture::svg(title, &tally))
    }

    /// Each socket is read from the moment it stands: the server takes one that answers no ping for dead.
    async fn open(&self, wires: &Arc<Wires>, sent: Vec<(Person, String)>) -> Result<Vec<Watched>, String> {
        let open = |(owner, id): (Person, String)| {
            let wires = wires.clone();
            async move {
                let socket = Socket::watch(wires.target(&owner), &id, owner.address).await?;
                let bell = Bell::default();
                let reader = tokio::spawn(read(socket, bell.clone()));
                Ok(Watched { id, owner, bell, reader })
            }
        };
        each(sent, open).await.map_err(words)
    }

    async fn wake_one_by_one(&self, wires: &Arc<Wires>, watched: &[Watched], tally: &Arc<Tally>) {
        let begun = Instant::now();
        let events = (self.rate * self.seconds) as usize;
        let mut guessing = JoinSet::new();
        for number in 0..events {
            let due = begun + Duration::from_secs_f64(number as f64 / self.rate);
            tokio::time::sleep_until(due.into()).await;
            let Watched { id, owner, bell, .. } = &watched[number % watched.len()];
            let (wires, tally, id, address) = (wires.clone(), tally.clone(), id.clone(), owner.address);
            let told = listen(bell);
            guessing.spawn(async move {
                let guessed = Instant::now();
                let outcome = guess(&wires, &id, address).await;
                let answered = Instant::now();
                if outcome.is_ok()
                    && let Ok(Ok(at)) = tokio::time::timeout(Duration::from_secs(5), told).await
                {
                    tally.took("guess answered", answered - guessed);
                    tally.took("guess to event", at.saturating_duration_since(guessed));
                    tally.took("answer to event", at.saturating_duration_since(answered));
                    tally.end(Ok(()));
                } else {
                    tally.end(Err(outcome.err().unwrap_or_else(|| Trouble::new("no_event"))));
                }
            });
        }
        guessing.join_all().await;
    }

    /// Until the last of them has been told, for each burst, in milliseconds.
    async fn wake_together(&self, wires: &Arc<Wires>, owner: Person, tally: &Tally) -> Result<Vec<f64>, String> {
        let (owner, id) = send(wires.clone(), owner).await.map_err(words)?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        // All of them from other places: the seats of one address are few.
        let sent =
            (0..self.count).map(|number| (Person { phone: String::new(), ..Person::of(number as u64) }, id.clone()));
        let watched = self.open(wires, sent.collect()).await?;
        let mut spans = Vec::new();
        for _ in 0..self.bursts {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let told: Vec<_> = watched.iter().map(|watched| listen(&watched.bell)).collect();
            let guessed = Instant::now();
            guess(wires, &id, owner.address).await.map_err(words)?;
            let mut last = guessed;
            for told in told {
                let at = tokio::time::timeout(Duration::from_secs(10), told).await;
                let at = at.map_err(|_| "a watcher was never told")?.map_err(|_| "a watcher's socket broke")?;
                tally.took("guess to all", at.saturating_duration_since(guessed));
                last = last.max(at);
            }
            spans.push((last - guessed).as_secs_f64() * 1000.0);
        }
        Ok(spans)
    }
}

impl Wires {
    fn target(&self, person: &Person) -> &Target {
        &self.targets[usize::try_from(person.number).unwrap_or(0) % self.targets.len()]
    }

    fn take(&self) -> Wire {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.unwrap_or_else(|| Wire::new(&self.targets, 0))
    }

    fn give_back(&self, wire: Wire) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(wire);
    }
}

fn words(trouble: Trouble) -> String {
    trouble.0
}

fn listen(bell: &Bell) -> oneshot::Receiver<Instant> {
    let (sender, told) = oneshot::channel();
    *bell.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
    told
}

async fn read(mut socket: Socket, bell: Bell) {
    while let Ok(Told::Event) = socket.next().await {
        let at = Instant::now();
        if let Some(told) = bell.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = told.send(at);
        }
    }
}

async fn send(wires: Arc<Wires>, person: Person) -> Result<(Person, String), Trouble> {
    let mut wire = wires.take();
    let input = json!({"purpose": "CONTACT", "to": {"phone": person.phone}});
    let sent = wire.ask(&SEND, input, person.address).await?;
    wires.give_back(wire);
    let id = sent["verification"]["id"].as_str().ok_or_else(|| Trouble::new("no_id"))?.to_owned();
    Ok((person, id))
}

async fn guess(wires: &Wires, id: &str, from: Ipv4Addr) -> Result<(), Trouble> {
    let mut wire = wires.take();
    let judged = wire.ask(&CONFIRM, json!({"verificationId": id, "code": WRONG}), from).await;
    wires.give_back(wire);
    match judged {
        Err(trouble) if trouble.0 == "CODE_MISMATCH" => Ok(()),
        Err(trouble) => Err(trouble),
        Ok(_) => Err(Trouble::new("a_wrong_code_was_right")),
    }
}

/// Does the same with each, so many at once, and ends with the first trouble.
async fn each<T: Send + 'static, U: Send + 'static, F>(items: Vec<T>, act: impl Fn(T) -> F) -> Result<Vec<U>, Trouble>
where
    F: Future<Output = Result<U, Trouble>> + Send + 'static,
{
    let mut done = Vec::with_capacity(items.len());
    let mut doing = JoinSet::new();
    for item in items {
        if doing.len() >= AT_ONCE
            && let Some(one) = doing.join_next().await
        {
            done.push(one.map_err(|_| Trouble::new("gave_up"))??);
        }
        doing.spawn(act(item));
    }
    while let Some(one) = doing.join_next().await {
        done.push(one.map_err(|_| Trouble::new("gave_up"))??);
    }
    Ok(done)
}
