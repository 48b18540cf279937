//! Exchanging a refresh token for its successor: once, whatever races, and the same one for whoever lost the answer.

use super::{
    Opaque, Sessions, Tokens,
    rules::{self, Replay, Standing},
};
use crate::{
    caller::Caller,
    clock::Instant,
    fault::Fault,
    ids::{AccountId, SessionId},
    keys::ServerKeys,
    quota::{Act, Refused},
    store::{
        Ending, Identifier, Tx,
        entity::{
            account::{self, AccountStatus},
            refresh_token, session,
        },
    },
    telemetry::audit::{self, Event},
};

/// What became of a refresh.
pub enum Refreshed {
    Refreshed(Tokens),
    Rejected(RefreshRejection),
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
    /// It came again after its successor was used; the session is ended by it.
    Reused,
}

impl RefreshRejection {
    fn outcome(self) -> &'static str {
        match self {
            RefreshRejection::Unknown => "refresh_unknown",
            RefreshRejection::Expired => "refresh_expired",
            RefreshRejection::Revoked => "refresh_revoked",
            RefreshRejection::Reused => "refresh_reused",
        }
    }
}

enum Written {
    Exchanged { account: Box<account::Model>, session: Box<session::Model>, successor: Opaque },
    Rejected { reason: RefreshRejection, account: Option<AccountId> },
    Reused { session: SessionId, account: AccountId },
}

/// One exchange, with everything that it is judged by.
struct Exchange {
    token: Opaque,
    keys: ServerKeys,
    settings: crate::config::Session,
    user_agent: Option<String>,
    address: String,
    event: Event,
    now: Instant,
}

impl Sessions {
    /// Exchanges a refresh token for new tokens. None: what was sent can't be a token of ours, or nothing was.
    ///
    /// # Errors
    /// A fault of the rooms below.
    pub async fn refresh(&self, caller: &Caller, token: Option<Opaque>) -> Result<Refreshed, Fault> {
        const ACT: audit::Act = audit::Act::RefreshSession;
        if let Err(refused) = self.0.quotas.charge(Act::Refresh, caller).await {
            self.record(caller, ACT, audit::QUOTA_EXCEEDED, None).await;
            return Ok(Refreshed::Quota(refused));
        }
        let Some(token) = token else {
            self.record(caller, ACT, RefreshRejection::Unknown.outcome(), None).await;
            return Ok(Refreshed::Rejected(RefreshRejection::Unknown));
        };
        let now = self.0.clock.now();
        let event = self.event(caller, ACT, audit::OK, None);
        let exchange = Exchange {
            token,
            keys: self.0.keys.clone(),
            settings: self.0.settings.clone(),
            user_agent: caller.user_agent.as_deref().map(str::to_owned),
            address: caller.address.ip().to_string(),
            event: event.clone(),
            now,
        };
        match self.0.store.write(move |tx| Box::pin(async move { exchange.write(tx).await })).await? {
            Written::Exchanged { account, session, successor } => {
                event.account(account.id.clone()).log();
                Ok(Refreshed::Refreshed(self.0.tokens(&account, &session, &successor)?))
            }
            Written::Rejected { reason, account } => {
                self.record(caller, ACT, reason.outcome(), account).await;
                Ok(Refreshed::Rejected(reason))
            }
            Written::Reused { session, account } => {
                self.announce_ended(&[session], now);
                self.record(caller, ACT, RefreshRejection::Reused.outcome(), Some(account.clone())).await;
                self.record(caller, audit::Act::RefreshReused, audit::OK, Some(account)).await;
                Ok(Refreshed::Rejected(RefreshRejection::Reused))
            }
        }
    }
}

impl Exchange {
    /// All of a family's exchanges wait for its session's row, so each sees what the one before it did.
    async fn write(self, tx: &Tx) -> Result<Ending<Written>, Fault> {
        let rejected = |reason, account| Ok(Ending::Rollback(Written::Rejected { reason, account }));
        let token_hash = self.token.hash();
        let Some(found) = tx.refresh_token(&token_hash).await? else {
            return rejected(RefreshRejection::Unknown, None);
        };
        let Some(mut session) = tx.lock_session(&found.session_id).await? else {
            return rejected(RefreshRejection::Unknown, None);
        };
        let owner = Some(session.account_id.clone());
        match rules::standing(&session, self.now) {
            Standing::Live => {}
            Standing::Expired => return rejected(RefreshRejection::Expired, owner),
            Standing::Ended => return rejected(RefreshRejection::Revoked, owner),
        }
        let account = tx.account(&Identifier::Id(session.account_id.clone())).await?;
        let account = match account {
            Some(account) if account.status == AccountStatus::Active => account,
            _ => return rejected(RefreshRejection::Revoked, owner),
        };
        session.last_used_at = self.now;
        let successor = if tx.use_refresh_token(&token_hash, self.now).await? {
            let successor = self.token.successor(self.keys.current());
            tx.insert_refresh_token(refresh_token::Model {
                token_hash: successor.hash(),
                session_id: session.id.clone(),
                created_at: self.now,
                used_at: None,
            })
            .await?;
            session.expires_at = rules::expires_at(session.created_at, self.now, &self.settings);
            session.ip_address = Some(self.address);
            session.user_agent = self.user_agent;
            successor
        } else {
            match again(tx, &self.token, &self.keys, &self.settings, self.now).await? {
                Some(successor) => successor,
                None => {
                    tx.end_session(&session.account_id, &session.id, self.now).await?;
                    let reused = Written::Reused { session: session.id, account: session.account_id };
                    return Ok(Ending::Commit(reused));
                }
            }
        };
        tx.use_session(&session).await?;
        tx.insert_audit(&self.event.account(account.id.clone())).await?;
        let (account, session) = (Box::new(account), Box::new(session));
        Ok(Ending::Commit(Written::Exchanged { account, session, successor }))
    }
}

/// The successor of a token that was exchanged before, if it may be had again. It was derived under the key of that
/// time, which may be one of the previous ones by now.
async fn again(
    tx: &Tx,
    token: &Opaque,
    keys: &ServerKeys,
    settings: &crate::config::Session,
    now: Instant,
) -> Result<Option<Opaque>, Fault> {
    let Some(used_at) = tx.refresh_token(&token.hash()).await?.and_then(|token| token.used_at) else {
        return Ok(None);
    };
    for key in keys.all() {
        let successor = token.successor(key);
        if let Some(row) = tx.refresh_token(&successor.hash()).await? {
            let replay = rules::replay(used_at, row.used_at.is_some(), settings.refresh_grace, now);
            return Ok((replay == Replay::Again).then_some(successor));
        }
    }
    Ok(None)
}
