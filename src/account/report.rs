//! Verification funnel of a period: codes requested, delivered and confirmed.

use std::collections::BTreeMap;

use chrono::{DurationRound, TimeDelta, TimeZone};
use chrono_tz::Tz;

use super::Accounts;
use domain::{Timestamp, channel::Channel, purpose::Purpose};
use platform::fault::Fault;
use store::{SLOT, SlotCount};

/// Length of the period that a row covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    Hour,
    /// In the service's time zone.
    Day,
}

/// Counts of the verifications of one purpose and channel that were started in one bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub start: Timestamp,
    pub purpose: Purpose,
    pub channel: Channel,
    pub requested: i64,
    pub sent: i64,
    pub delivered: i64,
    pub delivery_failed: i64,
    pub verified: i64,
    pub expired: i64,
    pub locked: i64,
}

impl Row {
    /// Verified divided by sent. None: nothing was sent.
    #[expect(clippy::cast_precision_loss, reason = "counts stay below 2^52")]
    pub fn conversion(&self) -> Option<f64> {
        (self.sent > 0).then(|| self.verified as f64 / self.sent as f64)
    }
}

/// The longest period of a report: a year by day, a month by hour.
pub fn max_period(bucket: Bucket) -> TimeDelta {
    match bucket {
        Bucket::Hour => TimeDelta::days(31),
        Bucket::Day => TimeDelta::days(366),
    }
}

impl Accounts {
    /// The funnel from `from` until before `to`, oldest first. Decoys are not in it.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn verification_report(
        &self,
        from: Timestamp,
        to: Timestamp,
        bucket: Bucket,
        zone: Tz,
    ) -> Result<Vec<Row>, Fault> {
        let slots = self.0.store.count_verifications(from, to, self.0.clock.now()).await?;
        Ok(sum_by_bucket(slots, bucket, zone))
    }
}

/// Sums slots into buckets.
pub fn sum_by_bucket(slots: Vec<SlotCount>, bucket: Bucket, zone: Tz) -> Vec<Row> {
    let mut rows: BTreeMap<(Timestamp, Purpose, Channel), Row> = BTreeMap::new();
    for slot in slots {
        let Some(at) = Timestamp::from_timestamp(slot.slot * SLOT, 0) else { continue };
        let start = start(at, bucket, zone);
        let row = rows.entry((start, slot.purpose, slot.channel)).or_insert(Row {
            start,
            purpose: slot.purpose,
            channel: slot.channel,
            requested: 0,
            sent: 0,
            delivered: 0,
            delivery_failed: 0,
            verified: 0,
            expired: 0,
            locked: 0,
        });
        row.requested += slot.requested;
        row.sent += slot.sent;
        row.delivered += slot.delivered;
        row.delivery_failed += slot.delivery_failed;
        row.verified += slot.verified;
        row.expired += slot.expired;
        row.locked += slot.locked;
    }
    rows.into_values().collect()
}

/// Start of the bucket that contains `at`.
fn start(at: Timestamp, bucket: Bucket, zone: Tz) -> Timestamp {
    let local = at.with_timezone(&zone);
    match bucket {
        // Zones with a half-hour offset have their own hour boundaries.
        Bucket::Hour => local.duration_trunc(TimeDelta::hours(1)).map_or(at, |start| start.to_utc()),
        Bucket::Day => {
            let midnight = local.date_naive().and_time(chrono::NaiveTime::MIN);
            // Where clocks go forward at midnight, the day begins at the first existing instant.
            let begins = zone.from_local_datetime(&midnight).earliest();
            let begins = begins.or_else(|| zone.from_local_datetime(&(midnight + TimeDelta::hours(1))).earliest());
            begins.map_or(at, |start| start.to_utc())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(at: &str, purpose: Purpose, sent: i64, verified: i64) -> SlotCount {
        let at: Timestamp = at.parse().unwrap();
        SlotCount {
            slot: at.timestamp() / SLOT,
            purpose,
            channel: Channel::Sms,
            requested: sent + 1,
            sent,
            delivered: sent,
            delivery_failed: 1,
            verified,
            expired: 0,
            locked: 0,
        }
    }

    #[test]
    fn slots_are_summed_by_day_of_the_time_zone() {
        let seoul = chrono_tz::Asia::Seoul;
        let slots = vec![
            slot("2026-03-01T14:45:00Z", Purpose::SignUp, 4, 1),
            slot("2026-03-01T15:00:00Z", Purpose::SignUp, 3, 3),
            slot("2026-03-02T14:45:00Z", Purpose::SignUp, 1, 0),
            slot("2026-03-02T03:00:00Z", Purpose::SignIn, 2, 1),
        ];
        let rows = sum_by_bucket(slots, Bucket::Day, seoul);
        let shown: Vec<_> = rows
            .iter()
            .map(|row| (row.start.to_rfc3339(), row.purpose, row.requested, row.sent, row.conversion()))
            .collect();
        assert_eq!(
            shown,
            [
                ("2026-02-28T15:00:00+00:00".to_owned(), Purpose::SignUp, 5, 4, Some(0.25)),
                ("2026-03-01T15:00:00+00:00".to_owned(), Purpose::SignUp, 6, 4, Some(0.75)),
                ("2026-03-01T15:00:00+00:00".to_owned(), Purpose::SignIn, 3, 2, Some(0.5)),
            ]
        );
        assert_eq!(
            sum_by_bucket(vec![slot("2026-03-01T00:00:00Z", Purpose::Contact, 0, 0)], Bucket::Day, seoul)[0]
                .conversion(),
            None
        );
    }

    #[test]
    fn hour_buckets_follow_the_time_zone() {
        let slots = || vec![slot("2026-03-01T00:15:00Z", Purpose::Contact, 1, 0)];
        let hour = |zone| sum_by_bucket(slots(), Bucket::Hour, zone)[0].start.to_rfc3339();
        assert_eq!(hour(chrono_tz::Asia::Seoul), "2026-03-01T00:00:00+00:00");
        assert_eq!(hour(chrono_tz::Asia::Kolkata), "2026-02-28T23:30:00+00:00");
    }
}
