//! The transaction of a refresh. Refreshes of a session are serialized by a lock on its row.

use std::time::Duration;

use super::{
    MAX_COOKIE_SLOT, OpaqueToken, RefreshRejection, SeenGenerations,
    access_revocation::{self, ActSubject, SecurityAct},
};
use crate::delivery::notices;
use domain::{
    Timestamp,
    account::{Account, AccountStatus, Identifier},
    caller::RequestInfo,
    ids::{AccountId, DeliveryId, SessionId},
    notice::Notice,
    session::{
        RefreshToken, Session,
        rules::{self, EffectiveStatus, RefreshDecision, SuccessorState, TokenState},
    },
};
use platform::{
    clock::Entropy,
    config,
    fault::Fault,
    keys::ServerKeys,
    telemetry::{
        audit::{self, Event},
        metrics::RefreshReplay,
    },
};
use store::{self, Tx, TxOutcome};

/// Audit outcome of a refresh that replaced a successor.
const REPLACED: &str = "refresh_replaced";

/// A refresh token to be returned.
#[derive(Clone, Debug)]
pub struct IssuedRefreshToken {
    pub token: OpaqueToken,
    /// Its number within the session. The access token carries the same number.
    pub generation: i32,
    /// The slot of its cookie name, in cookie mode.
    pub cookie_slot: i32,
}

impl IssuedRefreshToken {
    fn of(token: OpaqueToken, row: &RefreshToken) -> Self {
        Self { token, generation: row.generation, cookie_slot: row.cookie_slot }
    }
}

pub(super) enum RefreshWriteResult {
    Answered {
        account: Box<Account>,
        session: Box<Session>,
        issued: IssuedRefreshToken,
        outcome: &'static str,
        /// How a repeated refresh was handled. None: the token had not been exchanged before.
        replay: Option<RefreshReplay>,
    },
    Rejected {
        reason: RefreshRejection,
        account: Option<AccountId>,
    },
    Wait {
        retry_after: Duration,
        account: AccountId,
    },
    Reuse {
        session: SessionId,
        reuse_event: Event,
        notices: Vec<DeliveryId>,
    },
}

/// A refresh and its inputs.
pub(super) struct Exchange {
    pub token: OpaqueToken,
    /// The lowest slot for the cookie of a new token.
    pub min_slot: i32,
    pub keys: ServerKeys,
    pub settings: config::Session,
    pub seen_generations: SeenGenerations,
    pub entropy: Entropy,
    pub caller: RequestInfo,
    pub event: Event,
    pub now: Timestamp,
}

/// A live session of an active account, locked, and the presented token of it.
struct Family {
    account: Account,
    session: Session,
    row: RefreshToken,
}

impl Exchange {
    pub async fn write(self, tx: &Tx) -> Result<TxOutcome<RefreshWriteResult>, Fault> {
        let family = match self.family(tx).await? {
            Ok(family) => family,
            Err(rejected) => return Ok(TxOutcome::Rollback(rejected)),
        };
        let successor = tx.successor_of(&family.row).await?;
        let presented = self.presented(&family.row, successor.as_ref(), &family.session);
        match rules::decide_refresh(presented, self.settings.refresh_grace) {
            RefreshDecision::Exchange => self.issue(tx, family, None).await,
            RefreshDecision::Replace => self.issue(tx, family, successor).await,
            RefreshDecision::Repeat => self.repeat(tx, family).await,
            RefreshDecision::Wait(retry_after) => Ok(wait(retry_after, family)),
            RefreshDecision::ReuseDetected => self.end(tx, family).await,
        }
    }

    /// The session of the token, or why the token is rejected.
    async fn family(&self, tx: &Tx) -> Result<Result<Family, RefreshWriteResult>, Fault> {
        let rejected = |reason, account| Ok(Err(RefreshWriteResult::Rejected { reason, account }));
        let token_hash = self.token.hash();
        let Some(found) = tx.refresh_token(&token_hash).await? else {
            return rejected(RefreshRejection::Unknown, None);
        };
        let Some(session) = tx.lock_session(&found.session_id).await? else {
            return rejected(RefreshRejection::Unknown, None);
        };
        let owner = Some(session.account_id.clone());
        match rules::effective_status(&session, self.now) {
            EffectiveStatus::Live => {}
            EffectiveStatus::Expired => return rejected(RefreshRejection::Expired, owner),
            EffectiveStatus::Ended => return rejected(RefreshRejection::Revoked, owner),
        }
        // Read again: another refresh may have changed it before the lock was acquired.
        let Some(row) = tx.refresh_token(&token_hash).await? else {
            return rejected(RefreshRejection::Unknown, owner);
        };
        match tx.account(&Identifier::Id(session.account_id.clone())).await? {
            Some(account) if account.status == AccountStatus::Active => Ok(Ok(Family { account, session, row })),
            _ => rejected(RefreshRejection::Revoked, owner),
        }
    }

    fn presented(&self, row: &RefreshToken, successor: Option<&RefreshToken>, session: &Session) -> TokenState {
        let since = |at: Timestamp| (self.now - at).to_std().unwrap_or_default();
        if let Some(at) = row.used_at {
            let same_network = row.used_network.as_deref() == Some(self.network().as_str());
            let seen = session.seen_generation.max(self.seen_generations.seen(&session.id));
            let successor = match successor {
                // Tokens of earlier versions have no generation, so they count as not seen.
                Some(next) if next.used_at.is_none() && (next.generation == 0 || seen < next.generation) => {
                    SuccessorState::Unconfirmed
                }
                Some(next) if next.used_at.is_none() => SuccessorState::Confirmed,
                Some(_) | None => SuccessorState::Presented,
            };
            return TokenState::Exchanged { since: since(at), same_network, successor };
        }
        row.replaced_at.map_or(TokenState::Newest, |at| TokenState::Replaced { since: since(at) })
    }

    /// Issues a new token: the successor of the presented one, or a replacement for its successor.
    async fn issue(
        self,
        tx: &Tx,
        family: Family,
        replaced: Option<RefreshToken>,
    ) -> Result<TxOutcome<RefreshWriteResult>, Fault> {
        let Family { account, mut session, row } = family;
        let (key, generation) = (self.keys.current(), session.refresh_generation + 1);
        let token = match &replaced {
            None => self.token.successor(key),
            Some(_) => self.token.replacement(key, generation),
        };
        // A late response must not overwrite the cookie of a newer token. If one may still be under way, the newer
        // token gets a cookie name of its own.
        let cookie_slot = match &replaced {
            None => row.cookie_slot.saturating_add(i32::from(row.repeated)),
            Some(replaced) => replaced.cookie_slot.saturating_add(1),
        };
        let cookie_slot = cookie_slot.max(self.min_slot).min(MAX_COOKIE_SLOT);
        let (successor_hash, network) = (token.hash(), self.network());
        let exchange = store::Exchange {
            session: &session.id,
            token_hash: &row.token_hash,
            successor_hash: &successor_hash,
            network: &network,
            now: self.now,
        };
        let exchanged = match &replaced {
            None => tx.exchange_refresh_token(&exchange).await?,
            Some(replaced) => tx.replace_refresh_token(&replaced.token_hash, &exchange).await?,
        };
        if !exchanged {
            return Err(Fault::unavailable("a refresh token changed under the lock of its session"));
        }
        let next = RefreshToken {
            generation,
            key_id: Some(key.id().to_owned()),
            cookie_slot,
            ..RefreshToken::first(successor_hash, session.id.clone(), self.now)
        };
        let issued = IssuedRefreshToken::of(token, &next);
        tx.insert_refresh_token(next).await?;
        session.refresh_generation = generation;
        session.expires_at =
            rules::expires_at(session.created_at, self.now, self.settings.refresh_ttl, self.settings.max_age);
        session.ip_address = Some(self.caller.address.ip().to_string());
        session.user_agent = self.caller.user_agent.as_deref().map(str::to_owned);
        let (outcome, replay) = match replaced {
            None => (audit::OK, None),
            Some(_) => (REPLACED, Some(RefreshReplay::Replaced)),
        };
        self.respond(tx, account, session, (issued, outcome, replay)).await
    }

    /// Returns the newest token of the chain that starts at the presented token. That is its successor, unless the
    /// successor was also exchanged within the grace period; returning it then would set the client back.
    async fn repeat(self, tx: &Tx, family: Family) -> Result<TxOutcome<RefreshWriteResult>, Fault> {
        let (mut token, mut row) = (self.token.clone(), family.row.clone());
        loop {
            let Some(next) = tx.successor_of(&row).await? else {
                return Err(Fault::internal("an exchanged refresh token has no successor"));
            };
            token = self.derived(&token, &next)?;
            if next.used_at.is_none() {
                tx.mark_repeated(&next.token_hash).await?;
                let answer = (IssuedRefreshToken::of(token, &next), audit::OK, Some(RefreshReplay::Repeated));
                return self.respond(tx, family.account, family.session, answer).await;
            }
            let presented = self.presented(&next, None, &family.session);
            if let RefreshDecision::Wait(retry_after) = rules::decide_refresh(presented, self.settings.refresh_grace) {
                return Ok(wait(retry_after, family));
            }
            row = next;
        }
    }

    /// Derives the token that `parent` was exchanged for, with the server keys.
    fn derived(&self, parent: &OpaqueToken, row: &RefreshToken) -> Result<OpaqueToken, Fault> {
        let by_id = |key_id: &String| self.keys.get(key_id).into_iter().collect::<Vec<_>>();
        let keys = row.key_id.as_ref().map_or_else(|| self.keys.all().collect(), by_id);
        let candidates =
            keys.into_iter().flat_map(|key| [parent.successor(key), parent.replacement(key, row.generation)]);
        let mut candidates = candidates.filter(|candidate| candidate.hash() == row.token_hash);
        candidates.next().ok_or_else(|| Fault::unavailable("unknown server key of a refresh token"))
    }

    async fn respond(
        self,
        tx: &Tx,
        account: Account,
        mut session: Session,
        (issued, outcome, replay): (IssuedRefreshToken, &'static str, Option<RefreshReplay>),
    ) -> Result<TxOutcome<RefreshWriteResult>, Fault> {
        session.last_used_at = self.now;
        tx.record_session_use(&session).await?;
        tx.insert_audit(&self.event.account(account.id.clone()).outcome(outcome)).await?;
        let (account, session) = (Box::new(account), Box::new(session));
        Ok(TxOutcome::Commit(RefreshWriteResult::Answered { account, session, issued, outcome, replay }))
    }

    /// Ends the session, removes its device, and queues a notice to the account.
    async fn end(self, tx: &Tx, family: Family) -> Result<TxOutcome<RefreshWriteResult>, Fault> {
        let Family { account, session, .. } = family;
        let subject = ActSubject::new(account.id.clone()).session(session.id.clone());
        access_revocation::revoke_access(tx, SecurityAct::RefreshReuse, &subject, self.now).await?;
        let theft = Event { act: audit::Act::RefreshReused, ..self.event.account(account.id.clone()) };
        tx.insert_audit(&theft).await?;
        let notice = Notice::SessionEnded { device: session.device_name };
        let messages = notices::to_all_contacts(&account, &notice, &self.entropy, self.now);
        let ids = notices::enqueue(tx, &account.id, messages, self.now).await?;
        Ok(TxOutcome::Commit(RefreshWriteResult::Reuse { session: session.id, reuse_event: theft, notices: ids }))
    }

    /// The client network, in the unit that quotas use: an IPv4 address or an IPv6 /64. For clients with several
    /// networks (two address families, carrier-grade NAT), a repeated refresh is only delayed.
    fn network(&self) -> String {
        self.caller.address.network().to_string()
    }
}

fn wait(retry_after: Duration, family: Family) -> TxOutcome<RefreshWriteResult> {
    TxOutcome::Rollback(RefreshWriteResult::Wait { retry_after, account: family.account.id })
}
