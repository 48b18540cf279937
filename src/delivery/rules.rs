//! Which status of a message may follow which.

use domain::status::DeliveryStatus::{self, Delivered, Failed, Queued, Sent, Undelivered, Unknown};

/// The statuses that a message may have when a receipt makes it `new`. Receipts come late, twice and in any order; what
/// is known to have arrived never un-arrives, though a carrier that gave up may deliver after all. A message that waits
/// is in somebody's hand, or about to be: unless it has arrived, whoever has it in hand writes down how it stands.
pub fn before(new: DeliveryStatus) -> &'static [DeliveryStatus] {
    match new {
        Queued | Failed | Unknown => &[],
        Sent => &[Unknown],
        Delivered => &[Queued, Unknown, Sent, Undelivered, Failed],
        Undelivered => &[Unknown, Sent],
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn what_arrived_stays_arrived_and_nothing_follows_itself() {
        for new in DeliveryStatus::iter() {
            assert!(!before(new).contains(&Delivered), "{new:?}");
            assert!(!before(new).contains(&new), "{new:?}");
        }
        assert!(before(Delivered).contains(&Undelivered) && !before(Undelivered).contains(&Failed));
    }
}
