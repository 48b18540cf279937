//! Which provider is asked, and who is asked next.

use std::{sync::Arc, time::Duration};

use super::{
    line::{Line, Said},
    provider::{Abilities, Outcome, Outgoing},
    retry,
    room::Room,
    slot::{Opened, Slots},
};
use crate::{
    clock::{Clock, Entropy, Instant},
    fault::Fault,
    status::DeliveryFailure,
};

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
pub const OURS: &str = "countersign";

/// The reason for operators where a provider got a message and gave no answer. Nothing is decided by it: a provider may
/// use the same word.
pub(super) const NO_ANSWER: &str = "no_answer";

/// One message on its way through the providers.
pub(super) struct Passage<'a> {
    pub message: &'a Outgoing,
    /// Room that was taken with the claim, at one provider.
    pub room: Option<Room>,
    pub code_by: CodeBy,
    /// The number's open verifications at providers that make codes.
    pub slots: Slots<'a>,
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
    /// This recipient or this text is refused, or fits no provider: a later try would fare no better.
    Refused {
        provider: &'static str,
        code: Option<String>,
        failure: DeliveryFailure,
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
        failure: DeliveryFailure,
        /// Before then nobody can be asked; none: nobody said.
        not_before: Option<Instant>,
        /// Nobody can be asked with more success until an operator has mended something.
        hopeless: bool,
    },
}

/// Asks one provider after the other until one takes the message, refuses it for good, or leaves it unknown.
pub(super) async fn carry(
    lines: &[Arc<Line>],
    mut passage: Passage<'_>,
    clock: &Clock,
    entropy: &Entropy,
) -> Result<Carried, Fault> {
    let mut search = Search::default();
    for line in lines {
        let (name, abilities) = (line.provider().name(), line.provider().abilities());
        if !passage.may_go_by(name, &abilities) {
            continue;
        }
        if passage.tries + search.asked >= retry::MOST_TRIES {
            break;
        }
        let Some(outcome) = passage.ask(line, &mut search).await? else { continue };
        let failure = outcome.failure().unwrap_or(DeliveryFailure::Provider);
        search.asked += i32::from(!matches!(outcome, Outcome::Unfit { .. }));
        let (code, wait) = match outcome {
            Outcome::Accepted { provider_message_id: message_id } => {
                return Ok(search.over(End::Accepted { provider: name, message_id }));
            }
            Outcome::RejectedRecipient { code } | Outcome::Blocked { code } | Outcome::RejectedContent { code } => {
                return Ok(search.over(End::Refused { provider: name, code, failure }));
            }
            // Nobody else is asked: what they sent might be the second.
            Outcome::Unknown | Outcome::Stalled => {
                return Ok(search.over(End::Unknown { provider: name, again: abilities.idempotent }));
            }
            Outcome::Unfit { code } => {
                search.unfit = Some((name, code));
                continue;
            }
            Outcome::RejectedDestination { code }
            | Outcome::RejectedSender { code }
            | Outcome::Misconfigured { code } => {
                search.last = Some((name, code, failure));
                continue;
            }
            Outcome::Throttled { retry_after } => (Some("throttled".to_owned()), retry_after),
            Outcome::Unavailable { code, retry_after } | Outcome::Deferred { code, retry_after } => (code, retry_after),
        };
        search.put_off(
            name,
            code,
            failure,
            clock.now() + wait.map_or(Duration::ZERO, |wait| retry::after(wait, entropy)),
        );
    }
    Ok(search.ended())
}

impl Passage<'_> {
    /// Hands the message to this provider. None: it was not asked, because it rests or because another verification uses
    /// the number there.
    async fn ask(&mut self, line: &Line, search: &mut Search) -> Result<Option<Outcome>, Fault> {
        let provider = line.provider();
        let opened = self.slots.open(provider, self.message).await?;
        if let Some((code, until)) = opened.stands_against() {
            search.asked += i32::from(opened == Opened::NotCanceled);
            search.not_opened(provider.name(), code, until);
            return Ok(None);
        }
        let room = self.room.take_if(|room| room.provider == provider.name());
        let said = line.send(self.message, room, self.deadline).await;
        self.slots.close_unless_taken(&opened, provider, self.message, &said).await;
        Ok(match said {
            Said::Outcome(outcome) => Some(outcome),
            Said::Rests { until } => {
                search.put_off(provider.name(), Some("resting".to_owned()), DeliveryFailure::Provider, until);
                None
            }
        })
    }

    fn may_go_by(&self, name: &str, abilities: &Abilities) -> bool {
        abilities.carries(self.message)
            && self.code_by.allows(name, abilities)
            && !self.taken_by.iter().any(|by| by == name)
            && self.only.is_none_or(|only| only == name)
    }
}

/// What is known so far of a message that nobody has taken.
#[derive(Default)]
struct Search {
    asked: i32,
    /// Who said last that it can't, and why.
    last: Option<(&'static str, Option<String>, DeliveryFailure)>,
    /// When the first of those can be asked again who may take it then.
    soonest: Option<Instant>,
    /// Who can't carry such a message.
    unfit: Option<(&'static str, &'static str)>,
}

impl Search {
    fn put_off(&mut self, provider: &'static str, code: Option<String>, failure: DeliveryFailure, until: Instant) {
        self.last = Some((provider, code, failure));
        self.soonest = Some(self.soonest.map_or(until, |other| other.min(until)));
    }

    /// The provider was not asked, because another verification uses the number there. Without an instant it is not asked
    /// later either.
    fn not_opened(&mut self, provider: &'static str, code: &str, until: Option<Instant>) {
        match until {
            Some(until) => self.put_off(provider, Some(code.to_owned()), DeliveryFailure::Provider, until),
            None => self.last = Some((provider, Some(code.to_owned()), DeliveryFailure::Provider)),
        }
    }

    fn over(self, end: End) -> Carried {
        Carried { end, asked: self.asked }
    }

    fn ended(self) -> Carried {
        let (not_before, hopeless) = (self.soonest, self.soonest.is_none());
        let end = match (self.last.clone(), self.unfit) {
            (Some((provider, code, failure)), _) => {
                End::NotNow { provider: Some(provider), code, failure, not_before, hopeless }
            }
            (None, Some((provider, code))) => {
                End::Refused { provider, code: Some(code.to_owned()), failure: DeliveryFailure::Provider }
            }
            (None, None) => {
                let (code, failure) = (Some("no_provider".to_owned()), DeliveryFailure::Provider);
                End::NotNow { provider: None, code, failure, not_before, hopeless }
            }
        };
        self.over(end)
    }
}
