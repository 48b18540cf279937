//! Runs a scenario: warm-up, measurement, and a wait until the last message is settled.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use clap::Args;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    chart,
    client::Target,
    costs::Reading,
    database::{Database, UNSETTLED},
    pacer::Pacer,
    process::Usage,
    report::{Fields, Output},
    scenario::{Context, Scenario, Worker},
    settling::Settled,
    sink::Sink,
    stats::Stats,
    users::Users,
};

/// Executes operations over HTTP and measures them.
#[derive(Args)]
pub struct Run {
    #[arg(long, value_enum)]
    scenario: Scenario,
    /// URL of a server process, http://HOST:PORT. Requests alternate between several.
    #[arg(long = "url", required = true)]
    urls: Vec<String>,
    /// PID of a process whose CPU time, memory, descriptors and threads are measured.
    #[arg(long = "pid")]
    pids: Vec<u32>,
    /// Hash of the sources of the server, for the report.
    #[arg(long)]
    sources: Option<String>,
    /// URL of the server's PostgreSQL database, to know when messages are settled. Without it, the time at which the
    /// gateway answered the last message is reported instead.
    #[arg(long)]
    database: Option<String>,
    /// Query for the number of messages without a recorded result. It runs after the last operation, not during it.
    #[arg(long, default_value = UNSETTLED)]
    unsettled_sql: String,
    /// PID of PostgreSQL (the postmaster), whose CPU time is measured together with that of its processes.
    #[arg(long)]
    postgres_pid: Option<u32>,
    /// Address of the gateway, to which the provider `webhook` posts.
    #[arg(long)]
    sink: String,
    /// Concurrent clients.
    #[arg(long, default_value_t = 32)]
    concurrency: usize,
    /// Operations per second, whether or not the server keeps up; without it, as many as the clients can.
    #[arg(long)]
    rate: Option<f64>,
    #[arg(long, default_value_t = 15.0)]
    seconds: f64,
    /// Duration of the warm-up in seconds, which is not measured.
    #[arg(long, default_value_t = 3.0)]
    warm_up: f64,
    /// Interval in seconds at which memory, descriptors and threads are sampled.
    #[arg(long)]
    sample: Option<f64>,
    /// Number of the first user; must differ from the users of earlier runs on the same database.
    #[arg(long, default_value_t = 0)]
    first: u64,
    #[command(flatten)]
    output: Output,
}

impl Run {
    /// # Errors
    /// The measurement failed; the message has the reason.
    pub async fn go(self) -> Result<(), String> {
        let targets: Result<Vec<_>, _> = self.urls.iter().map(|url| Target::parse(url)).collect();
        let sink = Sink::listen(&self.sink).await?;
        let mut database = match &self.database {
            Some(url) => Some(Database::connect(url, self.unsettled_sql.clone()).await?),
            None => None,
        };
        let context = Arc::new(Context { targets: targets?, users: Users::from(self.first), sink });
        let workers = self.workers(&context).await?;
        let warm = self.phase(&context, workers, self.warm_up).await;
        Settled::wait(&context.sink, database.as_mut(), warm.ended).await?;
        let before = Reading::take(&self.pids, self.postgres_pid, database.as_mut()).await?;
        let samples = self.start_sampling(before.server);
        let phase = self.phase(&context, warm.workers, self.seconds).await;
        let backlog = match &mut database {
            Some(database) if context.sink.departures().expected() > 0 => database.unsettled().await?,
            _ => context.sink.departures().awaited(),
        };
        let settled = Settled::wait(&context.sink, database.as_mut(), phase.ended).await?;
        let after = Reading::take(&self.pids, self.postgres_pid, database.as_mut()).await?;
        let done = phase.stats.done();
        let mut report: Fields = vec![
            ("sustained_per_second", json!(settled.rate(done, phase.begun))),
            ("settled", settled.json(phase.begun)),
            ("begun_late_ms", phase.stats.delays()),
            ("errors", phase.stats.errors()),
            ("latency_ms", phase.stats.latencies()),
            ("left_after_ms", context.sink.departures().json()),
            ("backlog", json!(backlog)),
            ("operations", json!(done)),
            ("operations_per_second", json!(done as f64 / self.seconds)),
        ];
        report.extend(after.since(&before, done));
        report.extend(self.circumstances());
        report.extend([("before", before.server.json()), ("after", after.server.json())]);
        report.push(("samples", json!(samples.stop().await)));
        self.output.write(report, |title| chart::svg(title, &phase.stats))
    }

    async fn workers(&self, context: &Arc<Context>) -> Result<Vec<Worker>, String> {
        let mut workers = Vec::with_capacity(self.concurrency);
        for number in 0..self.concurrency {
            let worker = Worker::new(context, self.scenario, number).await;
            workers.push(worker.map_err(|error| format!("preparing client {number}: {}", error.0))?);
        }
        Ok(workers)
    }

    /// What was run, and how.
    fn circumstances(&self) -> Fields {
        vec![
            ("scenario", json!(format!("{:?}", self.scenario))),
            ("sources_sha256", json!(self.sources)),
            ("processes", json!(self.urls.len())),
            ("concurrency", json!(self.concurrency)),
            ("rate", json!(self.rate)),
            ("seconds", json!(self.seconds)),
        ]
    }

    /// Generates load for this time, until the last operation has ended. Its messages may still be on their way.
    async fn phase(&self, context: &Arc<Context>, workers: Vec<Worker>, seconds: f64) -> Phase {
        let stats = Arc::new(Stats::default());
        context.sink.begin();
        if !self.scenario.reads_codes() {
            context.sink.clear();
        }
        let begun = Instant::now();
        let pacer = Arc::new(Pacer::begin(Duration::from_secs_f64(seconds), self.rate));
        let mut working = JoinSet::new();
        for mut worker in workers {
            let (pacer, stats) = (pacer.clone(), stats.clone());
            working.spawn(async move {
                while let Some(due) = pacer.next_turn().await {
                    if pacer.is_due() {
                        stats.record_delay(due.elapsed());
                    }
                    let outcome = worker.act(due, &stats).await;
                    stats.end(outcome);
                }
                worker
            });
        }
        let workers = working.join_all().await;
        Phase { workers, stats, begun, ended: Instant::now() }
    }

    fn start_sampling(&self, before: Usage) -> Samples {
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

/// A phase of load that has ended.
struct Phase {
    workers: Vec<Worker>,
    stats: Arc<Stats>,
    begun: Instant,
    ended: Instant,
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
