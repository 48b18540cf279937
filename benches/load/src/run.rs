//! Runs a scenario: warm-up, measurement, and a wait until the last message is sent.

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
    pacer::Pacer,
    process::Usage,
    report::Output,
    scenario::{Context, Scenario, Worker},
    sink::Sink,
    stats::Stats,
    users::Users,
};

/// After the last message has reached the gateway, the server still records the result.
const SETTLING: Duration = Duration::from_millis(500);
/// Messages that have not arrived by then are not waited for.
const TIMEOUT: Duration = Duration::from_secs(60);

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
        let context = Arc::new(Context { targets: targets?, users: Users::from(self.first), sink });
        let mut workers = Vec::with_capacity(self.concurrency);
        for number in 0..self.concurrency {
            let worker = Worker::new(&context, self.scenario, number).await;
            workers.push(worker.map_err(|error| format!("preparing client {number}: {}", error.0))?);
        }
        let (workers, _) = self.phase(&context, workers, self.warm_up).await;
        let before = Usage::of(&self.pids)?;
        let samples = self.start_sampling(before);
        let begun = Instant::now();
        let (_, stats) = self.phase(&context, workers, self.seconds).await;
        let after = Usage::of(&self.pids)?;
        let samples = samples.stop().await;
        let done = stats.done();
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
            "errors": stats.errors(),
            "latency_ms": stats.latencies(),
            "begun_late_ms": stats.delays(),
            "before": before.json(),
            "after": after.json(),
            "samples": samples,
        });
        let chart = |title: &str| chart::svg(title, &stats);
        self.output.write(report, chart)
    }

    /// Generates load for this time, then waits until its messages are sent, so that they do not affect the next phase.
    async fn phase(&self, context: &Arc<Context>, workers: Vec<Worker>, seconds: f64) -> (Vec<Worker>, Arc<Stats>) {
        let stats = Arc::new(Stats::default());
        let taken = context.sink.taken();
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
        let deadline = Instant::now() + TIMEOUT;
        while context.sink.taken() - taken < stats.messages() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(SETTLING).await;
        if !self.scenario.reads_codes() {
            context.sink.clear();
        }
        (workers, stats)
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
