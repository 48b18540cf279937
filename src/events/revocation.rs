//! Sessions that are not to be honoured any more.

use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::{self, error::RecvError};

use crate::{clock::Timestamp, ids::SessionId};

/// That a session was ended, and when. Whoever ends all of an account's tells each: the statement that ends them says
/// which those were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    pub session: SessionId,
    pub at: Timestamp,
}

/// What whoever judges tokens is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevocationWake {
    Revoked(Revocation),
    /// Some revocations may have been missed: what is revoked has to be read from the database again.
    Reread,
}

/// The revocations of all processes, from when it was made.
#[derive(Debug)]
pub struct Revocations(broadcast::Receiver<RevocationWake>);

impl Revocations {
    pub(super) fn new(receiver: broadcast::Receiver<RevocationWake>) -> Self {
        Self(receiver)
    }

    /// The next one. None: the program stops. May be dropped and called again; nothing is lost by it.
    pub async fn next(&mut self) -> Option<RevocationWake> {
        match self.0.recv().await {
            Ok(wake) => Some(wake),
            Err(RecvError::Lagged(_)) => Some(RevocationWake::Reread),
            Err(RecvError::Closed) => None,
        }
    }
}
