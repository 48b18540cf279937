//! Failover: which provider is tried, and which one next.

use std::{sync::Arc, time::Duration};

use super::{
    call_permit::CallPermit,
    provider_client::{ProviderClient, SendResult},
    retry,
    slot::{SlotAcquisition, Slots},
};
use domain::{Timestamp, status::DeliveryFailure};
use platform::{
    clock::{Clock, Entropy},
    fault::Fault,
};
use providers::{Capabilities, Outcome, Outgoing};

/// Which code a message may contain. All messages of a verification contain the same code, so the provider of the first
/// message determines which providers may send the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CodeSource {
    /// No message was sent yet.
    Any,
    /// The code of this service: excludes providers that generate their own.
    Own,
    /// The code that this provider generated and only it knows.
    Provider(String),
}

impl CodeSource {
    /// From the column of a verification.
    pub fn read(code_by: Option<&str>) -> Self {
        match code_by {
            None => CodeSource::Any,
            Some(OWN_CODE) => CodeSource::Own,
            Some(provider) => CodeSource::Provider(provider.to_owned()),
        }
    }

    pub fn allows(&self, name: &str, capabilities: &Capabilities) -> bool {
        match self {
            CodeSource::Any => true,
            CodeSource::Own => !capabilities.generates_codes,
            CodeSource::Provider(maker) => maker == name,
        }
    }
}

/// The column value for a code of this service.
pub const OWN_CODE: &str = "countersign";

/// The reason shown to operators if a provider received a message and did not respond. Never branch on it: a provider
/// may use the same text.
pub(super) const NO_RESPONSE: &str = "no_answer";

/// One attempt to send a message through the providers.
pub(super) struct SendAttempt<'a> {
    pub message: &'a Outgoing,
    /// The call permit that was acquired with the claim, for one provider.
    pub permit: Option<CallPermit>,
    pub code_by: CodeSource,
    /// The open verifications of the recipient at providers that generate codes.
    pub slots: Slots<'a>,
    /// The providers that accepted it before; they are not tried again.
    pub accepted_by: &'a [String],
    /// The idempotent provider that may have accepted it: only this one is tried.
    pub only: Option<&'a str>,
    /// The number of calls to providers before this attempt.
    pub tries: i32,
    /// The message is not sent after this time.
    pub deadline: Timestamp,
}

/// The result, and the number of calls to providers.
pub(super) struct SendReport {
    pub outcome: SendOutcome,
    pub calls: i32,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum SendOutcome {
    Accepted {
        provider: &'static str,
        message_id: Option<String>,
    },
    /// The recipient or the text was rejected, or no provider supports it: a retry would fail as well.
    Refused {
        provider: &'static str,
        code: Option<String>,
        failure: DeliveryFailure,
    },
    /// It may have been sent.
    Unknown {
        provider: &'static str,
        /// Whether the provider is idempotent, so that this provider can be retried.
        can_retry: bool,
    },
    /// It was certainly not sent; a retry may succeed.
    NotNow(TemporaryFailure),
}

/// A temporary failure of all providers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TemporaryFailure {
    pub provider: Option<&'static str>,
    pub code: Option<String>,
    pub failure: DeliveryFailure,
    /// The earliest time at which a provider can be tried again. None if unknown.
    pub not_before: Option<Timestamp>,
    /// No retry will succeed until an operator fixes a problem.
    pub permanent: bool,
}

/// Tries one provider after the other until one accepts the message, rejects it permanently, or the result is unknown.
pub(super) async fn send_with_failover(
    clients: &[Arc<ProviderClient>],
    mut attempt: SendAttempt<'_>,
    clock: &Clock,
    entropy: &Entropy,
) -> Result<SendReport, Fault> {
    let mut state = FailoverState::default();
    for client in clients {
        let (name, capabilities) = (client.provider().name(), client.provider().capabilities());
        if !attempt.may_use(name, &capabilities) {
            continue;
        }
        if attempt.tries + state.calls >= retry::MAX_ATTEMPTS {
            break;
        }
        let Some(outcome) = attempt.call(client, &mut state).await? else { continue };
        let failure = outcome.failure().unwrap_or(DeliveryFailure::Provider);
        state.calls += i32::from(!matches!(outcome, Outcome::Unsupported { .. }));
        let (code, wait) = match outcome {
            Outcome::Accepted { provider_message_id: message_id } => {
                return Ok(state.finish(SendOutcome::Accepted { provider: name, message_id }));
            }
            Outcome::RejectedRecipient { code } | Outcome::Blocked { code } | Outcome::RejectedContent { code } => {
                return Ok(state.finish(SendOutcome::Refused { provider: name, code, failure }));
            }
            // No other provider is tried: it could send a duplicate.
            Outcome::Unknown | Outcome::UnknownForMessage => {
                return Ok(state.finish(SendOutcome::Unknown { provider: name, can_retry: capabilities.idempotent }));
            }
            Outcome::Unsupported { code } => {
                state.unsupported = Some((name, code));
                continue;
            }
            Outcome::RejectedDestination { code }
            | Outcome::RejectedSender { code }
            | Outcome::Misconfigured { code } => {
                state.last = Some((name, code, failure));
                continue;
            }
            Outcome::Throttled { retry_after } => (Some("throttled".to_owned()), retry_after),
            Outcome::Unavailable { code, retry_after } | Outcome::Deferred { code, retry_after } => (code, retry_after),
        };
        state.defer(name, code, failure, clock.now() + wait.map_or(Duration::ZERO, |wait| retry::after(wait, entropy)));
    }
    Ok(state.exhausted())
}

impl SendAttempt<'_> {
    /// Sends the message through this provider. None: the provider was not called, because it is unavailable or because
    /// another verification has the recipient's slot.
    async fn call(&mut self, client: &ProviderClient, state: &mut FailoverState) -> Result<Option<Outcome>, Fault> {
        let provider = client.provider();
        let acquired = self.slots.acquire(provider, self.message).await?;
        if let Some((code, until)) = acquired.refusal() {
            state.calls += i32::from(acquired == SlotAcquisition::CancelFailed);
            state.not_called(provider.name(), code, until);
            return Ok(None);
        }
        let permit = self.permit.take_if(|permit| permit.provider == provider.name());
        let result = client.send(self.message, permit, self.deadline).await;
        self.slots.release_unless_sent(&acquired, provider, self.message, &result).await;
        Ok(match result {
            SendResult::Outcome(outcome) => Some(outcome),
            SendResult::NotSent { until } => {
                state.defer(provider.name(), Some("resting".to_owned()), DeliveryFailure::Provider, until);
                None
            }
        })
    }

    fn may_use(&self, name: &str, capabilities: &Capabilities) -> bool {
        capabilities.supports(self.message)
            && self.code_by.allows(name, capabilities)
            && !self.accepted_by.iter().any(|by| by == name)
            && self.only.is_none_or(|only| only == name)
    }
}

/// The state of a failover in which no provider has accepted the message yet.
#[derive(Default)]
struct FailoverState {
    calls: i32,
    /// The last provider that failed, and why.
    last: Option<(&'static str, Option<String>, DeliveryFailure)>,
    /// The earliest time at which one of the temporarily failed providers can be tried again.
    earliest: Option<Timestamp>,
    /// The last provider that does not support the message, and why.
    unsupported: Option<(&'static str, &'static str)>,
}

impl FailoverState {
    fn defer(&mut self, provider: &'static str, code: Option<String>, failure: DeliveryFailure, until: Timestamp) {
        self.last = Some((provider, code, failure));
        self.earliest = Some(self.earliest.map_or(until, |other| other.min(until)));
    }

    /// The provider was not called, because another verification has the recipient's slot. Without a time it is not
    /// retried.
    fn not_called(&mut self, provider: &'static str, code: &str, until: Option<Timestamp>) {
        match until {
            Some(until) => self.defer(provider, Some(code.to_owned()), DeliveryFailure::Provider, until),
            None => self.last = Some((provider, Some(code.to_owned()), DeliveryFailure::Provider)),
        }
    }

    fn finish(self, end: SendOutcome) -> SendReport {
        SendReport { outcome: end, calls: self.calls }
    }

    fn exhausted(self) -> SendReport {
        let (not_before, permanent) = (self.earliest, self.earliest.is_none());
        let end = match (self.last.clone(), self.unsupported) {
            (Some((provider, code, failure)), _) => {
                SendOutcome::NotNow(TemporaryFailure { provider: Some(provider), code, failure, not_before, permanent })
            }
            (None, Some((provider, code))) => {
                SendOutcome::Refused { provider, code: Some(code.to_owned()), failure: DeliveryFailure::Provider }
            }
            (None, None) => {
                let (code, failure) = (Some("no_provider".to_owned()), DeliveryFailure::Provider);
                SendOutcome::NotNow(TemporaryFailure { provider: None, code, failure, not_before, permanent })
            }
        };
        self.finish(end)
    }
}
