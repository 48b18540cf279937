//! The allowed transitions of the status of a message.

use domain::status::DeliveryStatus::{self, Delivered, Failed, Queued, Sent, Undelivered, Unknown};

/// The statuses from which a receipt may change a message to `new`. Receipts may be late, repeated and out of order.
/// `Delivered` is final, but a carrier may still deliver after `Undelivered`. A `Queued` message is being sent or about
/// to be: except for `Delivered`, its status is written by the process that sends it.
pub fn allowed_from(new: DeliveryStatus) -> &'static [DeliveryStatus] {
    match new {
        Queued | Failed | Unknown => &[],
        Sent => &[Unknown],
        Delivered => &[Queued, Unknown, Sent, Undelivered, Failed],
        Undelivered => &[Unknown, Sent],
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn delivered_is_final_and_no_status_follows_itself() {
        for new in DeliveryStatus::all() {
            assert!(!allowed_from(new).contains(&Delivered), "{new:?}");
            assert!(!allowed_from(new).contains(&new), "{new:?}");
        }
        assert!(allowed_from(Delivered).contains(&Undelivered) && !allowed_from(Undelivered).contains(&Failed));
    }
}
