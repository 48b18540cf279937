//! The delivery of one claimed message: whether it is still to be sent, through which provider, and the result.

use std::time::Duration;

use super::{
    call_permit::CallPermit,
    compose::ComposeError,
    dispatcher::{DispatcherDeps, DispatcherState},
    failover::{self, CodeSource, NO_RESPONSE, OWN_CODE, SendAttempt, SendOutcome, SendReport, TemporaryFailure},
    retry,
    settle::{CodeMaker, DeliveryReport, StillWanted},
    simulate::simulate,
    slot::Slots,
};
use domain::{
    Timestamp,
    delivery::{Delivery, DeliveryAttempt},
    status::{DeliveryFailure, DeliveryStatus},
    verification::Verification,
};
use platform::{fault::Fault, telemetry};
use providers::Outgoing;
use store::{Acceptance, Settlement};

/// The delay before the first poll for a receipt.
const FIRST_POLL: Duration = Duration::from_secs(3);
/// Messages younger than this are sent without checking that they are still wanted.
const SKIP_CHECK_AGE: Duration = Duration::from_secs(2);
/// The delay before a retry after a database fault.
const RETRY_DELAY: Duration = Duration::from_millis(500);
/// The delay before a retry if this process lacks the server key.
const KEY_RETRY_DELAY: Duration = Duration::from_secs(1);

/// Delivers one claimed message and records the result. Returns whether the result was recorded.
pub(super) async fn deliver(state: &DispatcherState, row: &Delivery, permit: Option<CallPermit>) -> bool {
    let DispatcherState { deps, stop, .. } = state;
    let now = deps.clock.now();
    // Decoys and messages to test contacts need no call permit.
    let permit = permit.filter(|_| !row.decoy && row.scenario.is_none());
    let report = match row.status {
        DeliveryStatus::Queued | DeliveryStatus::Sent => {
            if let Some(scenario) = &row.scenario {
                return simulate(deps, row, scenario, stop).await;
            }
            if row.discreet
                && let Err(fault) = deps.recorder.show_as_sent(row).await
            {
                // The status is then shown with the final result.
                telemetry::report(&fault);
            }
            if row.decoy {
                sent().into()
            } else {
                send(deps, row, permit, now).await.unwrap_or_else(|fault| {
                    telemetry::report(&fault);
                    requeue_at(row, now + RETRY_DELAY).into()
                })
            }
        }
        // A receipt arrived before the sending process recorded its result.
        _ => Settlement::Unchanged.into(),
    };
    deps.recorder.settle(row, report, stop).await
}

/// The data that is needed before a message is handed to a provider.
struct PreparedMessage<'a> {
    row: &'a Delivery,
    message: Outgoing,
    code_by: CodeSource,
    /// The providers that accepted it before.
    accepted_by: Vec<String>,
}

async fn send(
    deps: &DispatcherDeps,
    row: &Delivery,
    permit: Option<CallPermit>,
    now: Timestamp,
) -> Result<DeliveryReport, Fault> {
    let attempts = if row.tries > 0 { deps.store.attempts(&row.id).await? } else { Vec::new() };
    // A message that was accepted once is shown as sent, whatever the result of another provider.
    let ended_as = |reason: &str, failure| match attempts.is_empty() {
        false => already_sent(row),
        true if row.maybe_sent => unknown(None),
        true => failed(reason, failure),
    };
    if row.expires_at <= now {
        return Ok(ended_as("expired", DeliveryFailure::Expired).into());
    }
    // A first attempt follows the insertion of its row immediately. Only a message that waited may be obsolete after a
    // confirmation, a cancellation or a resend.
    let waited = row.tries > 0 || (now - row.created_at).to_std().is_ok_and(|age| age > SKIP_CHECK_AGE);
    let verification = match waited || deps.clients.any_generates_codes() {
        true => match deps.recorder.check_wanted(row).await? {
            StillWanted::No => return Ok(ended_as("no_longer_wanted", DeliveryFailure::Expired).into()),
            StillWanted::Yes(verification) => verification,
        },
        false => None,
    };
    if row.tries >= retry::MAX_ATTEMPTS {
        return Ok(ended_as(last_reason(row), row.failure.unwrap_or(DeliveryFailure::Provider)).into());
    }
    let message = match deps.writer.write(row, now) {
        Ok(message) => message,
        Err(ComposeError::MalformedRow) => return Ok(ended_as("unreadable", DeliveryFailure::Provider).into()),
        Err(ComposeError::KeyUnknown) => return Ok(wait_for_key(deps, row, now).into()),
    };
    let prepared =
        PreparedMessage { row, message, code_by: code_by(verification.as_deref()), accepted_by: providers(&attempts) };
    if row.status == DeliveryStatus::Sent {
        let has_receipt = attempts.iter().any(|attempt| attempt.reported_at.is_some());
        if has_receipt || !prepared.has_another_route(deps) || !deps.recorder.requeue(row).await? {
            return Ok(Settlement::Unchanged.into());
        }
        tracing::info!(delivery = ?row.id, provider = row.provider, "no receipt received, sending through another provider");
    }
    let attempt = SendAttempt {
        message: &prepared.message,
        permit,
        code_by: prepared.code_by.clone(),
        slots: slots(deps, row),
        accepted_by: &prepared.accepted_by,
        only: row.provider.as_deref().filter(|_| row.maybe_sent),
        tries: row.tries,
        deadline: row.expires_at,
    };
    let report =
        failover::send_with_failover(deps.clients.of(row.channel), attempt, &deps.clock, &deps.entropy).await?;
    Ok(prepared.report(deps, report))
}

/// A process with the key sends the message; during a key rotation there may be one.
fn wait_for_key(deps: &DispatcherDeps, row: &Delivery, now: Timestamp) -> Settlement {
    requeue_at(row, now + retry::after(KEY_RETRY_DELAY, &deps.entropy))
}

fn last_reason(row: &Delivery) -> &str {
    row.reason.as_deref().unwrap_or("unavailable")
}

fn slots<'a>(deps: &'a DispatcherDeps, row: &'a Delivery) -> Slots<'a> {
    Slots {
        store: &deps.store,
        clock: &deps.clock,
        verification: row.verification_id.as_ref(),
        expires_at: row.expires_at,
    }
}

fn providers(attempts: &[DeliveryAttempt]) -> Vec<String> {
    attempts.iter().map(|attempt| attempt.provider.clone()).collect()
}

fn code_by(verification: Option<&Verification>) -> CodeSource {
    CodeSource::read(verification.and_then(|verification| verification.code_by.as_deref()))
}

impl PreparedMessage<'_> {
    fn report(&self, deps: &DispatcherDeps, SendReport { outcome, calls }: SendReport) -> DeliveryReport {
        let code_by = match &outcome {
            SendOutcome::Accepted { provider, message_id } => self.code_maker(deps, provider, message_id.clone()),
            SendOutcome::Unknown { provider, .. } => self.code_maker(deps, provider, None),
            SendOutcome::Refused { .. } | SendOutcome::NotNow(_) => None,
        };
        let tries = self.row.tries + calls;
        let settlement = match outcome {
            SendOutcome::Accepted { provider, message_id } => self.accepted(deps, provider, message_id),
            _ if !self.accepted_by.is_empty() && !matches!(outcome, SendOutcome::NotNow(_)) => already_sent(self.row),
            SendOutcome::Refused { provider, code, failure } => Settlement::Ended {
                status: DeliveryStatus::Failed,
                provider: Some(provider.to_owned()),
                reason: code,
                failure: Some(failure),
                refused: true,
            },
            SendOutcome::Unknown { provider, can_retry: again } => {
                let provider = Some(provider.to_owned());
                match self.next_attempt_at(deps, tries, calls, None).filter(|_| again) {
                    Some(due_at) => Settlement::Retry {
                        due_at,
                        provider,
                        reason: Some(NO_RESPONSE.to_owned()),
                        failure: None,
                        maybe_sent: true,
                    },
                    None => unknown(provider),
                }
            }
            SendOutcome::NotNow(not_now) => self.not_now(deps, not_now, tries, calls),
        };
        DeliveryReport { settlement, calls, code_by }
    }

    /// The result if no provider accepted the message and a retry may succeed.
    fn not_now(&self, deps: &DispatcherDeps, failure: TemporaryFailure, tries: i32, calls: i32) -> Settlement {
        let TemporaryFailure { provider, code, failure, not_before, permanent } = failure;
        // An operator may fix the cause while a notice waits. For a code, it is better that the user
        // requests a new one.
        let permanent = permanent && (provider.is_none() || self.message.code.is_some());
        let maybe_sent = self.row.maybe_sent;
        // The provider that may have sent it stays the only one to retry, whatever it responded since.
        let (provider, code) = match maybe_sent {
            true => (self.row.provider.clone(), self.row.reason.clone()),
            false => (provider.map(str::to_owned), code),
        };
        match self.next_attempt_at(deps, tries, calls, not_before).filter(|_| !permanent) {
            Some(due_at) => Settlement::Retry { due_at, provider, reason: code, failure: Some(failure), maybe_sent },
            None if !self.accepted_by.is_empty() => already_sent(self.row),
            None if maybe_sent => unknown(provider),
            None => Settlement::Ended {
                status: DeliveryStatus::Failed,
                provider,
                reason: code.or_else(|| Some("unavailable".to_owned())),
                failure: Some(failure),
                refused: false,
            },
        }
    }

    /// When to retry. None if there were too many attempts or the message would have expired.
    fn next_attempt_at(
        &self,
        deps: &DispatcherDeps,
        tries: i32,
        calls: i32,
        not_before: Option<Timestamp>,
    ) -> Option<Timestamp> {
        if tries >= retry::MAX_ATTEMPTS {
            return None;
        }
        let now = deps.clock.now();
        let life = (self.row.expires_at - self.row.created_at).to_std().unwrap_or_default();
        let due_at = if calls == 0 {
            not_before.unwrap_or(now).max(now) + retry::after(Duration::ZERO, &deps.entropy)
        } else {
            let backed_off = now + retry::back_off(tries, life, &deps.entropy);
            not_before.map_or(backed_off, |not_before| not_before.max(backed_off))
        };
        (due_at < self.row.expires_at).then_some(due_at)
    }

    fn accepted(
        &self,
        deps: &DispatcherDeps,
        provider: &'static str,
        provider_message_id: Option<String>,
    ) -> Settlement {
        let now = deps.clock.now();
        let receipts = deps.clients.named(provider).map(|client| client.provider().capabilities().receipts);
        let polled = receipts.is_some_and(providers::Receipts::are_polled) && provider_message_id.is_some();
        let waits = self.accepted_by.is_empty()
            && self.message.code.is_some()
            && deps.providers_with_receipts.contains(provider);
        let others = deps.clients.of(self.row.channel).len() > 1;
        Settlement::Accepted {
            by: Some(Acceptance {
                provider: provider.to_owned(),
                provider_message_id,
                poll_at: polled.then(|| now + FIRST_POLL),
            }),
            receipt_due: (waits && others).then(|| now + deps.receipt_timeout),
        }
    }

    fn has_another_route(&self, deps: &DispatcherDeps) -> bool {
        deps.clients.of(self.row.channel).iter().any(|client| {
            let capabilities = client.provider().capabilities();
            capabilities.supports(&self.message)
                && self.code_by.allows(client.provider().name(), &capabilities)
                && !self.accepted_by.iter().any(|by| by == client.provider().name())
        })
    }

    /// Which code was sent. Only recorded if some provider generates its own codes.
    fn code_maker(&self, deps: &DispatcherDeps, provider: &str, reference: Option<String>) -> Option<CodeMaker> {
        if self.row.verification_id.is_none() || self.message.code.is_none() || !deps.clients.any_generates_codes() {
            return None;
        }
        let makes = deps.clients.named(provider).is_some_and(|client| client.provider().capabilities().generates_codes);
        Some(if makes {
            CodeMaker { by: provider.to_owned(), reference }
        } else {
            CodeMaker { by: OWN_CODE.to_owned(), reference: None }
        })
    }
}

/// The message was sent, or its sending was simulated.
pub(super) fn sent() -> Settlement {
    Settlement::Accepted { by: None, receipt_due: None }
}

/// Due again at `due_at`, otherwise unchanged.
pub(super) fn requeue_at(row: &Delivery, due_at: Timestamp) -> Settlement {
    Settlement::Retry {
        due_at,
        provider: None,
        reason: row.reason.clone(),
        failure: row.failure,
        maybe_sent: row.maybe_sent,
    }
}

/// It is unknown whether the message was sent.
fn unknown(provider: Option<String>) -> Settlement {
    Settlement::Ended {
        status: DeliveryStatus::Unknown,
        provider,
        reason: Some(NO_RESPONSE.to_owned()),
        failure: None,
        refused: false,
    }
}

/// Another provider failed; the message was already sent before.
fn already_sent(row: &Delivery) -> Settlement {
    Settlement::Ended {
        status: DeliveryStatus::Sent,
        provider: row.provider.clone(),
        reason: row.reason.clone(),
        failure: None,
        refused: false,
    }
}

pub(super) fn failed(reason: &str, failure: DeliveryFailure) -> Settlement {
    Settlement::Ended {
        status: DeliveryStatus::Failed,
        provider: None,
        reason: Some(reason.to_owned()),
        failure: Some(failure),
        refused: false,
    }
}
