//! Checks that Redis permits every kind of command that the service uses, and explains failures.
//!
//! A Redis user may have permission to write but not to run scripts or use channels. PING is not enough: a replica, or
//! a Redis that is out of memory or can't write to disk, also replies to it.

use std::time::Duration;

use redis::{ErrorKind, RedisError, Script, aio::MultiplexedConnection};

use super::{Link, timeout_excluding_delays, with_timeout};

/// An empty message in the format of the event channel; every version of the program accepts it.
const EMPTY_MESSAGE: &str = r#"{"from":0,"made_at":0,"news":[]}"#;
/// All commands that the quota scripts call.
const SCRIPT: &str = "redis.call('TIME') redis.call('GET', KEYS[1]) redis.call('SET', KEYS[1], 1, 'PX', 1000)
redis.call('HSET', KEYS[2], 'a', 1) redis.call('HMGET', KEYS[2], 'a') redis.call('PEXPIRE', KEYS[2], 1000) return 1";

/// The command that failed, and the error.
pub(super) struct CommandError {
    command: &'static str,
    error: RedisError,
    tls: bool,
}

impl CommandError {
    /// Whether Redis itself rejected the command: it is reachable, and waiting does not help.
    pub fn is_by_redis(&self) -> bool {
        is_by_redis(&self.error)
    }

    /// The cause and the fix, for the log and for `doctor`.
    pub fn explain(&self) -> String {
        let Self { command, error, tls } = self;
        let text = error.to_string();
        let has = |word: &str| text.contains(word);
        if has("NOPERM") || has("NoPerm") {
            return format!(
                "the user may not use {command}: allow it with ACL SETUSER (keys ~PREFIX*, channels &PREFIX*, commands \
                 +@read +@write +@scripting +@pubsub +@connection +time, PREFIX as in REDIS_PREFIX): {text}"
            );
        }
        let reason = match error.kind() {
            ErrorKind::AuthenticationFailed => "user or password is wrong, or the server expects none",
            _ if has("NOAUTH") => "the server needs a password, and REDIS_URL has none",
            _ if has("READONLY") || has("ReadOnly") => {
                "this is a read-only replica: REDIS_URL must point to the primary"
            }
            _ if has("lookup") || has("resolve") => "the host of REDIS_URL is unknown",
            _ if *tls && (has("corrupt message") || has("InvalidContentType")) => {
                "the server does not use TLS: use redis:// instead of rediss://"
            }
            _ if *tls && has("certificate") => "the server's certificate is not trusted",
            ErrorKind::Parse if !*tls => {
                "the response is not the Redis protocol: if the server uses TLS, use rediss://"
            }
            _ if *tls && *command == CONNECT && error.is_timeout() => {
                "the server does not respond: if it does not use TLS, use redis:// instead of rediss://"
            }
            _ if *command == CONNECT && !*tls && error.is_connection_dropped() && !error.is_connection_refusal() => {
                "the server closes the connection: if it uses TLS, use rediss://"
            }
            _ => return format!("{command}: {text}"),
        };
        format!("{reason} ({text})")
    }
}

/// Whether Redis itself rejected the command: it is reachable, and waiting does not help.
pub(super) fn is_by_redis(error: &RedisError) -> bool {
    let text = error.to_string();
    error.kind() == ErrorKind::AuthenticationFailed
        || ["NOPERM", "NoPerm", "NOAUTH"].iter().any(|refusal| text.contains(refusal))
}

const CONNECT: &str = "connecting";

impl Link {
    /// A new connection on which Redis executed every kind of command in time.
    pub(super) async fn connect(&self) -> Result<MultiplexedConnection, CommandError> {
        let tls = matches!(self.client.get_connection_info().addr(), redis::ConnectionAddr::TcpTls { .. });
        let refused = |command| move |error| CommandError { command, error, tls };
        // No response timeout here: `ask` applies it.
        let mut connection = self.open_connection(None).await.map_err(refused(CONNECT))?;
        let key = format!("{}probe", self.prefix);
        let mut write = redis::cmd("SET");
        write.arg(&key).arg(1).arg("PX").arg(1000);
        timeout_excluding_delays(self.timeout, write.query_async::<()>(&mut connection))
            .await
            .map_err(refused("SET"))?;
        // The first run of a script sends three commands.
        let script = Script::new(SCRIPT);
        let mut call = script.key(&key);
        call.key(format!("{key}s"));
        let run = call.invoke_async::<()>(&mut connection);
        timeout_excluding_delays(self.timeout * 3, run).await.map_err(refused("EVALSHA and SCRIPT LOAD"))?;
        let channel = format!("{}events", self.prefix);
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(&channel).arg(EMPTY_MESSAGE);
        timeout_excluding_delays(self.timeout, publish.query_async::<()>(&mut connection))
            .await
            .map_err(refused("PUBLISH"))?;
        self.subscribe(&channel).await.map_err(refused("SUBSCRIBE"))?;
        Ok(connection)
    }

    async fn subscribe(&self, channel: &str) -> Result<(), RedisError> {
        let timeout = super::CONNECT_TIMEOUT.max(Duration::from_secs(2));
        let mut listening = with_timeout(timeout, self.client.get_async_pubsub()).await?;
        with_timeout(timeout, listening.subscribe(channel)).await
    }
}
