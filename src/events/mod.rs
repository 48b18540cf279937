//! Who changed.
use crate::{
    channel::Channel,
    clock::Instant,
    ids::VerificationId,
    status::{DeliveryStatus, Status},
    store::entity::verification::Model,
};
use tokio::sync::watch;
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub id: VerificationId,
    pub sequence: i64,
    pub status: Status,
    pub attempts: i32,
    pub delivery_channel: Channel,
    pub delivery_status: DeliveryStatus,
    pub delivery_updated_at: Instant,
    pub last_sent_at: Instant,
    pub expires_at: Instant,
}
impl Snapshot {
    pub fn of(row: &Model) -> Self {
        Self {
            id: row.id.clone(),
            sequence: row.sequence,
            status: row.status,
            attempts: row.attempts,
            delivery_channel: row.delivery_channel,
            delivery_status: row.delivery_status,
            delivery_updated_at: row.delivery_updated_at,
            last_sent_at: row.last_sent_at,
            expires_at: row.expires_at,
        }
    }
}
pub enum Wake {
    Changed(Snapshot),
    Reread,
}
pub struct Watcher(watch::Receiver<Option<Snapshot>>);
impl Watcher {
    pub async fn next(&mut self) -> Wake {
        loop {
            if self.0.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            if let Some(s) = self.0.borrow_and_update().clone() {
                return Wake::Changed(s);
            }
        }
    }
}
#[derive(Clone, Debug, Default)]
pub struct Events(
    std::sync::Arc<std::sync::Mutex<std::collections::HashMap<VerificationId, watch::Sender<Option<Snapshot>>>>>,
);
impl Events {
    pub fn watch(&self, id: &VerificationId) -> Watcher {
        Watcher(self.0.lock().unwrap().entry(id.clone()).or_insert_with(|| watch::Sender::new(None)).subscribe())
    }
    pub fn publish(&self, s: Snapshot) {
        if let Some(tx) = self.0.lock().unwrap().get(&s.id) {
            tx.send_replace(Some(s));
        }
    }
}
