//! The gate: who a bearer token says is asking, judged without a look into the database.
//!
//! An access token lives on when its session is over, so the gate remembers which sessions are. What it remembers is
//! small: only what was ended within the life of an access token. It learns of it at once in the process that ended the
//! session, a moment later through Redis in the others, and, since Redis promises nothing, from the database twice in
//! every `REVOCATION_LAG`.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tokio::sync::watch;

use super::{access::AccessTokens, authentication::Authenticated, confirm::Confirmations};
pub use crate::store::entity::account::Role;
use crate::{
    clock::{Clock, Timestamp},
    events::{RevocationWake, Revocations},
    fault::Fault,
    ids::{AccountId, SessionId},
    store::Store,
    telemetry,
};

/// Somebody who is signed in, as the access token says and nothing since has revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    pub account: AccountId,
    pub session: SessionId,
    pub role: Role,
    /// When the access token ends; a stream opened with it is judged again then.
    pub expires_at: Timestamp,
    /// The authentication behind the token, where it counts as a recent one while it is young enough.
    pub authenticated: Option<Authenticated>,
    /// The generation of the refresh token that the access token was issued with; 0 where it does not say.
    pub generation: i32,
}

/// A token that is not honoured. Why is nobody's business: forged, expired and revoked look the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenRefused;

/// Who asks, as far as tokens say: handed to every resolver. A refused token fails nothing by itself; an operation that
/// needs nobody signed in still runs, so that a page with a stale token can sign in again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// No token was sent.
    Anonymous,
    /// A token was sent and is not honoured.
    Refused,
    SignedIn(SignedIn),
}

/// A revocation that was committed can't be seen by a reader before this has passed: a transaction dates what it writes
/// when it begins, and no transaction lasts so long.
const LONGEST_TRANSACTION: Duration = Duration::from_secs(60);

/// Judges access tokens. Cheap to clone.
#[derive(Clone)]
pub struct Gate(Arc<Inner>);

struct Inner {
    access: AccessTokens,
    confirmations: Confirmations,
    clock: Clock,
    /// Sessions that are over, and since when.
    revoked: RwLock<HashMap<SessionId, Timestamp>>,
    ticks: watch::Sender<u64>,
}

impl Gate {
    pub fn new(access: AccessTokens, confirmations: Confirmations, clock: Clock) -> Self {
        Self(Arc::new(Inner { access, confirmations, clock, revoked: RwLock::default(), ticks: watch::Sender::new(0) }))
    }

    /// Who the bearer of this token is. Does no I/O.
    ///
    /// # Errors
    /// [`TokenRefused`] for anything but a live access token of ours.
    pub fn judge(&self, bearer: &str) -> Result<SignedIn, TokenRefused> {
        let signed_in = self.0.access.judge(bearer)?;
        let revoked = self.0.revoked.read().unwrap_or_else(PoisonError::into_inner);
        if revoked.contains_key(&signed_in.session) {
            return Err(TokenRefused);
        }
        drop(revoked);
        self.0.confirmations.note(&signed_in.session, signed_in.generation);
        Ok(signed_in)
    }

    /// Ticks whenever something was revoked, in whichever process: whoever keeps a stream open judges its token again.
    pub fn revocations(&self) -> watch::Receiver<u64> {
        self.0.ticks.subscribe()
    }

    /// Does not honour these sessions any more, from now on.
    pub fn revoke(&self, sessions: impl IntoIterator<Item = SessionId>, at: Timestamp) {
        let news = {
            let mut revoked = self.0.revoked.write().unwrap_or_else(PoisonError::into_inner);
            sessions.into_iter().fold(false, |news, session| revoked.insert(session, at).is_none() | news)
        };
        if news {
            self.0.ticks.send_modify(|tick| *tick += 1);
        }
    }

    /// Learns from the database what is revoked, and forgets what no token can name any more. Called once before the
    /// first token is judged.
    ///
    /// # Errors
    /// A fault of the store; what was known stays known.
    pub async fn refill(&self, store: &Store) -> Result<(), Fault> {
        self.read_since(store, self.0.clock.now() - self.0.access.ttl()).await
    }

    /// Keeps up with what is revoked, until the program stops.
    pub async fn keep_up(self, store: Store, mut revocations: Revocations, lag: Duration) {
        let mut polls = tokio::time::interval(lag / 2);
        polls.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut read_at = self.0.clock.now();
        loop {
            let full = tokio::select! {
                wake = revocations.next() => match wake {
                    None => return,
                    Some(RevocationWake::Revoked(revocation)) => {
                        self.revoke([revocation.session], revocation.at);
                        continue;
                    }
                    Some(RevocationWake::Reread) => true,
                },
                _ = polls.tick() => false,
            };
            let now = self.0.clock.now();
            let since = if full { now - self.0.access.ttl() } else { read_at };
            match self.read_since(&store, since).await {
                Ok(()) => read_at = now,
                // The next poll reads from where this one would have.
                Err(fault) => telemetry::report(&fault),
            }
        }
    }

    async fn read_since(&self, store: &Store, since: Timestamp) -> Result<(), Fault> {
        let rows = store.revocations_since(since - LONGEST_TRANSACTION).await?;
        for row in rows {
            self.revoke([row.session_id], row.at);
        }
        let oldest = self.0.clock.now() - self.0.access.ttl() - LONGEST_TRANSACTION;
        self.0.revoked.write().unwrap_or_else(PoisonError::into_inner).retain(|_, at| *at >= oldest);
        Ok(())
    }
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gate")
    }
}
