//! Sign-in, access and refresh tokens, rotation, devices, lockout.
//!
//! A session is one signed-in device: a family of refresh tokens of which only the newest is valid. The
//! [`access_token_verifier`](access_token_verifier::AccessTokenVerifier) verifies access tokens without a database query, so code that ends sessions has to announce it
//! to it.

mod access;
pub mod access_revocation;
pub mod access_token_verifier;
mod authentication;
mod confirm;
mod decoys;
mod end;
pub mod established;
#[cfg(test)]
mod gate_tests;
mod keyring;
mod lockout;
mod opaque_token;
mod open;
mod presented_tokens;
mod reauthenticate;
mod refresh;
mod refresh_transaction;
mod sign_in;

use std::sync::Arc;

use self::access_token_verifier::AccessTokenVerifier;
pub use self::{
    access::{AccessGrant, AccessToken, AccessTokens},
    authentication::{Authenticated, Authentication, AuthenticationResult, Context, Method},
    confirm::SeenGenerations,
    end::EndSessionOutcome,
    established::Established,
    keyring::{KeySource, key_ids, private_key_ids, secret_ids, unusable_keys},
    lockout::{AttemptDecision, LockoutKeys},
    opaque_token::OpaqueToken,
    open::{Device, NewSession, PendingSession, Tokens},
    presented_tokens::{MAX_COOKIE_SLOT, PresentedToken, PresentedTokens},
    reauthenticate::Reauthenticated,
    refresh::{RefreshInput, RefreshOutcome, RefreshRejection},
    refresh_transaction::IssuedRefreshToken,
    sign_in::{SignInOutcome, identify},
};
use crate::{
    delivery::Outbox,
    events::{Events, Revocation},
    quota::Quotas,
    verification::Verifications,
};
use domain::{
    Timestamp,
    contact::NumberRules,
    ids::{AccountId, SessionId},
    session::Session,
};
use platform::{
    clock::{Clock, Entropy},
    config,
    fault::Fault,
    keys::ServerKeys,
    password::Hasher,
};
use store::{Page, PageRequest, Store};

/// The session use cases. Cheap to clone.
#[derive(Clone)]
pub struct Sessions(Arc<Deps>);

/// Dependencies of [`Sessions`].
pub struct Deps {
    pub store: Store,
    pub clock: Clock,
    pub entropy: Entropy,
    pub keys: ServerKeys,
    pub settings: config::Session,
    pub access: AccessTokens,
    pub access_token_verifier: AccessTokenVerifier,
    pub seen_generations: SeenGenerations,
    pub verifications: Verifications,
    pub quotas: Quotas,
    pub events: Events,
    pub outbox: Outbox,
    pub hasher: Hasher,
    /// How phone numbers without a country code are parsed.
    pub numbers: NumberRules,
    /// Whether responses may distinguish unknown accounts from known ones.
    pub accounts_disclosed: bool,
}

impl Sessions {
    pub fn new(deps: Deps) -> Self {
        Self(Arc::new(deps))
    }

    /// Whether refresh tokens are sent in a cookie.
    pub fn use_cookie(&self) -> bool {
        self.0.settings.cookie
    }

    /// The path of the cookies. None: the whole host.
    pub fn cookie_path(&self) -> Option<&str> {
        self.0.settings.cookie_path.as_deref()
    }

    /// How long a device stays known, and the lifetime of its cookie.
    pub fn device_life(&self) -> std::time::Duration {
        DEVICE_LIFE
    }

    /// The live sessions of an account, newest first.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn list(&self, account: &AccountId, page: &PageRequest) -> Result<Page<Session>, Fault> {
        self.0.store.sessions(account, page, self.0.clock.now()).await
    }

    /// Notifies every process that sessions were ended. Called after the commit.
    pub fn publish_ended(&self, sessions: &[SessionId], at: Timestamp) {
        self.0.access_token_verifier.revoke(sessions.iter().cloned(), at);
        for session in sessions {
            self.0.events.publish_revocation(Revocation { session: session.clone(), at });
        }
    }
}

/// After a year without a sign-in a device is removed by the janitor, and counts as new.
pub const DEVICE_LIFE: std::time::Duration = std::time::Duration::from_secs(365 * 24 * 60 * 60);
