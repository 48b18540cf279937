//! The gate: who a bearer token says is asking, judged without a look into the database.

use tokio::sync::watch;

use crate::{
    clock::Instant,
    ids::{AccountId, SessionId},
};

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    User,
    Admin,
}

/// Somebody who is signed in, as the access token says and nothing since has revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    pub account: AccountId,
    pub session: SessionId,
    pub role: Role,
    /// When the access token ends; a stream opened with it is judged again then.
    pub expires_at: Instant,
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

/// Judges access tokens. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Gate {
    revocations: watch::Sender<u64>,
}

impl Gate {
    /// A gate that honours no token.
    pub fn closed() -> Self {
        Self { revocations: watch::Sender::new(0) }
    }

    /// Who the bearer of this token is. Does no I/O.
    ///
    /// # Errors
    /// [`TokenRefused`] for anything but a live access token of ours.
    pub fn judge(&self, _bearer: &str) -> Result<SignedIn, TokenRefused> {
        Err(TokenRefused)
    }

    /// Ticks whenever something was revoked, in whichever process: whoever keeps a stream open judges its token again.
    pub fn revocations(&self) -> watch::Receiver<u64> {
        self.revocations.subscribe()
    }
}
