//! Exchanging a refresh token for its successor. The rule is [`rules::verdict`](super::rules::verdict), the transaction
//! is in `exchange.rs`.

use std::time::Duration;

use super::{
    Opaque, Sessions, Tokens,
    exchange::{Exchange, Written},
};
use crate::{
    caller::Caller,
    fault::Fault,
    quota::{Act, Refused},
    telemetry::{
        audit,
        metrics::{self, RefreshReplay},
    },
};

/// What became of a refresh.
pub enum Refreshed {
    Refreshed(Tokens),
    Rejected(RefreshRejection),
    /// Nothing was decided: to be asked again, after so long at the latest.
    Wait(Duration),
    Quota(Refused),
}

/// Why a refresh token is not honoured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshRejection {
    Unknown,
    /// The session was not used for too long, or is too old.
    Expired,
    /// The session was ended.
    Revoked,
    /// It shows that there is a second copy of the session's tokens; the session is ended by it.
    Reused,
    /// The request had several refresh cookies of one name. None was tried, and no session was ended.
    Ambiguous,
}

impl RefreshRejection {
    fn outcome(self) -> &'static str {
        match self {
            RefreshRejection::Unknown => "refresh_unknown",
            RefreshRejection::Expired => "refresh_expired",
            RefreshRejection::Revoked => "refresh_revoked",
            RefreshRejection::Reused => "refresh_reused",
            RefreshRejection::Ambiguous => "refresh_ambiguous",
        }
    }
}

/// A refresh token as a request carries it.
pub enum Sent {
    Token(Opaque),
    /// None, or something that can't be a token of ours.
    Nothing,
    /// Several, and no way to tell which one is meant.
    Ambiguous,
}

/// The outcome in the audit trail of a refresh that is put off.
const DEFERRED: &str = "refresh_deferred";

impl Sessions {
    /// Exchanges a refresh token for new tokens.
    ///
    /// # Errors
    /// A fault of the store, or of a server key that this process does not have (UNAVAILABLE).
    pub async fn refresh(&self, caller: &Caller, sent: Sent) -> Result<Refreshed, Fault> {
        if let Err(refused) = self.0.quotas.charge(Act::Refresh, caller).await {
            self.record(caller, audit::Act::RefreshSession, audit::QUOTA_EXCEEDED, None).await;
            return Ok(Refreshed::Quota(refused));
        }
        let reason = match sent {
            Sent::Token(token) => return self.exchange(caller, token).await,
            Sent::Nothing => RefreshRejection::Unknown,
            Sent::Ambiguous => RefreshRejection::Ambiguous,
        };
        self.record(caller, audit::Act::RefreshSession, reason.outcome(), None).await;
        Ok(Refreshed::Rejected(reason))
    }

    async fn exchange(&self, caller: &Caller, token: Opaque) -> Result<Refreshed, Fault> {
        const ACT: audit::Act = audit::Act::RefreshSession;
        let now = self.0.clock.now();
        let event = self.event(caller, ACT, audit::OK, None);
        let exchange = Exchange {
            token,
            keys: self.0.keys.clone(),
            settings: self.0.settings.clone(),
            confirmations: self.0.confirmations.clone(),
            entropy: self.0.entropy.clone(),
            caller: caller.clone(),
            event: event.clone(),
            now,
        };
        match self.0.store.write(move |tx| Box::pin(async move { exchange.write(tx).await })).await? {
            Written::Answered { account, session, issued, outcome, replay } => {
                if let Some(replay) = replay {
                    metrics::refresh_replayed(replay);
                }
                event.account(account.id.clone()).outcome(outcome).log();
                Ok(Refreshed::Refreshed(self.0.tokens(&account, &session, &issued)?))
            }
            Written::Rejected { reason, account } => {
                self.record(caller, ACT, reason.outcome(), account).await;
                Ok(Refreshed::Rejected(reason))
            }
            Written::Wait { retry_after, account } => {
                metrics::refresh_replayed(RefreshReplay::Deferred);
                self.record(caller, ACT, DEFERRED, Some(account)).await;
                Ok(Refreshed::Wait(retry_after))
            }
            Written::Theft { session, theft, notices } => {
                metrics::refresh_replayed(RefreshReplay::Reused);
                self.announce_ended(&[session], now);
                theft.log();
                for notice in notices {
                    self.0.outbox.dispatch(notice);
                }
                self.record(caller, ACT, RefreshRejection::Reused.outcome(), theft.account).await;
                Ok(Refreshed::Rejected(RefreshRejection::Reused))
            }
        }
    }
}
