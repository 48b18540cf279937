//! Revoked sessions.

use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::{self, error::RecvError};

use domain::{Timestamp, ids::SessionId};

/// The end of a session, and its time. When all sessions of an account are ended, each is published: the statement that
/// ends them returns their ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    pub session: SessionId,
    pub at: Timestamp,
}

/// The items of [`Revocations`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevocationWake {
    Revoked(Revocation),
    /// Some revocations may have been missed: read the revoked sessions from the database again.
    Reread,
}

/// The revocations of all processes since it was created.
#[derive(Debug)]
pub struct Revocations(broadcast::Receiver<RevocationWake>);

impl Revocations {
    pub(super) fn new(receiver: broadcast::Receiver<RevocationWake>) -> Self {
        Self(receiver)
    }

    /// The next item. None: the program is stopping. Cancel safe.
    pub async fn next(&mut self) -> Option<RevocationWake> {
        match self.0.recv().await {
            Ok(wake) => Some(wake),
            Err(RecvError::Lagged(_)) => Some(RevocationWake::Reread),
            Err(RecvError::Closed) => None,
        }
    }
}
