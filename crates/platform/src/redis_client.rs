//! The connection to Redis for commands that a request waits for, with a circuit breaker.
//!
//! A request may lose `REDIS_TIMEOUT` to a Redis that is slow or unreachable, but not every request: the first one that
//! times out or receives an error opens the breaker. From then on [`RedisLink::query`] returns [`Unreachable`] at once,
//! while a background task reconnects with back-off until Redis accepts a write in time again. Each outage logs one
//! line when it begins and one when it ends.
//!
//! The client library's own connection manager is not used, because it makes every command wait for the reconnect.

mod probe;
#[cfg(any(test, feature = "testing"))]
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

/// The timeout for establishing a connection, including TLS handshake and authentication.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The first pause before reconnecting; each failure doubles it.
const MIN_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// If a connection is lost before it was up this long, the back-off continues with the pause it had reached.
const STABLE_AFTER: Duration = Duration::from_secs(30);
/// A timeout is divided into this many slices, to detect whether this process is delayed itself.
const SLICES: u32 = 5;
/// The normal imprecision of a timer.
const TIMER_TOLERANCE: Duration = Duration::from_millis(2);
/// The upper limit for a wait in a delayed process, as a multiple of the timeout.
const MAX_TIMEOUTS: u32 = 20;
/// The number of commands that may wait to be written; the library's default of 50 is too small for many users.
const PIPELINE_BUFFER: usize = 1024;

/// Redis did not respond in time, or responded with an error. The cause is in the log and the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreachable;

/// The connection to Redis. Cheap to clone.
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
    /// The number of the connection. An error of an older connection does not affect the current one.
    generation: u64,
    /// When the connection was established or lost.
    since: Instant,
    /// The pause before reconnecting.
    pause: Duration,
}

impl RedisLink {
    /// Opens the link and tries once to connect. If Redis is down, the process still starts, and the link connects when
    /// Redis is up. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// The URL or the TLS configuration is invalid.
    pub async fn open(settings: &RedisSettings) -> Result<Self, Fault> {
        // The error text may quote the URL with its password.
        let client = client(settings.url.expose())
            .map_err(|error| Fault::internal(format!("REDIS_URL can't be used: {}", error.category())))?;
        let state = State { connection: None, generation: 0, since: Instant::now(), pause: MIN_PAUSE };
        let link = Arc::new(Link {
            client,
            prefix: settings.prefix.clone(),
            timeout: settings.timeout,
            state: Mutex::new(state),
        });
        match link.connect().await {
            Ok(connection) => {
                link.close_breaker(connection);
            }
            Err(refusal) => {
                link.report_outage(&refusal.explain(), refusal.is_by_redis());
                tokio::spawn(recover(Arc::downgrade(&link), MIN_PAUSE));
            }
        }
        Ok(Self(link))
    }

    /// The name of a key or channel with the configured prefix.
    pub fn name(&self, rest: &str) -> String {
        format!("{}{rest}", self.0.prefix)
    }

    /// Whether the breaker is closed.
    pub fn is_up(&self) -> bool {
        self.0.lock().connection.is_some()
    }

    /// Runs a command that a request waits for, with the timeout. Fails at once while the breaker is open.
    ///
    /// # Errors
    /// [`Unreachable`]. The command may still have been executed.
    pub async fn query<T, Reply>(&self, command: impl FnOnce(MultiplexedConnection) -> Reply) -> Result<T, Unreachable>
    where
        Reply: Future<Output = RedisResult<T>>,
    {
        let (connection, generation) = {
            let state = self.0.lock();
            (state.connection.clone().ok_or(Unreachable)?, state.generation)
        };
        let error = match timeout_excluding_delays(self.0.timeout, command(connection)).await {
            Ok(result) => return Ok(result),
            Err(error) => error,
        };
        self.0.open_breaker(generation, &error);
        Err(Unreachable)
    }

    /// A separate connection, for work that no request waits for.
    ///
    /// # Errors
    /// The client library's error.
    pub async fn dedicated(&self, response_timeout: Duration) -> RedisResult<MultiplexedConnection> {
        self.0.open_connection(Some(response_timeout)).await
    }

    /// A separate connection for subscriptions.
    ///
    /// # Errors
    /// The client library's error.
    pub async fn pubsub(&self) -> RedisResult<PubSub> {
        with_timeout(CONNECT_TIMEOUT, self.0.client.get_async_pubsub()).await
    }

    /// Runs every kind of command that the service uses, over new connections, and returns the time taken. For
    /// `doctor`.
    ///
    /// # Errors
    /// Unavailable, with the cause.
    pub async fn probe(&self) -> Result<Duration, Fault> {
        let started = Instant::now();
        self.0.connect().await.map_err(|refusal| Fault::unavailable(refusal.explain()))?;
        Ok(started.elapsed())
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
            .set_pipeline_buffer_size(PIPELINE_BUFFER);
        with_timeout(CONNECT_TIMEOUT, self.client.get_multiplexed_async_connection_with_config(&config)).await
    }

    /// Closes the breaker; returns how long it was open.
    fn close_breaker(&self, connection: MultiplexedConnection) -> Duration {
        let mut state = self.lock();
        let outage = state.since.elapsed();
        state.connection = Some(connection);
        state.generation += 1;
        state.since = Instant::now();
        drop(state);
        metrics::redis(true);
        outage
    }

    /// Opens the breaker, unless it is open already or a newer connection has replaced this one.
    fn open_breaker(self: &Arc<Self>, generation: u64, error: &RedisError) {
        let mut state = self.lock();
        if state.connection.is_none() || state.generation != generation {
            return;
        }
        let uptime = state.since.elapsed();
        state.pause = if uptime > STABLE_AFTER { MIN_PAUSE } else { next_pause(state.pause) };
        state.connection = None;
        state.since = Instant::now();
        let pause = state.pause;
        drop(state);
        self.report_outage(&error.to_string(), is_by_redis(error));
        tokio::spawn(recover(Arc::downgrade(self), pause));
    }

    /// `rejected`: Redis responds and rejects the commands, so waiting does not help.
    fn report_outage(&self, cause: &str, rejected: bool) {
        metrics::redis(false);
        match rejected {
            true => tracing::error!("Redis rejects commands, using per-process quotas: {cause}"),
            false => {
                tracing::warn!(error = cause, "Redis unavailable, using per-process quotas");
            }
        }
    }
}

/// Reconnects until it succeeds or the link was dropped.
async fn recover(link: Weak<Link>, mut pause: Duration) {
    loop {
        tokio::time::sleep(pause).await;
        let Some(link) = link.upgrade() else { return };
        if let Ok(connection) = link.connect().await {
            let outage = link.close_breaker(connection);
            tracing::info!(outage_ms = outage.as_millis(), "Redis available again");
            return;
        }
        pause = next_pause(pause);
    }
}

fn client(url: &str) -> RedisResult<Client> {
    let info = url.into_connection_info()?;
    // Off by default in the library. Without it a small command may wait 40 ms for the reply to the previous one.
    let settings = info.tcp_settings().clone().set_nodelay(true);
    Client::open(info.set_tcp_settings(settings))
}

/// Waits for `work` up to `limit`, and counts only the time in which this process itself was not delayed. A busy
/// process may read late a reply that arrived in time; this must not open the breaker.
async fn timeout_excluding_delays<T>(limit: Duration, work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    let slice = (limit / SLICES).max(Duration::from_millis(1));
    let (started, mut left) = (Instant::now(), limit);
    let mut work = std::pin::pin!(work);
    loop {
        let slice_start = Instant::now();
        if let Ok(result) = tokio::time::timeout(slice, &mut work).await {
            return result;
        }
        // `timeout` polls the work before the timer. In a slice that ends late, the work was polled only once.
        if slice_start.elapsed() < slice * 2 + TIMER_TOLERANCE {
            left = left.saturating_sub(slice);
        }
        if left.is_zero() || started.elapsed() > limit * MAX_TIMEOUTS {
            return Err(timed_out());
        }
    }
}

async fn with_timeout<T>(limit: Duration, work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(timed_out()))
}

fn timed_out() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}

fn next_pause(pause: Duration) -> Duration {
    (pause * 2).min(MAX_PAUSE)
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
    async fn timeout_excludes_delays_of_this_process() {
        let busy = tokio::spawn(async {
            loop {
                std::thread::sleep(Duration::from_millis(60));
                tokio::task::yield_now().await;
            }
        });
        // A reply takes several polls: the socket, the connection task, the task that waits.
        let reply = async {
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
            Ok(7)
        };
        assert_eq!(timeout_excluding_delays(Duration::from_millis(100), reply).await.unwrap(), 7);
        busy.abort();
    }

    #[tokio::test]
    async fn silent_redis_times_out() {
        let silent = std::future::pending::<RedisResult<()>>();
        assert!(timeout_excluding_delays(Duration::from_millis(20), silent).await.unwrap_err().is_timeout());
    }
}
