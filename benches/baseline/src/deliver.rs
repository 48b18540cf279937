//! The outbox dispatcher: claims messages, posts them, records the result. At most sixteen messages are in flight, as
//! with the default `PROVIDER_CONCURRENCY` of Countersign.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::{PgPool, Row};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::{
    api::{code, now},
    sql,
};

const MAX_IN_FLIGHT: usize = 16;
const BATCH: usize = 64;
const SWEEP: Duration = Duration::from_millis(500);

struct Dispatcher {
    pool: PgPool,
    http: reqwest::Client,
    gateway: String,
}

struct Message {
    id: String,
    verification: String,
    phone: String,
}

/// Starts the dispatcher; a send on the returned channel wakes it.
///
/// # Errors
/// The HTTP client could not be created.
pub fn start(pool: PgPool, gateway: String) -> Result<mpsc::Sender<()>, reqwest::Error> {
    let (wake, mut woken) = mpsc::channel(10_000);
    let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).no_proxy().build()?;
    let dispatcher = Arc::new(Dispatcher { pool, http, gateway });
    let permits = Arc::new(Semaphore::new(MAX_IN_FLIGHT));
    tokio::spawn(async move {
        let mut wakes = Vec::new();
        // Polls the outbox if no wake-up arrives.
        while !matches!(tokio::time::timeout(SWEEP, woken.recv_many(&mut wakes, BATCH)).await, Ok(0)) {
            wakes.clear();
            if let Err(error) = dispatcher.clone().claim(&permits).await {
                eprintln!("baseline: claiming: {error}");
            }
        }
    });
    Ok(wake)
}

impl Dispatcher {
    async fn claim(self: Arc<Self>, permits: &Arc<Semaphore>) -> Result<(), sqlx::Error> {
        loop {
            // Wait for at least one free permit.
            let Ok(first) = permits.clone().acquire_owned().await else { return Ok(()) };
            let mut free = vec![first];
            while free.len() < BATCH
                && let Ok(permit) = permits.clone().try_acquire_owned()
            {
                free.push(permit);
            }
            let most = free.len();
            let messages = self.due(most).await?;
            let claimed = messages.len();
            for (message, permit) in messages.into_iter().zip(free) {
                tokio::spawn(self.clone().deliver(message, permit));
            }
            if claimed < most {
                return Ok(());
            }
        }
    }

    async fn due(&self, most: usize) -> Result<Vec<Message>, sqlx::Error> {
        let now = now();
        let mut tx = self.pool.begin().await?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = sqlx::query(sql::CLAIM).bind(now).bind(most).fetch_all(&mut *tx).await?;
        let messages: Vec<_> = rows
            .iter()
            .map(|row| Message {
                id: row.get("id"),
                verification: row.get("verification_id"),
                phone: row.get("contact"),
            })
            .collect();
        if !messages.is_empty() {
            let ids: Vec<_> = messages.iter().map(|message| message.id.clone()).collect();
            sqlx::query(sql::CLAIMED).bind(ids).bind(now + TimeDelta::seconds(30)).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(messages)
    }

    async fn deliver(self: Arc<Self>, message: Message, _permit: OwnedSemaphorePermit) {
        let text = format!("[Baseline] {}\n", code(&message.verification));
        let body = json!({"data": {"id": message.id, "to": message.phone, "text": text}}).to_string();
        let request = self.http.post(&self.gateway).header("content-type", "application/json").body(body);
        let answer = match request.send().await {
            Ok(response) => response.json::<Value>().await.unwrap_or_default(),
            Err(error) => return eprintln!("baseline: posting: {error}"),
        };
        if let Err(error) = self.settle(&message, answer["provider_message_id"].as_str()).await {
            eprintln!("baseline: settling: {error}");
        }
    }

    async fn settle(&self, message: &Message, provider_message_id: Option<&str>) -> Result<(), sqlx::Error> {
        let now = now();
        let mut tx = self.pool.begin().await?;
        let accepted = sqlx::query(sql::RECORD_ACCEPTANCE).bind(&message.id).bind(provider_message_id).bind(now);
        accepted.fetch_one(&mut *tx).await?;
        let settled = sqlx::query(sql::SETTLE).bind(&message.id).bind(now).bind(provider_message_id);
        settled.fetch_optional(&mut *tx).await?;
        let shown = sqlx::query(sql::SHOW).bind(&message.verification).bind(&message.id).bind(now);
        shown.fetch_optional(&mut *tx).await?;
        tx.commit().await
    }
}
