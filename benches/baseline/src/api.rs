//! The two operations.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use chrono::{DateTime, Datelike, SubsecRound, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::{PgPool, Postgres, Row, Transaction};
use tokio::sync::mpsc;

use crate::sql;

pub struct Api {
    pub pool: PgPool,
    /// Wakes the dispatcher after a message was added to the outbox.
    pub wake: mpsc::Sender<()>,
}

#[derive(Deserialize)]
pub struct Request {
    variables: Variables,
}

#[derive(Deserialize)]
struct Variables {
    input: Input,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    Send {
        to: To,
    },
    Confirm {
        #[serde(rename = "verificationId")]
        verification_id: String,
        code: String,
    },
}

#[derive(Deserialize)]
struct To {
    phone: String,
}

type Failed = (StatusCode, String);

/// The current time with the precision that is stored.
#[expect(clippy::disallowed_methods, reason = "no test needs to control the clock")]
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(3)
}

/// Derives the code, which is not stored, like Countersign and at a similar cost.
pub fn code(verification: &str) -> String {
    let digest = Sha256::digest(verification.as_bytes());
    let number = digest.iter().take(4).fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
    format!("{:06}", number % 1_000_000)
}

pub async fn answer(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    Json(request): Json<Request>,
) -> Result<Json<Value>, Failed> {
    let address = headers.get("x-forwarded-for").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let answered = match request.variables.input {
        Input::Send { to } => api.send(&to.phone, address).await,
        Input::Confirm { verification_id, code } => api.confirm(&verification_id, &code, address).await,
    };
    answered.map(Json).map_err(|error| (StatusCode::SERVICE_UNAVAILABLE, error.to_string()))
}

impl Api {
    async fn send(&self, phone: &str, address: &str) -> Result<Value, sqlx::Error> {
        let (id, delivery) = (format!("ver_{}", token::<16>()), format!("dlv_{}", token::<16>()));
        let (now, expires_at) = (now(), now() + TimeDelta::minutes(5));
        let mut tx = self.pool.begin().await?;
        let counted = sqlx::query(sql::COUNT_SEND)
            .bind(phone)
            .bind(now.num_days_from_ce())
            .bind(now)
            .bind(now - TimeDelta::seconds(60));
        if counted.fetch_optional(&mut *tx).await?.is_none() {
            tx.rollback().await?;
            return Ok(json!({"data": {"sendVerificationCode": {"code": "QUOTA_EXCEEDED"}}}));
        }
        let verification = sqlx::query(sql::INSERT_VERIFICATION).bind(&id).bind(phone).bind(&delivery);
        verification.bind(now).bind(expires_at).execute(&mut *tx).await?;
        let content = json!({"code": {"key_id": "baseline", "purpose": "CONTACT", "generation": 1}}).to_string();
        let message = sqlx::query(sql::INSERT_DELIVERY).bind(&delivery).bind(&id).bind(phone).bind(content);
        message.bind(now).bind(expires_at).execute(&mut *tx).await?;
        audit(&mut tx, now, "sendVerificationCode", phone, address).await?;
        tx.commit().await?;
        // If the channel is full, the dispatcher is busy and will also find this message.
        let _ = self.wake.try_send(());
        let verification = json!({
            "id": id,
            "maskedTo": masked(phone),
            "status": "PENDING",
            "attemptsRemaining": 5,
            "expiresAt": expires_at,
        });
        Ok(json!({"data": {"sendVerificationCode": {"verification": verification}}}))
    }

    async fn confirm(&self, id: &str, guess: &str, address: &str) -> Result<Value, sqlx::Error> {
        let refused = |code: &str| Ok(json!({"data": {"confirmVerificationCode": {"code": code}}}));
        let found = sqlx::query(sql::READ_VERIFICATION).bind(id).fetch_optional(&self.pool).await?;
        let Some(found) = found else { return refused("VERIFICATION_NOT_FOUND") };
        let phone: String = found.get("contact_key");
        if guess != code(id) {
            return refused("CODE_MISMATCH");
        }
        let (now, proof) = (now(), token::<32>());
        let expires_at = now + TimeDelta::minutes(10);
        let mut tx = self.pool.begin().await?;
        let counted = sqlx::query(sql::COUNT_GUESS).bind(&phone).bind(now.num_days_from_ce());
        let checked = match counted.fetch_optional(&mut *tx).await? {
            Some(_) => sqlx::query(sql::CHECK_CODE).bind(id).bind(now).fetch_optional(&mut *tx).await?,
            None => None,
        };
        if checked.is_none() {
            tx.rollback().await?;
            return refused("VERIFICATION_NOT_PENDING");
        }
        audit(&mut tx, now, "confirmVerificationCode", &phone, address).await?;
        let hash = hex::encode(Sha256::digest(proof.as_bytes()));
        let proof_row = sqlx::query(sql::INSERT_PROOF).bind(hash).bind(id).bind(&phone).bind(now).bind(expires_at);
        proof_row.execute(&mut *tx).await?;
        tx.commit().await?;
        let proof = json!({"token": proof, "expiresAt": expires_at, "attestation": ""});
        Ok(json!({"data": {"confirmVerificationCode": {"proof": proof}}}))
    }
}

async fn audit(
    tx: &mut Transaction<'static, Postgres>,
    now: DateTime<Utc>,
    act: &str,
    phone: &str,
    address: &str,
) -> Result<(), sqlx::Error> {
    let entry = sqlx::query(sql::INSERT_AUDIT).bind(now).bind(act).bind(masked(phone)).bind(address).bind(token::<8>());
    entry.execute(&mut **tx).await?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "no test needs deterministic randomness")]
fn token<const BYTES: usize>() -> String {
    hex::encode(rand::random::<[u8; BYTES]>())
}

fn masked(phone: &str) -> String {
    format!("{}••••{}", phone.get(..6).unwrap_or_default(), phone.get(9..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinguishes_send_and_confirm_inputs() {
        let read =
            |input: Value| serde_json::from_value::<Request>(json!({"query": "", "variables": {"input": input}}));
        let send = read(json!({"purpose": "CONTACT", "to": {"phone": "+821012345678"}})).unwrap();
        assert!(matches!(send.variables.input, Input::Send { to } if to.phone == "+821012345678"));
        let confirm = read(json!({"verificationId": "ver_1", "code": "123456"})).unwrap();
        assert!(matches!(confirm.variables.input, Input::Confirm { code, .. } if code == "123456"));
        assert!(read(json!({"identifier": "x"})).is_err());
    }

    #[test]
    fn code_is_six_digits_and_deterministic() {
        assert_eq!(code("ver_1"), code("ver_1"));
        assert_eq!(code("ver_1").len(), 6);
        assert_ne!(code("ver_1"), code("ver_2"));
    }
}
