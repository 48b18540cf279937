//! Exchanging a refresh token for its successor. The decision is [`decide_refresh`](domain::session::rules::decide_refresh), the
//! transaction is in `refresh_transaction.rs`.

use std::time::Duration;

use super::{
    Deps, PresentedTokens, Sessions, Tokens,
    presented_tokens::SelectedToken,
    refresh_transaction::{Exchange, RefreshWriteResult},
};
use crate::quota::Operation;
use domain::{Timestamp, caller::RequestInfo, quota::Refused};
use platform::{
    fault::Fault,
    telemetry::{
        audit::{self, Event},
        metrics::{self, RefreshReplay},
    },
};
use store::TxOutcome;

/// Result of a refresh.
pub enum RefreshOutcome {
    Refreshed(Tokens),
    Rejected(RefreshRejection),
    /// Nothing was decided. The client should retry after this time at the latest.
    Wait(Duration),
    Quota(Refused),
}

/// Why a refresh token is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshRejection {
    Unknown,
    /// The session was not used for too long, or has reached its maximum age.
    Expired,
    /// The session was ended.
    Revoked,
    /// There is a second copy of the session's tokens; the session was ended for it.
    Reused,
    /// The request had several refresh cookies of one name, or of several live sessions. None was exchanged, and no
    /// session was ended.
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

/// The refresh tokens in a request.
pub enum RefreshInput {
    Tokens(PresentedTokens),
    /// No token, or only text that does not have the format of a token.
    Missing,
    /// Several tokens, and no way to choose one.
    Ambiguous,
}

/// Audit outcome of a refresh that was deferred.
const DEFERRED: &str = "refresh_deferred";

impl Sessions {
    /// Exchanges a refresh token for new tokens.
    ///
    /// # Errors
    /// A fault of the store, or of a missing server key (UNAVAILABLE).
    pub async fn refresh(&self, caller: &RequestInfo, sent: RefreshInput) -> Result<RefreshOutcome, Fault> {
        if let Err(refused) = self.0.quotas.charge(Operation::Refresh, caller).await {
            self.record(caller, audit::Act::RefreshSession, audit::QUOTA_EXCEEDED, None).await;
            return Ok(RefreshOutcome::Quota(refused));
        }
        let reason = match sent {
            RefreshInput::Tokens(offer) => return self.exchange(caller, offer).await,
            RefreshInput::Missing => RefreshRejection::Unknown,
            RefreshInput::Ambiguous => RefreshRejection::Ambiguous,
        };
        self.record(caller, audit::Act::RefreshSession, reason.outcome(), None).await;
        Ok(RefreshOutcome::Rejected(reason))
    }

    async fn exchange(&self, caller: &RequestInfo, offer: PresentedTokens) -> Result<RefreshOutcome, Fault> {
        const ACT: audit::Act = audit::Act::RefreshSession;
        let now = self.0.clock.now();
        let event = self.event(caller, ACT, audit::OK, None);
        let (deps, request, entry) = (self.0.clone(), caller.clone(), event.clone());
        let written = self.0.store.write(move |tx| {
            Box::pin(async move {
                match offer.select(tx, now).await? {
                    Ok(chosen) => deps.exchange(chosen, request, entry, now).write(tx).await,
                    Err(reason) => Ok(TxOutcome::Rollback(RefreshWriteResult::Rejected { reason, account: None })),
                }
            })
        });
        match written.await? {
            RefreshWriteResult::Answered { account, session, issued, outcome, replay } => {
                if let Some(replay) = replay {
                    metrics::refresh_replayed(replay);
                }
                event.account(account.id.clone()).outcome(outcome).log();
                Ok(RefreshOutcome::Refreshed(self.0.tokens(&account, &session, &issued)?))
            }
            RefreshWriteResult::Rejected { reason, account } => {
                self.record(caller, ACT, reason.outcome(), account).await;
                Ok(RefreshOutcome::Rejected(reason))
            }
            RefreshWriteResult::Wait { retry_after, account } => {
                metrics::refresh_replayed(RefreshReplay::Deferred);
                self.record(caller, ACT, DEFERRED, Some(account)).await;
                Ok(RefreshOutcome::Wait(retry_after))
            }
            RefreshWriteResult::Reuse { session, reuse_event: theft, notices } => {
                metrics::refresh_replayed(RefreshReplay::Reused);
                self.publish_ended(&[session], now);
                theft.log();
                for notice in notices {
                    self.0.outbox.dispatch(notice);
                }
                self.record(caller, ACT, RefreshRejection::Reused.outcome(), theft.account).await;
                Ok(RefreshOutcome::Rejected(RefreshRejection::Reused))
            }
        }
    }
}

impl Deps {
    fn exchange(&self, chosen: SelectedToken, caller: RequestInfo, event: Event, now: Timestamp) -> Exchange {
        Exchange {
            token: chosen.token,
            min_slot: chosen.min_slot,
            keys: self.keys.clone(),
            settings: self.settings.clone(),
            seen_generations: self.seen_generations.clone(),
            entropy: self.entropy.clone(),
            caller,
            event,
            now,
        }
    }
}
