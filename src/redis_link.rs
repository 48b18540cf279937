//! The link to Redis: one connection for questions that must be answered at once, with a breaker in it.
//!
//! A request may lose `REDIS_TIMEOUT` to a Redis that is slow or gone, but not every request: the first one that waits
//! in vain, or is answered with an error, opens the breaker. From then on [`RedisLink::ask`] says [`Unreachable`] at
//! once, while a task in the background connects anew, with back-off, until Redis takes a write in time again. Each
//! outage is one line in the log when it begins and one when it ends.
//!
//! This is not the client library's own connection manager, because that one lets every command wait for the reconnect.

mod probe;
#[cfg(test)]
pub mod testing;

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use redis::{
    AsyncConnectionConfig, Client, IntoConnectionInfo, RedisError, RedisResult,
    aio::{MultiplexedConnection, PubSub},
};

use self::probe::is_by_redis;
use crate::{config::redis::RedisSettings, fault::Fault, telemetry::metrics};

/// How long a connection may take to be made, its TLS handshake and log-in included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The first pause before connecting anew; each failure doubles it.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A link that breaks again before it stood this long goes on with the pauses where it left off.
const STEADY: Duration = Duration::from_secs(30);
/// Into how many parts a time-out is divided, to see whether this process is on time.
const SLICES: u32 = 5;
/// How late a timer may be by itself.
const TICK: Duration = Duration::from_millis(2);
/// However late this process is, it waits no longer than so many time-outs.
const MOST: u32 = 20;
/// How many questions may wait to be written; the library's 50 is for a handful of users.
const PIPELINE: usize = 1024;

/// Redis does not answer, not in time, or with an error. The log and the metrics know more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreachable;

/// The link to Redis. Cheap to clone.
#[derive(Clone)]
pub struct RedisLink(Arc<Link>);

struct Link {
    client: Client,
    prefix: String,
    timeout: Duration,
    state: Mutex<State>,
}

struct State {
    /// None while the breaker is open.
    connection: Option<MultiplexedConnection>,
    /// Which connection it is: what an older one suffers is no news of this one.
    generation: u64,
    /// Since when the link stands, or is down.
    since: Instant,
    /// How long to wait before connecting anew.
    pause: Duration,
}

impl RedisLink {
    /// A link that has tried once to connect. A Redis that is down is no reason not to start: the link comes up when
    /// Redis does. Must be called within a runtime.
    ///
    /// # Errors
    /// An address or a TLS configuration that can't be used.
    pub async fn open(settings: &RedisSettings) -> Result<Self, Fault> {
        // The text of the error may quote the URL with its password.
        let client = client(settings.url.expose())
            .map_err(|error| Fault::internal(format!("REDIS_URL can't be used: {}", error.category())))?;
        let state = State { connection: None, generation: 0, since: Instant::now(), pause: SHORTEST_PAUSE };
        let link = Arc::new(Link {
            client,
            prefix: settings.prefix.clone(),
            timeout: settings.timeout,
            state: Mutex::new(state),
        });
        match link.connect().await {
            Ok(connection) => {
                link.rise(connection);
            }
            Err(refusal) => {
                link.report_outage(&refusal.words(), refusal.is_by_redis());
                tokio::spawn(recover(Arc::downgrade(&link), SHORTEST_PAUSE));
            }
        }
        Ok(Self(link))
    }

    /// The name of a key or channel of ours.
    pub fn name(&self, rest: &str) -> String {
        format!("{}{rest}", self.0.prefix)
    }

    /// Whether Redis answered last time.
    pub fn is_up(&self) -> bool {
        self.0.lock().connection.is_some()
    }

    /// Asks Redis something that a request waits for: within the time-out, or not at all while the breaker is open.
    ///
    /// # Errors
    /// [`Unreachable`]. What was asked may still have been done.
    pub async fn ask<T, Answer>(&self, question: impl FnOnce(MultiplexedConnection) -> Answer) -> Result<T, Unreachable>
    where
        Answer: Future<Output = RedisResult<T>>,
    {
        let (connection, generation) = {
            let state = self.0.lock();
            (state.connection.clone().ok_or(Unreachable)?, state.generation)
        };
        let answer = match in_own_time(self.0.timeout, question(connection)).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        self.0.trip(generation, &answer);
        Err(Unreachable)
    }

    /// A connection of its own, for work that no request waits for.
    ///
    /// # Errors
    /// What the client library says of the failure.
    pub async fn dedicated(&self, response_timeout: Duration) -> RedisResult<MultiplexedConnection> {
        self.0.open_connection(Some(response_timeout)).await
    }

    /// A connection of its own for subscriptions.
    ///
    /// # Errors
    /// What the client library says of the failure.
    pub async fn pubsub(&self) -> RedisResult<PubSub> {
        in_time(CONNECT_TIMEOUT, self.0.client.get_async_pubsub()).await
    }

    /// How long Redis takes to do all that is asked of it, over fresh connections, for `doctor`.
    ///
    /// # Errors
    /// Unavailable, with what is wrong.
    pub async fn probe(&self) -> Result<Duration, Fault> {
        let begun = Instant::now();
        self.0.connect().await.map_err(|refusal| Fault::unavailable(refusal.words()))?;
        Ok(begun.elapsed())
    }
}

impl Link {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn open_connection(&self, response_timeout: Option<Duration>) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(response_timeout)
            .set_pipeline_buffer_size(PIPELINE);
        in_time(CONNECT_TIMEOUT, self.client.get_multiplexed_async_connection_with_config(&config)).await
    }

    /// Closes the breaker; says how long it was open.
    fn rise(&self, connection: MultiplexedConnection) -> Duration {
        let mut state = self.lock();
        let outage = state.since.elapsed();
        state.connection = Some(connection);
        state.generation += 1;
        state.since = Instant::now();
        drop(state);
        metrics::redis(true);
        outage
    }

    /// Opens the breaker, unless another one did, or a newer connection stands.
    fn trip(self: &Arc<Self>, generation: u64, error: &RedisError) {
        let mut state = self.lock();
        if state.connection.is_none() || state.generation != generation {
            return;
        }
        let stood = state.since.elapsed();
        state.pause = if stood > STEADY { SHORTEST_PAUSE } else { longer(state.pause) };
        state.connection = None;
        state.since = Instant::now();
        let pause = state.pause;
        drop(state);
        self.report_outage(&error.to_string(), is_by_redis(error));
        tokio::spawn(recover(Arc::downgrade(self), pause));
    }

    /// `refused`: Redis is there and refuses, so that waiting alone mends nothing.
    fn report_outage(&self, why: &str, refused: bool) {
        metrics::redis(false);
        match refused {
            true => tracing::error!("Redis refuses what is asked of it: {why}: each process keeps its own count"),
            false => {
                tracing::warn!(error = why, "Redis does not answer: each process keeps its own count until it does");
            }
        }
    }
}

/// Connects anew until it succeeds or nobody holds the link any more.
async fn recover(link: Weak<Link>, mut pause: Duration) {
    loop {
        tokio::time::sleep(pause).await;
        let Some(link) = link.upgrade() else { return };
        if let Ok(connection) = link.connect().await {
            let outage = link.rise(connection);
            tracing::info!(outage_ms = outage.as_millis(), "Redis answers again");
            return;
        }
        pause = longer(pause);
    }
}

fn client(url: &str) -> RedisResult<Client> {
    let info = url.into_connection_info()?;
    // Off by default in the library, and then a small question may wait 40 ms for the answer to the one before.
    let settings = info.tcp_settings().clone().set_nodelay(true);
    Client::open(info.set_tcp_settings(settings))
}

/// Waits for `work` no longer than `limit`, counting only the time in which this process was on time itself. A busy
/// process reads an answer late that arrived in time; that is no reason to take Redis for lost.
async fn in_own_time<T>(limit: Duration, work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    let slice = (limit / SLICES).max(Duration::from_millis(1));
    let (begun, mut left) = (Instant::now(), limit);
    let mut work = std::pin::pin!(work);
    loop {
        let slept = Instant::now();
        if let Ok(answer) = tokio::time::timeout(slice, &mut work).await {
            return answer;
        }
        // The answer is asked for before the time is looked at: a slice that ends late gave it one chance only.
        if slept.elapsed() < slice * 2 + TICK {
            left = left.saturating_sub(slice);
        }
        if left.is_zero() || begun.elapsed() > limit * MOST {
            return Err(timed_out());
        }
    }
}

async fn in_time<T>(limit: Duration, work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(timed_out()))
}

fn timed_out() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}

fn longer(pause: Duration) -> Duration {
    (pause * 2).min(LONGEST_PAUSE)
}

impl std::fmt::Debug for RedisLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisLink").field("up", &self.is_up()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_busy_process_gives_an_answer_the_time_that_it_takes_to_be_read() {
        let busy = tokio::spawn(async {
            loop {
                std::thread::sleep(Duration::from_millis(60));
                tokio::task::yield_now().await;
            }
        });
        // An answer takes several turns of the runtime: the socket, the connection's task, the one that asked.
        let answer = async {
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
            Ok(7)
        };
        assert_eq!(in_own_time(Duration::from_millis(100), answer).await.unwrap(), 7);
        busy.abort();
    }

    #[tokio::test]
    async fn a_redis_that_is_silent_is_given_up() {
        let silent = std::future::pending::<RedisResult<()>>();
        assert!(in_own_time(Duration::from_millis(20), silent).await.unwrap_err().is_timeout());
    }
}
