//! The rules for the limits that are counted in SQL: the wait between two sends, and the day that a count belongs to.

use std::{num::NonZeroU32, time::Duration};

use chrono::{Days, NaiveDate, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;

use crate::{
    Timestamp,
    quota::{Quota, Refused},
};

/// The longest gap in the local time of any place: Samoa skipped a whole day in 2011.
const LONGEST_GAP: TimeDelta = TimeDelta::hours(25);

/// The date of `now` in `zone`: the day that a daily count belongs to.
pub fn local_day(now: Timestamp, zone: Tz) -> NaiveDate {
    now.with_timezone(&zone).date_naive()
}

/// The start of the next day in `zone`. Where daylight saving time begins at midnight there is no 00:00, and the day
/// begins at 01:00; where clocks are set back over midnight it begins at the earlier of the two.
pub fn next_midnight(now: Timestamp, zone: Tz) -> Timestamp {
    let Some(midnight) = local_day(now, zone).checked_add_days(Days::new(1)).map(|day| day.and_time(NaiveTime::MIN))
    else {
        return Timestamp::MAX_UTC;
    };
    let mut skipped = TimeDelta::zero();
    while skipped <= LONGEST_GAP {
        let at = zone.from_local_datetime(&(midnight + skipped));
        let instants = [at.earliest(), at.latest()].into_iter().flatten().map(|at| at.to_utc());
        if let Some(instant) = instants.filter(|instant| *instant > now).min() {
            return instant;
        }
        skipped += TimeDelta::minutes(1);
    }
    now + TimeDelta::days(1)
}

/// Checks the wait between two codes to one contact. A last send in the future, because the clock was set back since,
/// counts as one at `now`: the wait is never longer than the cooldown.
///
/// # Errors
/// The refusal, with the time at which a send is accepted.
pub fn cooldown(last_sent_at: Option<Timestamp>, now: Timestamp, cooldown: Duration) -> Result<(), Refused> {
    match last_sent_at.map(|sent| sent.min(now) + cooldown) {
        Some(retry_at) if retry_at > now => Err(Refused { quota: Quota::ResendCooldown, retry_at }),
        _ => Ok(()),
    }
}

/// Checks the daily limit of a contact that was used `count` times today.
///
/// # Errors
/// The refusal; it ends at midnight.
pub fn daily(count: u32, limit: Option<NonZeroU32>, now: Timestamp, zone: Tz) -> Result<(), Refused> {
    match limit {
        Some(limit) if count >= limit.get() => {
            Err(Refused { quota: Quota::ContactDaily, retry_at: next_midnight(now, zone) })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::{
        Africa::Cairo,
        America::{Havana, New_York},
        Asia::{Beirut, Kathmandu, Seoul},
        Europe::London,
        Pacific::{Apia, Chatham},
    };
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn day_in_seoul_ends_at_15_utc() {
        assert_eq!(local_day(at("2026-03-01T14:59:59.999Z"), Seoul), "2026-03-01".parse().unwrap());
        assert_eq!(local_day(at("2026-03-01T15:00:00Z"), Seoul), "2026-03-02".parse().unwrap());
        assert_eq!(next_midnight(at("2026-03-01T14:59:59.999Z"), Seoul), at("2026-03-01T15:00:00Z"));
        assert_eq!(next_midnight(at("2026-03-01T15:00:00Z"), Seoul), at("2026-03-02T15:00:00Z"));
    }

    #[test]
    fn nonexistent_midnight_is_the_end_of_the_gap() {
        // Daylight saving time in Egypt began on 2024-04-26 at 00:00, which became 01:00 (UTC+3).
        assert_eq!(next_midnight(at("2024-04-25T20:00:00Z"), Cairo), at("2024-04-25T22:00:00Z"));
        // Samoa skipped the 30th of December 2011.
        assert_eq!(next_midnight(at("2011-12-30T09:00:00Z"), Apia), at("2011-12-30T10:00:00Z"));
    }

    #[test]
    fn repeated_midnight_is_the_earlier_one() {
        // Havana, 2024-11-03: 01:00 became 00:00.
        assert_eq!(next_midnight(at("2024-11-03T03:00:00Z"), Havana), at("2024-11-03T04:00:00Z"));
        assert_eq!(next_midnight(at("2024-11-03T05:30:00Z"), Havana), at("2024-11-04T05:00:00Z"));
    }

    #[test]
    fn cooldown_ends_to_the_millisecond() {
        let minute = Duration::from_secs(60);
        let sent = at("2026-01-01T00:00:00Z");
        let refusal = Refused { quota: Quota::ResendCooldown, retry_at: sent + minute };
        assert_eq!(cooldown(None, sent, minute), Ok(()));
        assert_eq!(cooldown(Some(sent), sent + Duration::from_millis(59_999), minute), Err(refusal));
        assert_eq!(cooldown(Some(sent), sent + minute, minute), Ok(()));
        assert_eq!(cooldown(Some(sent), sent, Duration::ZERO), Ok(()));
    }

    #[test]
    fn clock_set_back_does_not_extend_the_cooldown() {
        let now = at("2026-01-01T00:00:00Z");
        let refusal = cooldown(Some(now + TimeDelta::hours(1)), now, Duration::from_secs(60)).unwrap_err();
        assert_eq!(refusal.retry_at, now + Duration::from_secs(60));
    }

    #[test]
    fn count_at_the_daily_limit_is_refused() {
        let now = at("2026-03-01T14:00:00Z");
        let five = NonZeroU32::new(5);
        assert_eq!(daily(4, five, now, Seoul), Ok(()));
        let refusal = Refused { quota: Quota::ContactDaily, retry_at: at("2026-03-01T15:00:00Z") };
        assert_eq!(daily(5, five, now, Seoul), Err(refusal));
        assert_eq!(daily(u32::MAX, None, now, Seoul), Ok(()));
    }

    proptest! {
        #[test]
        fn next_midnight_is_the_start_of_a_later_day(
            seconds in 1_300_000_000i64..2_200_000_000,
            zone in prop::sample::select(vec![Seoul, New_York, London, Cairo, Beirut, Havana, Apia, Chatham, Kathmandu]),
        ) {
            let now = Timestamp::from_timestamp(seconds, 0).unwrap();
            let midnight = next_midnight(now, zone);
            prop_assert!(midnight > now && midnight - now <= TimeDelta::hours(25));
            prop_assert!(local_day(midnight, zone) > local_day(now, zone));
            prop_assert_eq!(local_day(midnight - TimeDelta::milliseconds(1), zone), local_day(now, zone));
        }
    }
}
