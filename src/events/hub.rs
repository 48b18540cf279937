//! Where news arrives in this process, whether made here or in another.

use std::sync::Arc;

use tokio::sync::broadcast;

use super::{
    message::News,
    revocation::{Revocation, RevocationWake},
    watchers::Watchers,
};
use crate::telemetry::metrics::{self, Fallback};

/// Revocations that a slow listener may have waiting; beyond them it is told to read again.
const REVOCATIONS: usize = 1024;

/// Hands news to whoever listens in this process.
pub struct Hub {
    pub watchers: Arc<Watchers>,
    pub revocations: broadcast::Sender<RevocationWake>,
}

impl Hub {
    pub fn new() -> Self {
        Self { watchers: Arc::new(Watchers::new()), revocations: broadcast::Sender::new(REVOCATIONS) }
    }

    pub fn revoke(&self, revocation: Revocation) {
        // Fails only where nobody listens.
        let _ = self.revocations.send(RevocationWake::Revoked(revocation));
    }

    /// Takes in what another process tells.
    pub async fn hear(&self, news: News) {
        match news {
            News::Changed(snapshot) => self.watchers.deliver(&snapshot),
            News::Revoked(revocation) => self.revoke(revocation),
            News::Missed => self.reread().await,
        }
    }

    /// Something may have been missed: has everything read again that somebody listens to.
    pub async fn reread(&self) {
        // Fails only where nobody listens.
        let _ = self.revocations.send(RevocationWake::Reread);
        if self.watchers.len() > 0 {
            metrics::fell_back(Fallback::Events);
        }
        self.watchers.reread_all().await;
    }
}
