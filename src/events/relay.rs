//! Between processes: one connection that tells, one that listens, each made anew with back-off when it is lost.

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
    hub::Hub,
    message::Message,
    outbound::{Batch, Outbound},
};
use crate::{clock::Entropy, redis_link::RedisLink, telemetry::metrics, vitals::Vitals};

/// How long Redis may take to accept what is told, or to answer whether it is still there.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often the listening connection is asked whether it still stands: a wire that was cut far away says nothing.
const CHECK: Duration = Duration::from_secs(5);
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// News in one message.
const CHUNK: usize = 256;

/// Tells the other processes and listens to them, until it is dropped.
pub struct Relay {
    pub outbound: Arc<Outbound>,
    _telling: AbortOnDropHandle<()>,
    _listening: AbortOnDropHandle<()>,
}

/// This process among the others.
#[derive(Clone)]
struct Me {
    link: RedisLink,
    name: u64,
    /// What `Message::made_at` counts from.
    born: Instant,
}

impl Relay {
    pub fn open(link: RedisLink, hub: Arc<Hub>, entropy: &Entropy, vitals: &Vitals) -> Self {
        let outbound = Arc::new(Outbound::new());
        let me = Me { link, name: u64::from_be_bytes(entropy.bytes()), born: Instant::now() };
        let telling = vitals.spawn("relay that tells", tell(me.clone(), Arc::clone(&outbound)));
        let listening = vitals.spawn("relay that listens", listen(me, hub));
        Self { outbound, _telling: AbortOnDropHandle::new(telling), _listening: AbortOnDropHandle::new(listening) }
    }
}

impl Me {
    fn channel(&self) -> String {
        self.link.name("events")
    }

    fn micros(&self, instant: Instant) -> u64 {
        u64::try_from(instant.saturating_duration_since(self.born).as_micros()).unwrap_or(u64::MAX)
    }
}

/// Tells what waits, again and again until Redis took it. What it may have taken already is told twice; that does no
/// harm, since old sequences are dropped.
async fn tell(me: Me, outbound: Arc<Outbound>) {
    let mut connection = None;
    let mut pause = SHORTEST_PAUSE;
    let mut refused = false;
    loop {
        let batch = outbound.take().await;
        match tell_batch(&me, &mut connection, &batch).await {
            Ok(()) => {
                outbound.told();
                pause = SHORTEST_PAUSE;
                if std::mem::take(&mut refused) {
                    tracing::info!("Redis takes events for the other processes again");
                }
            }
            Err(error) => {
                // A connection that is lost the listener has reported. A refusal may be of PUBLISH alone.
                if !error.is_io_error() && !error.is_timeout() && !std::mem::replace(&mut refused, true) {
                    tracing::error!(%error, "Redis refuses events for the other processes: they see changes late");
                }
                connection = None;
                outbound.put_back(batch);
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

async fn tell_batch(me: &Me, connection: &mut Option<MultiplexedConnection>, batch: &Batch) -> RedisResult<()> {
    let made_at = batch.since().map_or(0, |since| me.micros(since));
    let mut publish = redis::pipe();
    for news in batch.news().chunks(CHUNK) {
        let message = serde_json::to_vec(&Message { from: me.name, made_at, news: news.to_vec() })
            .map_err(|error| RedisError::from(std::io::Error::from(error)))?;
        publish.cmd("PUBLISH").arg(me.channel()).arg(message).ignore();
    }
    let redis = match connection {
        Some(redis) => redis,
        None => connection.insert(me.link.dedicated(PATIENCE).await?),
    };
    publish.query_async(redis).await
}

/// Listens. Each time it begins to, whatever was missed before is made good by reading again.
async fn listen(me: Me, hub: Arc<Hub>) {
    let mut pause = SHORTEST_PAUSE;
    let mut cut_off: Option<Instant> = None;
    loop {
        let lost = match subscribe(&me).await {
            Ok((sink, stream)) => {
                pause = SHORTEST_PAUSE;
                if let Some(since) = cut_off.take() {
                    tracing::info!(outage_ms = since.elapsed().as_millis(), "events of other processes arrive again");
                }
                // What arrives while rows are read again is handed on as well: it may be newer.
                let standing = async {
                    tokio::select! {
                        () = receive(&me, &hub, stream) => {}
                        () = stands(sink) => {}
                    }
                };
                tokio::join!(standing, hub.reread());
                "the connection was lost".to_owned()
            }
            Err(error) => error.to_string(),
        };
        if cut_off.is_none() {
            tracing::warn!(cause = lost, "events of other processes do not arrive: rows are read again when they do");
            cut_off = Some(Instant::now());
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn subscribe(me: &Me) -> RedisResult<(PubSubSink, PubSubStream)> {
    let mut pubsub = me.link.pubsub().await?;
    tokio::time::timeout(PATIENCE, pubsub.subscribe(me.channel()))
        .await
        .map_err(|_| RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut)))??;
    Ok(pubsub.split())
}

/// Hands on what arrives, until the connection is lost.
async fn receive(me: &Me, hub: &Arc<Hub>, mut stream: PubSubStream) {
    while let Some(message) = stream.next().await {
        match serde_json::from_slice::<Message>(message.get_payload_bytes()) {
            Ok(message) if message.from == me.name => {
                let taken = me.micros(Instant::now()).saturating_sub(message.made_at);
                metrics::event_lag(Duration::from_micros(taken));
            }
            Ok(message) => {
                for news in message.news {
                    hub.hear(news).await;
                }
            }
            // Of a newer version of the program: what it says of which verification can't be known.
            Err(_) => hub.reread().await,
        }
    }
}

/// Returns when Redis does not answer on this connection any more.
async fn stands(mut sink: PubSubSink) {
    loop {
        tokio::time::sleep(CHECK).await;
        if !matches!(tokio::time::timeout(PATIENCE, sink.ping::<redis::Value>()).await, Ok(Ok(_))) {
            return;
        }
    }
}
