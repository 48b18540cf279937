//! Waiting until the last message of a phase is settled: its result is recorded by the server.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{database::Database, sink::Sink};

/// Interval at which the generator looks for messages that have not arrived; this is in its own memory.
const ARRIVAL_INTERVAL: Duration = Duration::from_millis(5);
/// Interval of the query for unsettled messages. It begins when all have arrived, so that it adds little load.
const QUERY_INTERVAL: Duration = Duration::from_millis(15);
/// Without a database: the server still records the last results after the gateway has answered.
const GRACE: Duration = Duration::from_millis(500);
/// The wait ends after so long without progress. It exceeds the time after which an abandoned message is retried.
const STALLED: Duration = Duration::from_secs(60);

/// How a phase ended.
pub struct Settled {
    /// The end of the last operation.
    pub ended: Instant,
    /// When the last message was settled.
    pub at: Instant,
    pub evidence: Evidence,
    /// Messages that did not arrive at the gateway.
    pub not_arrived: u64,
    /// Messages without a recorded result; `None` without a database.
    pub unsettled: Option<u64>,
}

/// What [`Settled::at`] is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// There were no messages: the end of the last operation.
    Operations,
    /// The gateway answered the last message. The server may have recorded the result later.
    Gateway,
    /// The database has no message without a result.
    Database,
}

impl Settled {
    /// Waits until all messages have arrived at the gateway and are settled. `ended`: the end of the last operation.
    ///
    /// # Errors
    /// A query failed.
    pub async fn wait(sink: &Sink, database: Option<&mut Database>, ended: Instant) -> Result<Self, String> {
        if sink.departures().expected() == 0 {
            return Ok(Self { ended, at: ended, evidence: Evidence::Operations, not_arrived: 0, unsettled: None });
        }
        let mut progress = Progress::begin(Instant::now());
        let mut not_arrived = sink.departures().awaited();
        while not_arrived > 0 && !progress.is_stalled(not_arrived, Instant::now()) {
            tokio::time::sleep(ARRIVAL_INTERVAL).await;
            not_arrived = sink.departures().awaited();
        }
        let Some(database) = database else {
            let at = sink.departures().last_answer().unwrap_or(ended).max(ended);
            tokio::time::sleep(GRACE).await;
            return Ok(Self { ended, at, evidence: Evidence::Gateway, not_arrived, unsettled: None });
        };
        let mut progress = Progress::begin(Instant::now());
        loop {
            let unsettled = database.unsettled().await?;
            let at = Instant::now();
            if unsettled == 0 || progress.is_stalled(unsettled, at) {
                return Ok(Self { ended, at, evidence: Evidence::Database, not_arrived, unsettled: Some(unsettled) });
            }
            tokio::time::sleep(QUERY_INTERVAL).await;
        }
    }

    /// Operations per second from `begun` until the last message was settled; `None` if some message was not.
    pub fn rate(&self, operations: u64, begun: Instant) -> Option<f64> {
        let all = self.not_arrived == 0 && self.unsettled.unwrap_or(0) == 0;
        all.then(|| operations as f64 / (self.at - begun).as_secs_f64().max(f64::EPSILON))
    }

    pub fn json(&self, begun: Instant) -> Value {
        json!({
            "after_seconds": (self.at - begun).as_secs_f64(),
            "after_last_operation_ms": (self.at - self.ended).as_secs_f64() * 1000.0,
            "according_to": format!("{:?}", self.evidence).to_lowercase(),
            "not_arrived": self.not_arrived,
            "unsettled": self.unsettled,
        })
    }
}

/// Notices that a number no longer decreases.
struct Progress {
    least: u64,
    since: Instant,
}

impl Progress {
    fn begin(now: Instant) -> Self {
        Self { least: u64::MAX, since: now }
    }

    fn is_stalled(&mut self, left: u64, now: Instant) -> bool {
        if left < self.least {
            *self = Self { least: left, since: now };
        }
        now - self.since >= STALLED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_counts_until_the_last_message_is_settled() {
        let begun = Instant::now();
        let mut settled = Settled {
            ended: begun + Duration::from_secs(3),
            at: begun + Duration::from_secs(4),
            evidence: Evidence::Database,
            not_arrived: 0,
            unsettled: Some(0),
        };
        assert_eq!(settled.rate(1000, begun), Some(250.0));
        assert_eq!(settled.json(begun)["after_seconds"], 4.0);
        assert_eq!(settled.json(begun)["after_last_operation_ms"], 1000.0);
        assert_eq!(settled.json(begun)["according_to"], "database");
        settled.unsettled = Some(1);
        assert_eq!(settled.rate(1000, begun), None);
        (settled.unsettled, settled.not_arrived) = (None, 1);
        assert_eq!(settled.rate(1000, begun), None);
    }

    #[test]
    fn wait_ends_only_without_progress() {
        let begun = Instant::now();
        let mut progress = Progress::begin(begun);
        assert!(!progress.is_stalled(3, begun));
        assert!(!progress.is_stalled(2, begun + STALLED));
        assert!(!progress.is_stalled(2, begun + STALLED + Duration::from_secs(1)));
        assert!(progress.is_stalled(2, begun + STALLED * 2));
    }

    #[tokio::test]
    async fn without_a_database_the_gateway_decides_and_without_messages_the_operations() {
        let (sink, ended) = (Sink::default(), Instant::now());
        let settled = Settled::wait(&sink, None, ended).await.unwrap();
        assert_eq!((settled.at, settled.evidence), (ended, Evidence::Operations));
        let answered = ended + Duration::from_millis(40);
        sink.expect("+1");
        sink.departures().arrived("+1", answered, answered);
        let settled = Settled::wait(&sink, None, ended).await.unwrap();
        assert_eq!((settled.at, settled.evidence), (answered, Evidence::Gateway));
    }
}
