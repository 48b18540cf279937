//! Simulated deliveries to test contacts: nothing is sent.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{
    deliver::{failed, sent},
    dispatcher::DispatcherDeps,
};
use domain::{
    delivery::Delivery,
    status::{DeliveryFailure, DeliveryStatus},
};
use platform::{config::Scenario, telemetry};

/// The duration of each step of the slow scenario.
const SLOW: Duration = Duration::from_secs(5);

/// Simulates the scenario of a test contact. Returns whether the result was recorded.
pub(super) async fn simulate(deps: &DispatcherDeps, row: &Delivery, scenario: &str, stop: &CancellationToken) -> bool {
    let scenario = Scenario::parse(scenario).unwrap_or(Scenario::ProviderDown);
    let pause = if scenario == Scenario::Slow { SLOW } else { Duration::ZERO };
    let (end, failure) = match scenario {
        Scenario::ProviderDown => {
            return deps.recorder.settle(row, failed("provider_down", DeliveryFailure::Provider).into(), stop).await;
        }
        Scenario::Delivered | Scenario::Slow | Scenario::Locked => (DeliveryStatus::Delivered, None),
        Scenario::Undelivered => (DeliveryStatus::Undelivered, Some(DeliveryFailure::Recipient)),
    };
    deps.clock.sleep(pause).await;
    let settled = deps.recorder.settle(row, sent().into(), stop).await;
    deps.clock.sleep(pause).await;
    if let Err(fault) = deps.recorder.simulate(&row.id, end, failure).await {
        telemetry::report(&fault);
    }
    settled
}
