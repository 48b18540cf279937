//! Whether Redis does all that is asked of it here, and in words why it does not.
//!
//! A Redis user may be allowed to write and not to run scripts, or not to use channels. A mere PING would also be
//! answered by a replica, or by a Redis that is full or can't write its disk.

use std::time::Duration;

use redis::{ErrorKind, RedisError, Script, aio::MultiplexedConnection};

use super::{Link, in_own_time, in_time};

/// A message of no news, in the form of those on the channel for events: processes of every version take it.
const NO_NEWS: &str = r#"{"from":0,"made_at":0,"news":[]}"#;
/// Everything that the scripts of the quotas call.
const SCRIPT: &str = "redis.call('TIME') redis.call('GET', KEYS[1]) redis.call('SET', KEYS[1], 1, 'PX', 1000)
redis.call('HSET', KEYS[2], 'a', 1) redis.call('HMGET', KEYS[2], 'a') redis.call('PEXPIRE', KEYS[2], 1000) return 1";

/// What Redis did not do, and what it said.
pub(super) struct Refusal {
    asked: &'static str,
    error: RedisError,
    tls: bool,
}

impl Refusal {
    /// Whether Redis itself refused: it is there, and waiting changes nothing.
    pub fn is_by_redis(&self) -> bool {
        is_by_redis(&self.error)
    }

    /// For the log and for `doctor`: what is wrong, and what to mend.
    pub fn words(&self) -> String {
        let Self { asked, error, tls } = self;
        let text = error.to_string();
        let has = |word: &str| text.contains(word);
        if has("NOPERM") || has("NoPerm") {
            return format!(
                "the user may not use {asked}: allow it with ACL SETUSER (keys ~PREFIX*, channels &PREFIX*, commands \
                 +@read +@write +@scripting +@pubsub +@connection +time, PREFIX as in REDIS_PREFIX): {text}"
            );
        }
        let reason = match error.kind() {
            ErrorKind::AuthenticationFailed => "user or password is wrong, or the server expects none",
            _ if has("NOAUTH") => "the server needs a password, and REDIS_URL has none",
            _ if has("READONLY") || has("ReadOnly") => {
                "this is a replica, which takes no writes: REDIS_URL has to lead to the primary"
            }
            _ if has("lookup") || has("resolve") => "the host of REDIS_URL is unknown",
            _ if *tls && (has("corrupt message") || has("InvalidContentType")) => {
                "the server does not speak TLS, so use redis:// in place of rediss://"
            }
            _ if *tls && has("certificate") => "the server's certificate is not trusted",
            ErrorKind::Parse if !*tls => "the server does not answer as Redis does: if it speaks TLS, use rediss://",
            _ if *tls && *asked == CONNECT && error.is_timeout() => {
                "the server does not answer: if it does not speak TLS, use redis:// in place of rediss://"
            }
            _ if *asked == CONNECT && !*tls && error.is_connection_dropped() && !error.is_connection_refusal() => {
                "the server ends the connection: if it speaks TLS, use rediss://"
            }
            _ => return format!("{asked}: {text}"),
        };
        format!("{reason} ({text})")
    }
}

/// Whether Redis itself refused what it was asked: it is there, and waiting changes nothing.
pub(super) fn is_by_redis(error: &RedisError) -> bool {
    let text = error.to_string();
    error.kind() == ErrorKind::AuthenticationFailed
        || ["NOPERM", "NoPerm", "NOAUTH"].iter().any(|refusal| text.contains(refusal))
}

const CONNECT: &str = "connecting";

impl Link {
    /// A fresh connection on which Redis did, in time, all that is asked of it here.
    pub(super) async fn connect(&self) -> Result<MultiplexedConnection, Refusal> {
        let tls = matches!(self.client.get_connection_info().addr(), redis::ConnectionAddr::TcpTls { .. });
        let refused = |asked| move |error| Refusal { asked, error, tls };
        // `ask` keeps the time.
        let mut connection = self.open_connection(None).await.map_err(refused(CONNECT))?;
        let key = format!("{}probe", self.prefix);
        let mut write = redis::cmd("SET");
        write.arg(&key).arg(1).arg("PX").arg(1000);
        in_own_time(self.timeout, write.query_async::<()>(&mut connection)).await.map_err(refused("SET"))?;
        // The first run of a script is three commands.
        let script = Script::new(SCRIPT);
        let mut call = script.key(&key);
        call.key(format!("{key}s"));
        let run = call.invoke_async::<()>(&mut connection);
        in_own_time(self.timeout * 3, run).await.map_err(refused("EVALSHA and SCRIPT LOAD"))?;
        let channel = format!("{}events", self.prefix);
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(&channel).arg(NO_NEWS);
        in_own_time(self.timeout, publish.query_async::<()>(&mut connection)).await.map_err(refused("PUBLISH"))?;
        self.subscribe(&channel).await.map_err(refused("SUBSCRIBE"))?;
        Ok(connection)
    }

    async fn subscribe(&self, channel: &str) -> Result<(), RedisError> {
        let patience = super::CONNECT_TIMEOUT.max(Duration::from_secs(2));
        let mut listening = in_time(patience, self.client.get_async_pubsub()).await?;
        in_time(patience, listening.subscribe(channel)).await
    }
}
