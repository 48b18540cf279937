//! `stats`: the verification funnel and the health of providers, from the database, for installations without Grafana.

use std::{collections::BTreeMap, time::Duration};

use chrono::SecondsFormat;
use clap::Args;
use serde_json::{Value, json};

use super::{out, table::table};
use domain::{Timestamp, status::DeliveryStatus};
use platform::{
    clock::Clock,
    config::{self, DatabaseLocation},
    fault::Fault,
    supervisor::Supervisor,
};
use store::{ProviderCount, ReasonCount, SlotCount, Store};

/// The arguments of `stats`.
#[derive(Args)]
pub struct Stats {
    /// The period: 30m, 24h, 7d.
    #[arg(long, default_value = "24h", value_parser = humantime::parse_duration)]
    since: Duration,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// All figures.
struct Statistics {
    from: Timestamp,
    to: Timestamp,
    funnel: Vec<Funnel>,
    providers: Vec<Health>,
    /// Messages that are due and not claimed by a process.
    waiting: u64,
}

/// Verifications of one purpose and channel, by status.
#[derive(Clone, Default)]
struct Funnel {
    purpose: &'static str,
    channel: &'static str,
    started: i64,
    sent: i64,
    delivered: i64,
    delivery_failed: i64,
    verified: i64,
    expired: i64,
    locked: i64,
}

/// Messages of one provider and channel, by status.
#[derive(Clone, Default)]
struct Health {
    provider: String,
    channel: &'static str,
    messages: i64,
    queued: i64,
    sent: i64,
    delivered: i64,
    undelivered: i64,
    failed: i64,
    unknown: i64,
    /// The most frequent failure reason, as the error code of the provider.
    reason: Option<String>,
}

const FUNNEL_HEADERS: [&str; 10] = [
    "purpose",
    "channel",
    "started",
    "sent",
    "delivered",
    "not delivered",
    "verified",
    "expired",
    "locked",
    "conversion",
];

const PROVIDER_HEADERS: [&str; 11] = [
    "provider",
    "channel",
    "messages",
    "queued",
    "sent",
    "delivered",
    "undelivered",
    "failed",
    "unknown",
    "failure rate",
    "top reason",
];

impl Funnel {
    /// The cells of its table row.
    fn cells(&self) -> Vec<String> {
        let Self { started, sent, delivered, delivery_failed, verified, expired, locked, .. } = *self;
        let names = [self.purpose.to_owned(), self.channel.to_owned()];
        let counts = [started, sent, delivered, delivery_failed, verified, expired, locked];
        names.into_iter().chain(counts.map(|count| count.to_string())).chain([percentage(verified, started)]).collect()
    }
}

impl Health {
    /// The cells of its table row.
    fn cells(&self) -> Vec<String> {
        let Self { messages, queued, sent, delivered, undelivered, failed, unknown, .. } = *self;
        let names = [self.provider.clone(), self.channel.to_owned()];
        let counts = [messages, queued, sent, delivered, undelivered, failed, unknown];
        let failure_rate = percentage(undelivered + failed + unknown, messages);
        let reason = self.reason.clone().unwrap_or_default();
        names.into_iter().chain(counts.map(|count| count.to_string())).chain([failure_rate, reason]).collect()
    }
}

/// Prints the figures.
///
/// # Errors
/// An error message for the operator.
pub async fn show(settings: &config::Store, stats: &Stats) -> Result<(), String> {
    if let DatabaseLocation::Sqlite { file } = &settings.place
        && !file.exists()
    {
        return Err(super::no_database(file));
    }
    let cannot = |fault: Fault| format!("can't read the database: {}", fault.operator_message());
    let store = Store::open(settings, &Supervisor::default()).await.map_err(cannot)?;
    let to = Clock::System.now();
    let from = chrono::TimeDelta::from_std(stats.since).ok().and_then(|since| to.checked_sub_signed(since));
    let from = from.ok_or("--since: the period is too long")?;
    let statistics = read(&store, from, to).await.map_err(cannot);
    store.close().await;
    let statistics = statistics?;
    match stats.json {
        true => print_line!("{:#}", statistics.to_json()),
        false => out::text(&statistics.to_text()),
    }
    Ok(())
}

async fn read(store: &Store, from: Timestamp, to: Timestamp) -> Result<Statistics, Fault> {
    Ok(Statistics {
        from,
        to,
        funnel: funnel(store.count_verifications(from, to, to).await?),
        providers: health(store.count_deliveries(from, to).await?, store.count_reasons(from, to).await?),
        waiting: store.count_due_deliveries(to).await?,
    })
}

fn funnel(slots: Vec<SlotCount>) -> Vec<Funnel> {
    let mut rows: BTreeMap<_, Funnel> = BTreeMap::new();
    for slot in slots {
        let key = (slot.purpose.as_str(), slot.channel.as_str());
        let row = rows.entry(key).or_insert(Funnel { purpose: key.0, channel: key.1, ..Funnel::default() });
        row.started += slot.requested;
        row.sent += slot.sent;
        row.delivered += slot.delivered;
        row.delivery_failed += slot.delivery_failed;
        row.verified += slot.verified;
        row.expired += slot.expired;
        row.locked += slot.locked;
    }
    rows.into_values().collect()
}

fn health(counts: Vec<ProviderCount>, reasons: Vec<ReasonCount>) -> Vec<Health> {
    let named = |provider: Option<String>| provider.unwrap_or_else(|| "none yet".to_owned());
    let mut rows: BTreeMap<_, Health> = BTreeMap::new();
    for ProviderCount { provider, channel, status, count } in counts {
        let key = (named(provider), channel.as_str());
        let row = rows.entry(key.clone()).or_insert(Health { provider: key.0, channel: key.1, ..Health::default() });
        row.messages += count;
        match status {
            DeliveryStatus::Queued => row.queued += count,
            DeliveryStatus::Sent => row.sent += count,
            DeliveryStatus::Delivered => row.delivered += count,
            DeliveryStatus::Undelivered => row.undelivered += count,
            DeliveryStatus::Failed => row.failed += count,
            DeliveryStatus::Unknown => row.unknown += count,
        }
    }
    let mut highest: BTreeMap<_, i64> = BTreeMap::new();
    for ReasonCount { provider, channel, reason, count } in reasons {
        let key = (named(provider), channel.as_str());
        if let Some(row) = rows.get_mut(&key)
            && highest.get(&key).is_none_or(|highest| *highest < count)
        {
            row.reason = Some(reason);
            highest.insert(key, count);
        }
    }
    rows.into_values().collect()
}

impl Statistics {
    fn to_text(&self) -> String {
        let instant = |at: Timestamp| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let funnel: Vec<_> = self.funnel.iter().map(Funnel::cells).collect();
        let providers: Vec<_> = self.providers.iter().map(Health::cells).collect();
        format!(
            "Verifications started from {} to {}\n\n{}\nMessages of this period, by provider\n\n{}\nDue and waiting now: {}\n",
            instant(self.from),
            instant(self.to),
            table(&FUNNEL_HEADERS, &funnel),
            table(&PROVIDER_HEADERS, &providers),
            self.waiting,
        )
    }

    fn to_json(&self) -> Value {
        let instant = |at: Timestamp| at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let funnel: Vec<_> = self
            .funnel
            .iter()
            .map(|row| {
                json!({
                    "purpose": row.purpose,
                    "channel": row.channel,
                    "started": row.started,
                    "sent": row.sent,
                    "delivered": row.delivered,
                    "deliveryFailed": row.delivery_failed,
                    "verified": row.verified,
                    "expired": row.expired,
                    "locked": row.locked,
                })
            })
            .collect();
        let providers: Vec<_> = self
            .providers
            .iter()
            .map(|row| {
                json!({
                    "provider": row.provider,
                    "channel": row.channel,
                    "messages": row.messages,
                    "queued": row.queued,
                    "sent": row.sent,
                    "delivered": row.delivered,
                    "undelivered": row.undelivered,
                    "failed": row.failed,
                    "unknown": row.unknown,
                    "reason": row.reason,
                })
            })
            .collect();
        json!({
            "from": instant(self.from),
            "to": instant(self.to),
            "funnel": funnel,
            "providers": providers,
            "waiting": self.waiting,
        })
    }
}

fn percentage(part: i64, whole: i64) -> String {
    if whole == 0 { "-".to_owned() } else { format!("{} %", (part * 100 + whole / 2) / whole) }
}
