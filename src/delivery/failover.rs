//! Failover: which provider is tried, and which one next.

use std::{sync::Arc, time::Duration};

use super::{
    line::{ProviderClient, Said},
    provider::{Capabilities, Outcome, Outgoing},
    retry,
    room::CallPermit,
};
use domain::Timestamp;
use platform::clock::{Clock, Entropy};

/// Which code a message may contain. All messages of a verification contain the same code, so the provider of the first
/// message determines which providers may send the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CodeSource {
    /// No message was sent yet.
    Anybody,
    /// The code of this service: excludes providers that generate their own.
    Own,
    /// The code that this provider generated and only it knows.
    Provider(String),
}

impl CodeSource {
    /// From the column of a verification.
    pub fn read(code_by: Option<&str>) -> Self {
        match code_by {
            None => CodeSource::Anybody,
            Some(OWN_CODE) => CodeSource::Own,
            Some(provider) => CodeSource::Provider(provider.to_owned()),
        }
    }

    pub fn allows(&self, name: &str, abilities: &Capabilities) -> bool {
        match self {
            CodeSource::Anybody => true,
            CodeSource::Own => !abilities.generates_codes,
            CodeSource::Provider(maker) => maker == name,
        }
    }
}

/// The column value for a code of this service.
pub(super) const OWN_CODE: &str = "countersign";

/// The reason shown to operators if a provider received a message and did not respond. Never branch on it: a provider
/// may use the same text.
pub(super) const NO_RESPONSE: &str = "no_answer";

/// One attempt to send a message through the providers.
pub(super) struct SendAttempt<'a> {
    pub message: &'a Outgoing,
    /// The call permit that was acquired with the claim, for one provider.
    pub room: Option<CallPermit>,
    pub code_by: CodeSource,
    /// The providers that accepted it before; they are not tried again.
    pub taken_by: &'a [String],
    /// The idempotent provider that may have accepted it: only this one is tried.
    pub only: Option<&'a str>,
    /// The number of calls to providers before this attempt.
    pub tries: i32,
    /// The message is not sent after this time.
    pub deadline: Timestamp,
}

/// The result, and the number of calls to providers.
pub(super) struct SendReport {
    pub end: SendEnd,
    pub calls: i32,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum SendEnd {
    Accepted {
        provider: &'static str,
        message_id: Option<String>,
    },
    /// The recipient or the text was rejected, or no provider supports it: a retry would fail as well.
    Refused {
        provider: &'static str,
        code: Option<String>,
    },
    /// It may have been sent.
    Unknown {
        provider: &'static str,
        /// Whether the provider is idempotent, so that this provider can be retried.
        can_retry: bool,
    },
    /// It was certainly not sent; a retry may succeed.
    NotNow {
        provider: Option<&'static str>,
        code: Option<String>,
        /// The earliest time at which a provider can be tried again. None if unknown.
        not_before: Option<Timestamp>,
        /// No retry will succeed until an operator fixes a problem.
        permanent: bool,
    },
}

/// Tries one provider after the other until one accepts the message, rejects it permanently, or the result is unknown.
pub(super) async fn send_with_failover(
    lines: &[Arc<ProviderClient>],
    mut passage: SendAttempt<'_>,
    clock: &Clock,
    entropy: &Entropy,
) -> SendReport {
    let mut state = FailoverState::default();
    for line in lines {
        let (name, abilities) = (line.provider().name(), line.provider().abilities());
        if !passage.may_use(name, &abilities) {
            continue;
        }
        if passage.tries + state.asked >= retry::MAX_ATTEMPTS {
            break;
        }
        let room = passage.room.take_if(|room| room.provider == name);
        let outcome = match line.send(passage.message, room, passage.deadline).await {
            Said::Outcome(outcome) => outcome,
            Said::Rests { until } => {
                state.defer(name, Some("resting".to_owned()), until);
                continue;
            }
        };
        state.asked += i32::from(!matches!(outcome, Outcome::Unsupported { .. }));
        let (code, wait) = match outcome {
            Outcome::Accepted { provider_message_id: message_id } => {
                return state.finish(SendEnd::Accepted { provider: name, message_id });
            }
            Outcome::RejectedRecipient { code } | Outcome::RejectedContent { code } => {
                return state.finish(SendEnd::Refused { provider: name, code });
            }
            // No other provider is tried: it could send a duplicate.
            Outcome::Unknown | Outcome::UnknownForMessage => {
                return state.finish(SendEnd::Unknown { provider: name, can_retry: abilities.idempotent });
            }
            Outcome::Unsupported { code } => {
                state.unfit = Some((name, code));
                continue;
            }
            Outcome::RejectedDestination { code }
            | Outcome::RejectedSender { code }
            | Outcome::Misconfigured { code } => {
                state.last = Some((name, code));
                continue;
            }
            Outcome::Throttled { retry_after } => (Some("throttled".to_owned()), retry_after),
            Outcome::Unavailable { code, retry_after } | Outcome::Deferred { code, retry_after } => (code, retry_after),
        };
        state.defer(name, code, clock.now() + wait.map_or(Duration::ZERO, |wait| retry::after(wait, entropy)));
    }
    state.exhausted()
}

impl SendAttempt<'_> {
    fn may_use(&self, name: &str, abilities: &Capabilities) -> bool {
        abilities.carries(self.message)
            && self.code_by.allows(name, abilities)
            && !self.taken_by.iter().any(|by| by == name)
            && self.only.is_none_or(|only| only == name)
    }
}

/// The state of a failover in which no provider has accepted the message yet.
#[derive(Default)]
struct FailoverState {
    asked: i32,
    /// The last provider that failed, and why.
    last: Option<(&'static str, Option<String>)>,
    /// The earliest time at which one of the temporarily failed providers can be tried again.
    earliest: Option<Timestamp>,
    /// The last provider that does not support the message, and why.
    unfit: Option<(&'static str, &'static str)>,
}

impl FailoverState {
    fn defer(&mut self, provider: &'static str, code: Option<String>, until: Timestamp) {
        self.last = Some((provider, code));
        self.earliest = Some(self.earliest.map_or(until, |other| other.min(until)));
    }

    fn finish(self, end: SendEnd) -> SendReport {
        SendReport { end, calls: self.asked }
    }

    fn exhausted(self) -> SendReport {
        let (not_before, hopeless) = (self.earliest, self.earliest.is_none());
        let end = match (self.last.clone(), self.unfit) {
            (Some((provider, code)), _) => {
                SendEnd::NotNow { provider: Some(provider), code, not_before, permanent: hopeless }
            }
            (None, Some((provider, code))) => SendEnd::Refused { provider, code: Some(code.to_owned()) },
            (None, None) => SendEnd::NotNow {
                provider: None,
                code: Some("no_provider".to_owned()),
                not_before,
                permanent: hopeless,
            },
        };
        self.finish(end)
    }
}
