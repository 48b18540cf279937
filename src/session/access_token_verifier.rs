//! Verification of bearer tokens without a database query.
//!
//! An access token outlives its session, so ended sessions are kept in memory for the lifetime of an access token. The
//! process that ended a session knows at once; the others are notified through Redis, and, since Redis pub/sub is not
//! reliable, also read the database twice per `REVOCATION_LAG`.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tokio::sync::watch;

use super::{access::AccessTokens, authentication::Authenticated, confirm::SeenGenerations};
use crate::events::{RevocationEvent, Revocations};
pub use domain::account::Role;
use domain::{
    Timestamp,
    ids::{AccountId, SessionId},
};
use platform::{clock::Clock, fault::Fault, telemetry};
use store::Store;

/// The signed-in user, from an access token that is valid and not revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    pub account: AccountId,
    pub session: SessionId,
    pub role: Role,
    /// Expiry of the access token. A stream opened with it is checked again then.
    pub expires_at: Timestamp,
    /// The authentication behind the token, if it can count as a recent one.
    pub authenticated: Option<Authenticated>,
    /// The generation of the refresh token that was issued with the access token; 0 if the token does not contain it.
    pub generation: i32,
}

/// The token is invalid. The reason is not disclosed: forged, expired and revoked tokens look the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenRefused;

/// Authentication state of a request, available to every resolver. An invalid token is not an error by itself:
/// operations without authentication still run, so that a page with an expired token can sign in again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// No token was sent.
    Anonymous,
    /// A token was sent and is not valid.
    Refused,
    SignedIn(SignedIn),
}

/// Upper bound of a transaction's duration. Rows are dated at the start of their transaction, so a revocation may
/// become visible up to this long after its timestamp.
const MAX_TRANSACTION_TIME: Duration = Duration::from_secs(60);

/// Verifies access tokens and tracks revoked sessions. Cheap to clone.
#[derive(Clone)]
pub struct AccessTokenVerifier(Arc<State>);

struct State {
    access: AccessTokens,
    seen_generations: SeenGenerations,
    clock: Clock,
    /// Ended sessions, with the time they ended.
    revoked: RwLock<HashMap<SessionId, Timestamp>>,
    revocation_count: watch::Sender<u64>,
}

impl AccessTokenVerifier {
    pub fn new(access: AccessTokens, seen_generations: SeenGenerations, clock: Clock) -> Self {
        Self(Arc::new(State {
            access,
            seen_generations,
            clock,
            revoked: RwLock::default(),
            revocation_count: watch::Sender::new(0),
        }))
    }

    /// Verifies a bearer token. Does no I/O.
    ///
    /// # Errors
    /// [`TokenRefused`] unless it is a valid, unrevoked access token.
    pub fn authenticate(&self, bearer: &str) -> Result<SignedIn, TokenRefused> {
        let signed_in = self.0.access.verify(bearer)?;
        let revoked = self.0.revoked.read().unwrap_or_else(PoisonError::into_inner);
        if revoked.contains_key(&signed_in.session) {
            return Err(TokenRefused);
        }
        drop(revoked);
        self.0.seen_generations.record(&signed_in.session, signed_in.generation);
        Ok(signed_in)
    }

    /// Changes after every revocation, in any process. Open streams then verify their token again.
    pub fn revocations(&self) -> watch::Receiver<u64> {
        self.0.revocation_count.subscribe()
    }

    /// Rejects tokens of these sessions from now on.
    pub fn revoke(&self, sessions: impl IntoIterator<Item = SessionId>, at: Timestamp) {
        let changed = {
            let mut revoked = self.0.revoked.write().unwrap_or_else(PoisonError::into_inner);
            sessions.into_iter().fold(false, |changed, session| revoked.insert(session, at).is_none() | changed)
        };
        if changed {
            self.0.revocation_count.send_modify(|tick| *tick += 1);
        }
    }

    /// Loads revoked sessions from the database, and drops those whose tokens have expired. Called once before the
    /// first token is verified.
    ///
    /// # Errors
    /// A fault of the store. Known revocations are kept.
    pub async fn load_revocations(&self, store: &Store) -> Result<(), Fault> {
        self.read_since(store, self.0.clock.now() - self.0.access.ttl()).await
    }

    /// Follows revocations until shutdown.
    pub async fn follow_revocations(self, store: Store, mut revocations: Revocations, lag: Duration) {
        let mut polls = tokio::time::interval(lag / 2);
        polls.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut read_at = self.0.clock.now();
        loop {
            let full = tokio::select! {
                wake = revocations.next() => match wake {
                    None => return,
                    Some(RevocationEvent::Revoked(revocation)) => {
                        self.revoke([revocation.session], revocation.at);
                        continue;
                    }
                    Some(RevocationEvent::Reread) => true,
                },
                _ = polls.tick() => false,
            };
            let now = self.0.clock.now();
            let since = if full { now - self.0.access.ttl() } else { read_at };
            match self.read_since(&store, since).await {
                Ok(()) => read_at = now,
                // The next poll reads from the same time again.
                Err(fault) => telemetry::report(&fault),
            }
        }
    }

    async fn read_since(&self, store: &Store, since: Timestamp) -> Result<(), Fault> {
        let rows = store.revocations_since(since - MAX_TRANSACTION_TIME).await?;
        for row in rows {
            self.revoke([row.session_id], row.at);
        }
        let oldest = self.0.clock.now() - self.0.access.ttl() - MAX_TRANSACTION_TIME;
        self.0.revoked.write().unwrap_or_else(PoisonError::into_inner).retain(|_, at| *at >= oldest);
        Ok(())
    }
}

impl std::fmt::Debug for AccessTokenVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gate")
    }
}
