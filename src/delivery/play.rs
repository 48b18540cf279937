//! Messages that are never sent: the plays of test contacts.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{
    deliver::{failed, sent},
    dispatcher::Parts,
};
use crate::{
    config::Scenario,
    status::{DeliveryFailure, DeliveryStatus},
    store::entity::delivery::Model,
    telemetry,
};

/// How long each step of the slow play takes.
const SLOW: Duration = Duration::from_secs(5);

/// Plays what a test contact was given to play, and says whether it could be written that it left.
pub(super) async fn play(parts: &Parts, row: &Model, scenario: &str, stop: &CancellationToken) -> bool {
    let scenario = Scenario::parse(scenario).unwrap_or(Scenario::ProviderDown);
    let pause = if scenario == Scenario::Slow { SLOW } else { Duration::ZERO };
    let (end, failure) = match scenario {
        Scenario::ProviderDown => {
            return parts.settler.settle(row, failed("provider_down", DeliveryFailure::Provider).into(), stop).await;
        }
        Scenario::Delivered | Scenario::Slow | Scenario::Locked => (DeliveryStatus::Delivered, None),
        Scenario::Undelivered => (DeliveryStatus::Undelivered, Some(DeliveryFailure::Recipient)),
    };
    parts.clock.sleep(pause).await;
    let settled = parts.settler.settle(row, sent().into(), stop).await;
    parts.clock.sleep(pause).await;
    if let Err(fault) = parts.settler.play(&row.id, end, failure).await {
        telemetry::report(&fault);
    }
    settled
}
