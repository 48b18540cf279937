//! Which provider is asked, and who is asked next.

use std::sync::Arc;

use super::{
    line::{Line, Said},
    provider::{Abilities, Outcome, Outgoing},
    retry,
};
use crate::clock::{Clock, Entropy, Instant};

/// Whose code a message may carry: all messages of a verification carry one code, so whoever carried the first decides
/// who may carry the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CodeBy {
    /// Nobody has carried one yet.
    Anybody,
    /// Ours: not those who would make another.
    Us,
    /// This provider's, and nobody else knows it.
    Provider(String),
}

impl CodeBy {
    /// Out of a verification's row.
    pub fn read(code_by: Option<&str>) -> Self {
        match code_by {
            None => CodeBy::Anybody,
            Some(OURS) => CodeBy::Us,
            Some(provider) => CodeBy::Provider(provider.to_owned()),
        }
    }

    pub fn allows(&self, name: &str, abilities: &Abilities) -> bool {
        match self {
            CodeBy::Anybody => true,
            CodeBy::Us => !abilities.makes_code,
            CodeBy::Provider(maker) => maker == name,
        }
    }
}

/// How a row says that the code is ours.
pub(super) const OURS: &str = "countersign";

/// How a row says that a provider may have taken its message: it got it, and gave no answer.
pub(super) const NO_ANSWER: &str = "no_answer";

/// One message on its way through the providers.
pub(super) struct Passage<'a> {
    pub message: &'a Outgoing,
    pub code_by: CodeBy,
    /// Who took it before, and is not asked again.
    pub taken_by: &'a [String],
    /// Who may have taken it, and takes it once however often it is asked: nobody else is.
    pub only: Option<&'a str>,
    /// Times that providers were asked before.
    pub tries: i32,
    /// Not handed over from then on.
    pub deadline: Instant,
}

/// What became of it, and how many times a provider was asked.
pub(super) struct Carried {
    pub end: End,
    pub asked: i32,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    Accepted {
        provider: &'static str,
        message_id: Option<String>,
    },
    /// This recipient or this text is refused; nobody else would fare better.
    Refused {
        provider: &'static str,
        code: Option<String>,
    },
    /// It may have been sent.
    Unknown {
        provider: &'static str,
        /// It takes a message once, so it alone can be asked again.
        again: bool,
    },
    /// It was certainly not sent; later it may be.
    NotNow {
        provider: Option<&'static str>,
        code: Option<String>,
        /// Before then nobody can be asked; none: nobody said.
        not_before: Option<Instant>,
        /// Nobody can be asked with more success until an operator has mended something.
        hopeless: bool,
    },
}

/// Asks one provider after the other until one takes the message, refuses it for good, or leaves it unknown.
pub(super) async fn carry(lines: &[Arc<Line>], passage: Passage<'_>, clock: &Clock, entropy: &Entropy) -> Carried {
    let Passage { message, code_by, taken_by, only, tries, deadline } = passage;
    let mut asked = 0;
    let mut last = (None, Some("no_provider".to_owned()));
    let mut soonest: Option<Instant> = None;
    let mut hopeless = true;
    for line in lines {
        let (name, abilities) = (line.provider().name(), line.provider().abilities());
        if !abilities.carries(message) || !code_by.allows(name, &abilities) || taken_by.iter().any(|by| by == name) {
            continue;
        }
        if only.is_some_and(|only| only != name) {
            continue;
        }
        if tries + asked >= retry::MOST_TRIES {
            break;
        }
        let outcome = match line.send(message, deadline).await {
            Said::Outcome(outcome) => outcome,
            Said::Rests { until } => {
                hopeless = false;
                soonest = Some(soonest.map_or(until, |other| other.min(until)));
                last = (Some(name), Some("resting".to_owned()));
                continue;
            }
        };
        asked += 1;
        let (code, wait) = match outcome {
            Outcome::Accepted { provider_message_id: message_id } => {
                return Carried { end: End::Accepted { provider: name, message_id }, asked };
            }
            Outcome::RejectedRecipient { code } | Outcome::RejectedContent { code } => {
                return Carried { end: End::Refused { provider: name, code }, asked };
            }
            // Nobody else is asked: what they sent might be the second.
            Outcome::Unknown => {
                return Carried { end: End::Unknown { provider: name, again: abilities.idempotent }, asked };
            }
            Outcome::Throttled { retry_after } => (Some("throttled".to_owned()), retry_after),
            Outcome::Unavailable { code, retry_after } => (code, retry_after),
            Outcome::RejectedSender { code } | Outcome::Misconfigured { code } => {
                last = (Some(name), code);
                continue;
            }
        };
        hopeless = false;
        last = (Some(name), code);
        let now = clock.now();
        let again = now + wait.map_or(std::time::Duration::ZERO, |wait| retry::after(wait, entropy));
        soonest = Some(soonest.map_or(again, |other| other.min(again)));
    }
    let (provider, code) = last;
    Carried { end: End::NotNow { provider, code, not_before: soonest, hopeless }, asked }
}
