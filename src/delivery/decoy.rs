//! Messages that are never sent: decoys, which take as long as real ones, and the plays of test contacts.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use super::{
    deliver::{failed, sent},
    dispatcher::Parts,
};
use crate::{config::Scenario, status::DeliveryStatus, store::entity::delivery::Model, telemetry};

/// How long providers took of late. A decoy takes as long, or the time from QUEUED to SENT would tell it apart.
/// Measured and waited for in monotonic time: a clock that is set while a message is under way makes no decoy wait.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace(Arc<Mutex<Duration>>);

/// No decoy holds a hand longer, however long a provider took: its claim would run out.
const LONGEST: Duration = Duration::from_secs(5);

impl Pace {
    /// A real message took this long.
    pub(super) fn note(&self, took: Duration) {
        let mut usual = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *usual = (*usual * 7 + took.min(LONGEST)) / 8;
    }

    /// Waits as long as a real message would take.
    pub(super) async fn keep(&self) {
        tokio::time::sleep(self.usual()).await;
    }

    fn usual(&self) -> Duration {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long each step of the slow play takes.
const SLOW: Duration = Duration::from_secs(5);

/// Plays what a test contact was given to play.
pub(super) async fn play(parts: &Parts, row: &Model, scenario: &str, stop: &CancellationToken) {
    let scenario = Scenario::parse(scenario).unwrap_or(Scenario::ProviderDown);
    let pause = if scenario == Scenario::Slow { SLOW } else { Duration::ZERO };
    let end = match scenario {
        Scenario::ProviderDown => return parts.settler.settle(row, failed("provider_down").into(), stop).await,
        Scenario::Delivered | Scenario::Slow | Scenario::Locked => DeliveryStatus::Delivered,
        Scenario::Undelivered => DeliveryStatus::Undelivered,
    };
    parts.clock.sleep(pause).await;
    parts.settler.settle(row, sent().into(), stop).await;
    parts.clock.sleep(pause).await;
    if let Err(fault) = parts.settler.play(&row.id, end).await {
        telemetry::report(&fault);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoy_takes_as_long_as_the_last_few_and_never_very_long() {
        let pace = Pace::default();
        (0..50).for_each(|_| pace.note(Duration::from_millis(200)));
        assert!((190..=200).contains(&pace.usual().as_millis()), "{:?}", pace.usual());
        (0..50).for_each(|_| pace.note(Duration::from_secs(3600)));
        assert!(pace.usual() <= LONGEST);
    }
}
