//! Exchanges changes with other processes: one connection publishes, one subscribes. Each is re-established with
//! back-off.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::StreamExt;
use redis::{
    RedisError, RedisResult,
    aio::{MultiplexedConnection, PubSubSink, PubSubStream},
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    local::Hub,
    message::Message,
    outbound::{Batch, Outbound},
};
use platform::{clock::Entropy, redis_client::RedisLink, supervisor::Supervisor, telemetry::metrics};

/// The timeout for Redis to accept a message or to reply to a ping.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The interval of pings on the subscription. A connection that was lost beyond the local network reports no error.
const PING_INTERVAL: Duration = Duration::from_secs(5);
const MIN_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_secs(2);
/// Changes per message.
const CHUNK: usize = 256;

/// Publishes to the other processes and receives from them, until it is dropped.
pub struct Relay {
    pub outbound: Arc<Outbound>,
    _publisher: AbortOnDropHandle<()>,
    _subscriber: AbortOnDropHandle<()>,
}

/// The identity of this process.
#[derive(Clone)]
struct Process {
    link: RedisLink,
    name: u64,
    /// The zero point of `Message::made_at`.
    started: Instant,
}

impl Relay {
    pub fn open(link: RedisLink, hub: Arc<Hub>, entropy: &Entropy, supervisor: &Supervisor) -> Self {
        let outbound = Arc::new(Outbound::new());
        let process = Process { link, name: u64::from_be_bytes(entropy.bytes()), started: Instant::now() };
        let publisher = supervisor.spawn("event publisher", run_publisher(process.clone(), Arc::clone(&outbound)));
        let subscriber = supervisor.spawn("event subscriber", run_subscriber(process, hub));
        Self {
            outbound,
            _publisher: AbortOnDropHandle::new(publisher),
            _subscriber: AbortOnDropHandle::new(subscriber),
        }
    }
}

impl Process {
    fn channel(&self) -> String {
        self.link.name("events")
    }

    fn micros(&self, instant: Instant) -> u64 {
        u64::try_from(instant.saturating_duration_since(self.started).as_micros()).unwrap_or(u64::MAX)
    }
}

/// Publishes the queue, with retries until Redis has accepted it. A change may be published twice; this is harmless,
/// since older sequences are dropped.
async fn run_publisher(process: Process, outbound: Arc<Outbound>) {
    let mut connection = None;
    let mut pause = MIN_PAUSE;
    let mut rejected = false;
    loop {
        let batch = outbound.take_all().await;
        match publish_batch(&process, &mut connection, &batch).await {
            Ok(()) => {
                outbound.mark_sent();
                pause = MIN_PAUSE;
                if std::mem::take(&mut rejected) {
                    tracing::info!("Redis accepts events for other processes again");
                }
            }
            Err(error) => {
                // The subscriber reports a lost connection. A rejection may concern PUBLISH only.
                if !error.is_io_error() && !error.is_timeout() && !std::mem::replace(&mut rejected, true) {
                    tracing::error!(%error, "Redis rejects events for other processes, which will see changes late");
                }
                connection = None;
                outbound.requeue(batch);
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(MAX_PAUSE);
            }
        }
    }
}

async fn publish_batch(
    process: &Process,
    connection: &mut Option<MultiplexedConnection>,
    batch: &Batch,
) -> RedisResult<()> {
    let made_at = batch.since().map_or(0, |since| process.micros(since));
    let mut publish = redis::pipe();
    for news in batch.events().chunks(CHUNK) {
        let message = serde_json::to_vec(&Message { from: process.name, made_at, events: news.to_vec() })
            .map_err(|error| RedisError::from(std::io::Error::from(error)))?;
        publish.cmd("PUBLISH").arg(process.channel()).arg(message).ignore();
    }
    let redis = match connection {
        Some(redis) => redis,
        None => connection.insert(process.link.dedicated(TIMEOUT).await?),
    };
    publish.query_async(redis).await
}

/// Subscribes. After each subscription everything is read again, since messages may have been missed before it.
async fn run_subscriber(process: Process, hub: Arc<Hub>) {
    let mut pause = MIN_PAUSE;
    let mut disconnected: Option<Instant> = None;
    loop {
        let cause = match subscribe(&process).await {
            Ok((sink, stream)) => {
                pause = MIN_PAUSE;
                if let Some(since) = disconnected.take() {
                    tracing::info!(
                        outage_ms = since.elapsed().as_millis(),
                        "events from other processes are received again"
                    );
                }
                // Messages that arrive during the re-read are delivered too: they may be newer.
                let receiving = async {
                    tokio::select! {
                        () = receive(&process, &hub, stream) => {}
                        () = until_unresponsive(sink) => {}
                    }
                };
                tokio::join!(receiving, hub.reread());
                "the connection was lost".to_owned()
            }
            Err(error) => error.to_string(),
        };
        if disconnected.is_none() {
            tracing::warn!(cause, "not receiving events from other processes, will read rows again after reconnecting");
            disconnected = Some(Instant::now());
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
}

async fn subscribe(process: &Process) -> RedisResult<(PubSubSink, PubSubStream)> {
    let mut pubsub = process.link.pubsub().await?;
    tokio::time::timeout(TIMEOUT, pubsub.subscribe(process.channel()))
        .await
        .map_err(|_| RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut)))??;
    Ok(pubsub.split())
}

/// Delivers received messages until the connection is lost.
async fn receive(process: &Process, hub: &Arc<Hub>, mut stream: PubSubStream) {
    while let Some(message) = stream.next().await {
        match serde_json::from_slice::<Message>(message.get_payload_bytes()) {
            Ok(message) if message.from == process.name => {
                let taken = process.micros(Instant::now()).saturating_sub(message.made_at);
                metrics::event_lag(Duration::from_micros(taken));
            }
            Ok(message) => {
                for news in message.events {
                    hub.handle_remote(news).await;
                }
            }
            // From a newer version of the program: which verifications it concerns is unknown.
            Err(_) => hub.reread().await,
        }
    }
}

/// Returns when Redis no longer responds on this connection.
async fn until_unresponsive(mut sink: PubSubSink) {
    loop {
        tokio::time::sleep(PING_INTERVAL).await;
        if !matches!(tokio::time::timeout(TIMEOUT, sink.ping::<redis::Value>()).await, Ok(Ok(_))) {
            return;
        }
    }
}
