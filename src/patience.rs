//! How long an operation waits for its first turn, in an overload: whoever has waited longer is sent away before anything
//! of it is begun. A turn that comes too late helps nobody: its work would only make the next ones late (as CoDel has it,
//! RFC 8289).
//!
//! Whatever is waited for asks [`Ticket::begins`] when a turn comes. Work that belongs to no operation (the dispatcher's,
//! the janitor's) has no patience to lose.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering::Relaxed},
    },
    task::Poll,
    time::Duration,
};

const ENDLESS: u64 = u64::MAX;

const WAITS: u8 = 0;
const BEGUN: u8 = 1;
const GONE: u8 = 2;

tokio::task_local! {
    static TICKET: Ticket;
}

/// How long everybody waits; endless at first. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Patience(Arc<AtomicU64>);

/// One operation's, as long as it runs. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Ticket(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    patience: Patience,
    state: AtomicU8,
}

impl Default for Patience {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(ENDLESS)))
    }
}

impl Patience {
    /// From now on nobody waits longer than this; None: without end. Microseconds count.
    pub fn set(&self, longest: Option<Duration>) {
        let longest = longest.map_or(ENDLESS, |longest| u64::try_from(longest.as_micros()).unwrap_or(ENDLESS));
        self.0.store(longest, Relaxed);
    }

    /// Does the work of an operation. None: its first turn came too late, and nothing of it was begun.
    pub async fn bear<F: Future>(&self, work: F) -> Option<F::Output> {
        let inner = Arc::new(Inner { patience: self.clone(), state: AtomicU8::new(WAITS) });
        let mut work = pin!(TICKET.scope(Ticket(Some(Arc::clone(&inner))), work));
        poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if inner.state.load(Relaxed) == GONE => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    fn is_over(&self, waited: Duration) -> bool {
        waited.as_micros() > self.0.load(Relaxed).into()
    }
}

impl Ticket {
    /// Of the operation that this task works for.
    pub fn current() -> Self {
        TICKET.try_with(Ticket::clone).unwrap_or_default()
    }

    /// Whether to begin what has waited so long for its turn; if not, nothing of the operation may be begun.
    pub fn begins(&self, waited: Duration) -> bool {
        let Some(inner) = &self.0 else { return true };
        let next = if inner.patience.is_over(waited) { GONE } else { BEGUN };
        // What has begun goes on to its end, however late.
        let before = inner.state.compare_exchange(WAITS, next, Relaxed, Relaxed);
        before.map_or_else(|state| state == BEGUN, |_| next == BEGUN)
    }

    /// Whether the operation was sent away: it is dropped as soon as it waits.
    pub fn is_gone(&self) -> bool {
        self.0.as_ref().is_some_and(|inner| inner.state.load(Relaxed) == GONE)
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    const LONGEST: Duration = Duration::from_millis(50);

    /// A turn that came after so long.
    async fn turn(waited: Duration) {
        if !Ticket::current().begins(waited) {
            pending::<()>().await;
        }
    }

    /// An operation with one turn after the other. False: it was sent away.
    async fn turns(patience: &Patience, waits: [Duration; 2]) -> bool {
        let work = async {
            for waited in waits {
                turn(waited).await;
            }
        };
        patience.bear(work).await.is_some()
    }

    #[tokio::test]
    async fn fd_08_whose_first_turn_comes_too_late_is_sent_away_and_nobody_who_has_begun() {
        let patience = Patience::default();
        let (early, late) = (LONGEST, LONGEST * 2);
        assert!(turns(&patience, [late, late]).await);
        patience.set(Some(LONGEST));
        assert!(!turns(&patience, [late, early]).await);
        assert!(turns(&patience, [early, late]).await);
        patience.set(None);
        assert!(turns(&patience, [late, late]).await);
    }

    #[tokio::test]
    async fn fd_08_what_belongs_to_no_operation_waits_for_ever() {
        Patience::default().set(Some(Duration::ZERO));
        turn(LONGEST).await;
        assert!(!Ticket::current().is_gone());
    }

    #[tokio::test]
    async fn fd_08_of_several_fields_one_that_has_begun_keeps_the_others() {
        let patience = Patience::default();
        patience.set(Some(LONGEST));
        assert!(patience.bear(async { tokio::join!(turn(LONGEST), turn(LONGEST * 2)) }).await.is_some());
        assert!(patience.bear(async { tokio::join!(turn(LONGEST * 2), turn(LONGEST * 2)) }).await.is_none());
    }
}
