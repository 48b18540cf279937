//! The outbox's end: claims, posts, settles. Likewise at most sixteen messages in hand, and sixty-four in a claim.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::{PgPool, Row};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::{
    api::{code, now},
    sql,
};

const HANDS: usize = 16;
const BATCH: usize = 64;
const SWEEP: Duration = Duration::from_millis(500);

struct Courier {
    pool: PgPool,
    http: reqwest::Client,
    gateway: String,
}

struct Message {
    id: String,
    verification: String,
    phone: String,
}

/// Carries messages from now on, whenever it is nudged.
///
/// # Errors
/// There is no HTTP client to be had.
pub fn start(pool: PgPool, gateway: String) -> Result<mpsc::Sender<()>, reqwest::Error> {
    let (nudge, mut nudged) = mpsc::channel(10_000);
    let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).no_proxy().build()?;
    let courier = Arc::new(Courier { pool, http, gateway });
    let hands = Arc::new(Semaphore::new(HANDS));
    tokio::spawn(async move {
        let mut nudges = Vec::new();
        // A sweep, where none comes.
        while !matches!(tokio::time::timeout(SWEEP, nudged.recv_many(&mut nudges, BATCH)).await, Ok(0)) {
            nudges.clear();
            if let Err(error) = courier.clone().claim(&hands).await {
                eprintln!("baseline: claiming: {error}");
            }
        }
    });
    Ok(nudge)
}

impl Courier {
    async fn claim(self: Arc<Self>, hands: &Arc<Semaphore>) -> Result<(), sqlx::Error> {
        loop {
            // At least one, without polling for it.
            let Ok(first) = hands.clone().acquire_owned().await else { return Ok(()) };
            let mut free = vec![first];
            while free.len() < BATCH
                && let Ok(hand) = hands.clone().try_acquire_owned()
            {
                free.push(hand);
            }
            let most = free.len();
            let messages = self.due(most).await?;
            let claimed = messages.len();
            for (message, hand) in messages.into_iter().zip(free) {
                tokio::spawn(self.clone().carry(message, hand));
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

    async fn carry(self: Arc<Self>, message: Message, _hand: OwnedSemaphorePermit) {
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
