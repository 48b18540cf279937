//! A stretch of operations: warmed up, measured, and waited for until the last message has left.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use clap::Args;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    pace::Pace,
    people::People,
    picture,
    process::Usage,
    report::Output,
    scenario::{Scenario, Worker, World},
    sink::Sink,
    tally::Tally,
    wire::Target,
};

/// After the last message reached the gateway, its sender still writes that it was taken.
const SETTLING: Duration = Duration::from_millis(500);
/// What has not left by then is counted as not sent.
const PATIENCE: Duration = Duration::from_secs(60);

/// Drives operations over HTTP.
#[derive(Args)]
pub struct Run {
    #[arg(long, value_enum)]
    scenario: Scenario,
    /// A process, http://HOST:PORT; several are asked in turn.
    #[arg(long = "url", required = true)]
    urls: Vec<String>,
    /// A process whose CPU time, memory, descriptors and threads are read.
    #[arg(long = "pid")]
    pids: Vec<u32>,
    /// Where the provider `webhook` posts to.
    #[arg(long)]
    sink: String,
    /// Clients at once.
    #[arg(long, default_value_t = 32)]
    concurrency: usize,
    /// Operations a second, whether or not the server keeps up; left out, as many as the clients can.
    #[arg(long)]
    rate: Option<f64>,
    #[arg(long, default_value_t = 15.0)]
    seconds: f64,
    /// Not measured.
    #[arg(long, default_value_t = 3.0)]
    warm_up: f64,
    /// Memory, descriptors and threads are noted every so many seconds.
    #[arg(long)]
    sample: Option<f64>,
    /// The first person's number: another one than an earlier run's on the same database.
    #[arg(long, default_value_t = 0)]
    first: u64,
    #[command(flatten)]
    output: Output,
}

impl Run {
    /// # Errors
    /// What kept it from measuring, in words.
    pub async fn go(self) -> Result<(), String> {
        let targets: Result<Vec<_>, _> = self.urls.iter().map(|url| Target::parse(url)).collect();
        let sink = Sink::listen(&self.sink).await?;
        let world = Arc::new(World { targets: targets?, people: People::from(self.first), sink });
        let mut workers = Vec::with_capacity(self.concurrency);
        for number in 0..self.concurrency {
            let worker = Worker::new(&world, self.scenario, number).await;
            workers.push(worker.map_err(|trouble| format!("preparing client {number}: {}", trouble.0))?);
        }
        let (workers, _) = self.stretch(&world, workers, self.warm_up).await;
        let before = Usage::of(&self.pids)?;
        let samples = self.watch_samples(before);
        let begun = Instant::now();
        let (_, tally) = self.stretch(&world, workers, self.seconds).await;
        let after = Usage::of(&self.pids)?;
        let samples = samples.stop().await;
        let done = tally.done();
        let cpu = after.cpu_seconds - before.cpu_seconds;
        let thousand = |sum: f64| if done > 0 { Some(sum * 1000.0 / done as f64) } else { None };
        let report = json!({
            "scenario": format!("{:?}", self.scenario),
            "processes": self.urls.len(),
            "concurrency": self.concurrency,
            "rate": self.rate,
            "seconds": self.seconds,
            "operations": done,
            "operations_per_second": done as f64 / self.seconds,
            "cpu_ms_per_operation": thousand(cpu),
            "cpu_seconds": cpu,
            "all_settled_after_seconds": begun.elapsed().as_secs_f64(),
            "errors": tally.errors(),
            "latency_ms": tally.latencies(),
            "begun_late_ms": tally.lateness(),
            "before": before.json(),
            "after": after.json(),
            "samples": samples,
        });
        let picture = |title: &str| picture::svg(title, &tally);
        self.output.write(report, picture)
    }

    /// Load for so long; then everything that it set going is waited for, so that none of it is paid for by the next one.
    async fn stretch(&self, world: &Arc<World>, workers: Vec<Worker>, seconds: f64) -> (Vec<Worker>, Arc<Tally>) {
        let tally = Arc::new(Tally::default());
        let taken = world.sink.taken();
        let pace = Arc::new(Pace::begin(Duration::from_secs_f64(seconds), self.rate));
        let mut working = JoinSet::new();
        for mut worker in workers {
            let (pace, tally) = (pace.clone(), tally.clone());
            working.spawn(async move {
                while let Some(due) = pace.turn().await {
                    if pace.is_due() {
                        tally.began_late(due.elapsed());
                    }
                    let outcome = worker.act(due, &tally).await;
                    tally.end(outcome);
                }
                worker
            });
        }
        let workers = working.join_all().await;
        let deadline = Instant::now() + PATIENCE;
        while world.sink.taken() - taken < tally.messages() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(SETTLING).await;
        if !self.scenario.reads_codes() {
            world.sink.clear();
        }
        (workers, tally)
    }

    fn watch_samples(&self, before: Usage) -> Samples {
        let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
        let every = self.sample.map(Duration::from_secs_f64);
        let pids = self.pids.clone();
        let watching = tokio::spawn(async move {
            let mut samples = Vec::new();
            let Some(every) = every else { return samples };
            let begun = Instant::now();
            let mut last = before;
            while tokio::time::timeout(every, &mut stopped).await.is_err() {
                let Ok(usage) = Usage::of(&pids) else { break };
                let mut sample = usage.json();
                sample["at_seconds"] = json!(begun.elapsed().as_secs());
                sample["cpu_seconds"] = json!(usage.cpu_seconds - last.cpu_seconds);
                last = usage;
                samples.push(sample);
            }
            samples
        });
        Samples { stop, watching }
    }
}

struct Samples {
    stop: tokio::sync::oneshot::Sender<()>,
    watching: tokio::task::JoinHandle<Vec<Value>>,
}

impl Samples {
    async fn stop(self) -> Vec<Value> {
        let _ = self.stop.send(());
        self.watching.await.unwrap_or_default()
    }
}
