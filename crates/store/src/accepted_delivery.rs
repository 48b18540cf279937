//! Messages accepted by providers, many written in one statement: the attempts, the deliveries, and the statuses shown on
//! the verifications.

use std::{collections::HashMap, sync::LazyLock};

use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, QueryResult, Statement};
use serde::Serialize;

use super::{
    Acceptance, Backend, Store,
    entity::{Mapped, verification},
    is_foreign_key_violation,
    pool::Pool,
};
use domain::{
    Timestamp,
    ids::{DeliveryId, VerificationId},
    status::DeliveryStatus,
    verification::Verification,
};
use platform::{
    fault::{Fault, FaultContext},
    telemetry,
};

/// A message accepted by a provider, from the holder of `claim`.
#[derive(Clone, Debug)]
pub struct AcceptedDelivery {
    pub delivery: DeliveryId,
    /// None: there is no verification to update.
    pub verification: Option<VerificationId>,
    /// The status to show on the verification; None: that of the delivery.
    pub shown: Option<DeliveryStatus>,
    /// The claim on the row when it was claimed.
    pub claim: Option<String>,
    /// How many times a provider was called.
    pub calls: i32,
    pub by: Acceptance,
    pub receipt_due: Option<Timestamp>,
    /// When the provider accepted it.
    pub accepted_at: Timestamp,
}

/// What an acceptance changed: the verification, if its shown status changed. None: nothing was written, because the claim
/// was lost.
pub(super) type Recorded = Option<Option<Verification>>;

impl Store {
    /// Writes an acceptance, as [`super::Tx::settle_delivery`] and [`super::Tx::show_delivery`] do, together with others in
    /// one statement. Returns the verification if its shown status changed.
    ///
    /// None: the caller has to write it with separate statements, which decide everything again. On SQLite always, since
    /// it has no such statement and its writer batches transactions anyway; on PostgreSQL if the claim was lost, or if the
    /// statement failed, because of this message or of another one.
    pub async fn settle_accepted_delivery(&self, accepted: AcceptedDelivery) -> Option<Option<Verification>> {
        let Backend::Postgres(db) = &self.backend else { return None };
        let recorded = self.acceptances.add(accepted, async |batch| {
            match self.with_timeout(write_batch(db, &batch)).await.context("recording accepted deliveries") {
                Ok(recorded) => recorded,
                Err(fault) => {
                    telemetry::report(&fault);
                    Vec::new()
                }
            }
        });
        recorded.await.flatten()
    }
}

async fn write_batch(db: &Pool, batch: &[AcceptedDelivery]) -> Result<Vec<Recorded>, Fault> {
    let rows: Vec<_> = batch.iter().map(Given::from).collect();
    let rows = serde_json::to_string(&rows).map_err(|error| Fault::internal(format!("a row is not JSON: {error}")))?;
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, STATEMENT.as_str(), [rows.into()]);
    let written = match db.query_all_raw(statement).await {
        // A message was deleted with its account meanwhile: the others are written one by one.
        Err(error) if is_foreign_key_violation(&error) => return Ok(Vec::new()),
        written => written?,
    };
    let mut written = written.iter().map(settled).collect::<Result<HashMap<_, _>, Fault>>()?;
    Ok(batch.iter().map(|accepted| written.remove(accepted.delivery.as_str())).collect())
}

/// The id of a settled delivery, and its verification if the shown status changed.
fn settled(row: &QueryResult) -> Result<(String, Option<Verification>), Fault> {
    let id = row.try_get("", "settled_id").context("reading a settled delivery")?;
    let shown = verification::Model::from_query_result_optional(row, "");
    Ok((id, shown.context("reading the verification of a delivery").mapped()?))
}

/// A row of the parameter.
#[derive(Serialize)]
struct Given<'a> {
    delivery: &'a str,
    verification: Option<&'a str>,
    shown: Option<&'static str>,
    claim: Option<&'a str>,
    calls: i32,
    provider: &'a str,
    provider_message_id: Option<&'a str>,
    poll_at: Option<Timestamp>,
    receipt_due: Option<Timestamp>,
    accepted_at: Timestamp,
}

impl<'a> From<&'a AcceptedDelivery> for Given<'a> {
    fn from(accepted: &'a AcceptedDelivery) -> Self {
        Self {
            delivery: accepted.delivery.as_str(),
            verification: accepted.verification.as_ref().map(VerificationId::as_str),
            shown: accepted.shown.map(DeliveryStatus::as_str),
            claim: accepted.claim.as_deref(),
            calls: accepted.calls,
            provider: &accepted.by.provider,
            provider_message_id: accepted.by.provider_message_id.as_deref(),
            poll_at: accepted.by.poll_at,
            receipt_due: accepted.receipt_due,
            accepted_at: accepted.accepted_at,
        }
    }
}

/// The statement. Its text is the same for every number of messages, so that it is prepared once: the rows are one JSON
/// parameter. They are sorted by id, so that two statements lock rows in the same order.
///
/// - A receipt may have come first; its status stays. A delivered message stays delivered.
/// - The claim is compared, so a message that was claimed again is not settled. The comparison is one that no index supports:
///   PostgreSQL would otherwise scan the index of claimed messages, with the entries of all that were settled since it was
///   vacuumed.
static STATEMENT: LazyLock<String> = LazyLock::new(|| {
    let (sent, delivered) = (DeliveryStatus::Sent.as_str(), DeliveryStatus::Delivered.as_str());
    format!(
        "WITH given AS MATERIALIZED (
            SELECT * FROM json_to_recordset(CAST($1 AS json)) AS given (
                delivery text, verification text, shown text, claim text, calls int, provider text,
                provider_message_id text, poll_at timestamptz, receipt_due timestamptz, accepted_at timestamptz)
            ORDER BY delivery
        ), attempt AS (
            INSERT INTO delivery_attempt
                (delivery_id, provider, provider_message_id, status, accepted_at, polls, poll_at)
            SELECT delivery, provider, provider_message_id, '{sent}', accepted_at, 0, poll_at FROM given
            ON CONFLICT (delivery_id, provider)
                DO UPDATE SET provider_message_id = excluded.provider_message_id, poll_at = excluded.poll_at
            RETURNING delivery_id, status, code, failure, told_at AS reported_at
        ), settled AS (
            UPDATE delivery SET
                claimed_by = NULL,
                tries = delivery.tries + given.calls,
                updated_at = given.accepted_at,
                status = CASE WHEN delivery.status = '{delivered}' THEN '{delivered}' ELSE attempt.status END,
                due_at = CASE WHEN attempt.reported_at IS NULL THEN given.receipt_due END,
                provider = given.provider,
                provider_message_id = given.provider_message_id,
                reason = attempt.code,
                failure = CASE WHEN delivery.status <> '{delivered}' THEN attempt.failure END,
                perhaps_sent = FALSE,
                refused = FALSE
            FROM given JOIN attempt ON attempt.delivery_id = given.delivery
            WHERE delivery.id = given.delivery AND delivery.claimed_by IS NOT DISTINCT FROM given.claim
            RETURNING delivery.id, given.verification, given.shown, given.accepted_at,
                coalesce(given.shown, delivery.status) AS status,
                CASE WHEN given.shown IS NULL THEN delivery.failure END AS failure
        ), shown AS (
            UPDATE verification SET
                delivery_status = settled.status,
                delivery_failure = settled.failure,
                delivery_updated_at = settled.accepted_at,
                updated_at = settled.accepted_at,
                sequence = verification.sequence + 1
            FROM settled
            WHERE verification.id = settled.verification AND verification.delivery_id = settled.id
                AND verification.delivery_status <> settled.status
            RETURNING verification.*
        )
        SELECT settled.id AS settled_id, shown.* FROM settled LEFT JOIN shown ON shown.delivery_id = settled.id"
    )
});
