//! Many WebSockets: the memory of an idle one, the latency of one event, and of one event to all.

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
    chart,
    client::{Client, Target},
    documents::{CONFIRM, SEND},
    error::LoadError,
    process::Usage,
    report::Output,
    sink::Sink,
    socket::{Socket, StreamMessage},
    stats::Stats,
    users::{User, Users},
};

/// Concurrent connection attempts.
const AT_ONCE: usize = 64;
/// Not a valid code, so every attempt with it is wrong.
const WRONG: &str = "wrong";

/// Opens WebSockets and measures their events.
#[derive(Args)]
pub struct Streams {
    #[arg(long = "url", required = true)]
    urls: Vec<String>,
    #[arg(long = "pid")]
    pids: Vec<u32>,
    #[arg(long)]
    sink: String,
    /// WebSockets, each watching a different verification.
    #[arg(long, default_value_t = 10_000)]
    count: usize,
    /// Seconds without events.
    #[arg(long, default_value_t = 10.0)]
    idle: f64,
    /// Wrong attempts per second, each of which causes an event for one WebSocket.
    #[arg(long, default_value_t = 500.0)]
    rate: f64,
    /// Duration of these attempts in seconds.
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Number of events to all, with as many WebSockets on one verification; less than its number of attempts.
    #[arg(long, default_value_t = 3)]
    bursts: usize,
    #[arg(long, default_value_t = 0)]
    first: u64,
    #[command(flatten)]
    output: Output,
}

/// Receives the time of the next event from the reader of a WebSocket.
type Notifier = Arc<Mutex<Option<oneshot::Sender<Instant>>>>;

struct Watched {
    id: String,
    owner: User,
    notifier: Notifier,
    reader: JoinHandle<()>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// A pool of clients.
struct ClientPool {
    targets: Vec<Target>,
    idle: Mutex<Vec<Client>>,
}

impl Streams {
    /// # Errors
    /// The measurement failed; the message has the reason.
    pub async fn go(self) -> Result<(), String> {
        let targets: Result<Vec<_>, _> = self.urls.iter().map(|url| Target::parse(url)).collect();
        let pool = Arc::new(ClientPool { targets: targets?, idle: Mutex::default() });
        // Accepts the messages; the codes are not needed.
        let _sink = Sink::listen(&self.sink).await?;
        let stats = Arc::new(Stats::default());
        let users = Arc::new(Users::from(self.first));
        let numbers = (0..self.count).map(|_| users.next()).collect();
        let sent = each(numbers, |user| send(pool.clone(), user)).await.map_err(message)?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let before = Usage::of(&self.pids)?;
        let watched = self.open(&pool, sent).await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let opened = Usage::of(&self.pids)?;
        tokio::time::sleep(Duration::from_secs_f64(self.idle)).await;
        let idled = Usage::of(&self.pids)?;
        self.measure_single_events(&pool, &watched, &stats).await;
        let woken = Usage::of(&self.pids)?;
        let broken = watched.iter().filter(|watched| watched.reader.is_finished()).count();
        // Stops the readers and closes the WebSockets.
        drop(watched);
        tokio::time::sleep(Duration::from_secs(2)).await;
        let mut together = Vec::new();
        if self.bursts > 0 {
            together = self.measure_broadcasts(&pool, users.next(), &stats).await?;
        }
        let bytes = opened.rss_bytes.saturating_sub(before.rss_bytes) as f64;
        let report = vec![
            ("scenario", json!("Streams")),
            ("streams", json!(self.count)),
            ("broken", json!(broken)),
            ("begun_late_ms", stats.delays()),
            ("errors", stats.errors()),
            ("latency_ms", stats.latencies()),
            ("rss_kib_per_stream", json!(bytes / 1024.0 / self.count as f64)),
            ("idle_cpu_percent", json!((idled.cpu_seconds - opened.cpu_seconds) / self.idle.max(0.001) * 100.0)),
            ("events_per_second", json!(self.rate)),
            ("woken_together_last_ms", json!(together)),
            ("before", before.json()),
            ("opened", opened.json()),
            ("woken", woken.json()),
        ];
        self.output.write(report, |title| chart::svg(title, &stats))
    }

    /// Opens the WebSockets. Each is read from the beginning, because the server closes one that does not answer pings.
    async fn open(&self, pool: &Arc<ClientPool>, sent: Vec<(User, String)>) -> Result<Vec<Watched>, String> {
        let open = |(owner, id): (User, String)| {
            let pool = pool.clone();
            async move {
                let socket = Socket::watch(pool.target(&owner), &id, owner.address).await?;
                let notifier = Notifier::default();
                let reader = tokio::spawn(read(socket, notifier.clone()));
                Ok(Watched { id, owner, notifier, reader })
            }
        };
        each(sent, open).await.map_err(message)
    }

    async fn measure_single_events(&self, pool: &Arc<ClientPool>, watched: &[Watched], stats: &Arc<Stats>) {
        let begun = Instant::now();
        let events = (self.rate * self.seconds) as usize;
        let mut guessing = JoinSet::new();
        for number in 0..events {
            let due = begun + Duration::from_secs_f64(number as f64 / self.rate);
            tokio::time::sleep_until(due.into()).await;
            stats.record_delay(due.elapsed());
            let Watched { id, owner, notifier, .. } = &watched[number % watched.len()];
            let (pool, stats, id, address) = (pool.clone(), stats.clone(), id.clone(), owner.address);
            let event = next_event(notifier);
            guessing.spawn(async move {
                let guessed = Instant::now();
                let outcome = guess(&pool, &id, address).await;
                let answered = Instant::now();
                if outcome.is_ok()
                    && let Ok(Ok(at)) = tokio::time::timeout(Duration::from_secs(5), event).await
                {
                    stats.record_latency("guess answered", answered - guessed);
                    stats.record_latency("guess to event", at.saturating_duration_since(guessed));
                    stats.record_latency("answer to event", at.saturating_duration_since(answered));
                    stats.end(Ok(()));
                } else {
                    stats.end(Err(outcome.err().unwrap_or_else(|| LoadError::new("no_event"))));
                }
            });
        }
        guessing.join_all().await;
    }

    /// Returns for each event the milliseconds until the last WebSocket received it.
    async fn measure_broadcasts(&self, pool: &Arc<ClientPool>, owner: User, stats: &Stats) -> Result<Vec<f64>, String> {
        let (owner, id) = send(pool.clone(), owner).await.map_err(message)?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        // From different addresses, because the number of WebSockets per address is limited.
        let sent = (0..self.count).map(|number| (User { phone: String::new(), ..User::of(number as u64) }, id.clone()));
        let watched = self.open(pool, sent.collect()).await?;
        let mut spans = Vec::new();
        for _ in 0..self.bursts {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let events: Vec<_> = watched.iter().map(|watched| next_event(&watched.notifier)).collect();
            let guessed = Instant::now();
            guess(pool, &id, owner.address).await.map_err(message)?;
            let mut last = guessed;
            for event in events {
                let at = tokio::time::timeout(Duration::from_secs(10), event).await;
                let at = at.map_err(|_| "a WebSocket received no event")?.map_err(|_| "a WebSocket broke off")?;
                stats.record_latency("guess to all", at.saturating_duration_since(guessed));
                last = last.max(at);
            }
            spans.push((last - guessed).as_secs_f64() * 1000.0);
        }
        Ok(spans)
    }
}

impl ClientPool {
    fn target(&self, user: &User) -> &Target {
        &self.targets[usize::try_from(user.number).unwrap_or(0) % self.targets.len()]
    }

    fn take(&self) -> Client {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.unwrap_or_else(|| Client::new(&self.targets, 0))
    }

    fn give_back(&self, client: Client) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(client);
    }
}

fn message(error: LoadError) -> String {
    error.0
}

fn next_event(notifier: &Notifier) -> oneshot::Receiver<Instant> {
    let (sender, event) = oneshot::channel();
    *notifier.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
    event
}

async fn read(mut socket: Socket, notifier: Notifier) {
    while let Ok(StreamMessage::Event) = socket.next().await {
        let at = Instant::now();
        if let Some(event) = notifier.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = event.send(at);
        }
    }
}

async fn send(pool: Arc<ClientPool>, user: User) -> Result<(User, String), LoadError> {
    let mut client = pool.take();
    let input = json!({"purpose": "CONTACT", "to": {"phone": user.phone}});
    let sent = client.ask(&SEND, input, user.address).await?;
    pool.give_back(client);
    let id = sent["verification"]["id"].as_str().ok_or_else(|| LoadError::new("no_id"))?.to_owned();
    Ok((user, id))
}

async fn guess(pool: &ClientPool, id: &str, from: Ipv4Addr) -> Result<(), LoadError> {
    let mut client = pool.take();
    let result = client.ask(&CONFIRM, json!({"verificationId": id, "code": WRONG}), from).await;
    pool.give_back(client);
    match result {
        Err(error) if error.0 == "CODE_MISMATCH" => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(LoadError::new("wrong_code_accepted")),
    }
}

/// Runs `act` for each item, [`AT_ONCE`] concurrently, and stops at the first error.
async fn each<T: Send + 'static, U: Send + 'static, F>(items: Vec<T>, act: impl Fn(T) -> F) -> Result<Vec<U>, LoadError>
where
    F: Future<Output = Result<U, LoadError>> + Send + 'static,
{
    let mut done = Vec::with_capacity(items.len());
    let mut doing = JoinSet::new();
    for item in items {
        if doing.len() >= AT_ONCE
            && let Some(one) = doing.join_next().await
        {
            done.push(one.map_err(|_| LoadError::new("task_failed"))??);
        }
        doing.spawn(act(item));
    }
    while let Some(one) = doing.join_next().await {
        done.push(one.map_err(|_| LoadError::new("task_failed"))??);
    }
    Ok(done)
}
