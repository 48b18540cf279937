//! Distributes changes within this process, whether they were made here or in another process.

use std::sync::Arc;

use tokio::sync::broadcast;

use super::{
    message::RemoteEvent,
    revocation::{Revocation, RevocationEvent},
    watchers::Watchers,
};
use platform::telemetry::metrics::{self, Fallback};

/// Revocations that may be queued for a slow subscriber; beyond them it has to read again.
const REVOCATION_BUFFER: usize = 1024;

/// Distributes changes to the subscribers in this process.
pub struct Hub {
    pub watchers: Arc<Watchers>,
    pub revocations: broadcast::Sender<RevocationEvent>,
}

impl Hub {
    pub fn new() -> Self {
        Self { watchers: Arc::new(Watchers::new()), revocations: broadcast::Sender::new(REVOCATION_BUFFER) }
    }

    pub fn revoke(&self, revocation: Revocation) {
        // Fails only if there are no subscribers.
        let _ = self.revocations.send(RevocationEvent::Revoked(revocation));
    }

    /// Handles a change from another process.
    pub async fn handle_remote(&self, news: RemoteEvent) {
        match news {
            RemoteEvent::Changed(snapshot) => self.watchers.deliver(&snapshot),
            RemoteEvent::Revoked(revocation) => self.revoke(revocation),
            RemoteEvent::Missed => self.reread().await,
        }
    }

    /// Changes may have been missed: makes all subscribers read again.
    pub async fn reread(&self) {
        // Fails only if there are no subscribers.
        let _ = self.revocations.send(RevocationEvent::Reread);
        if self.watchers.len() > 0 {
            metrics::fell_back(Fallback::Events);
        }
        self.watchers.reread_all().await;
    }
}
