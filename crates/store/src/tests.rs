//! Tests that need access to the tables: the entities match the tables, and the conditional statements hold.

use std::time::Duration;

use sea_orm::{EntityTrait, Iterable, PaginatorTrait};
use tempfile::TempDir;

use super::*;
use domain::Timestamp;
use platform::wait_limit::WaitLimit;

pub(super) async fn store(dir: &TempDir) -> Store {
    let settings = config::Store {
        place: config::DatabaseLocation::Sqlite { file: dir.path().join("test.db") },
        data_dir: dir.path().into(),
        max_connections: 4,
        timeout: Duration::from_secs(5),
        wait: Duration::ZERO,
        statement_cache: true,
        auto_migrate: true,
    };
    let store = Store::open(&settings, &Supervisor::default()).await.unwrap();
    store.migrate().await.unwrap();
    store
}

#[cfg(unix)]
#[tokio::test]
async fn embedded_database_is_accessible_to_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new().unwrap();
    let _open = store(&dir).await;
    for name in ["test.db", "test.db-wal", "test.db-shm"] {
        let mode = std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn every_entity_matches_the_migrated_database() {
    let dir = TempDir::new().unwrap();
    let store = store(&dir).await;
    async fn select<E: EntityTrait>(store: &Store)
    where
        E::Model: Sync,
    {
        assert!(E::Column::iter().count() > 0);
        assert_eq!(E::find().count(store.reader()).await.unwrap(), 0);
        assert!(E::find().one(store.reader()).await.unwrap().is_none());
    }
    select::<entity::account::Entity>(&store).await;
    select::<entity::audit::Entity>(&store).await;
    select::<entity::contact_change::Entity>(&store).await;
    select::<entity::contact_usage::Entity>(&store).await;
    select::<entity::delivery::Entity>(&store).await;
    select::<entity::delivery_attempt::Entity>(&store).await;
    select::<entity::device::Entity>(&store).await;
    select::<entity::lease::Entity>(&store).await;
    select::<entity::process_keys::Entity>(&store).await;
    select::<entity::lockout::Entity>(&store).await;
    select::<entity::password_census::Entity>(&store).await;
    select::<entity::proof::Entity>(&store).await;
    select::<entity::provider_verification::Entity>(&store).await;
    select::<entity::refresh_token::Entity>(&store).await;
    select::<entity::revocation::Entity>(&store).await;
    select::<entity::session::Entity>(&store).await;
    select::<entity::verification::Entity>(&store).await;
    assert_eq!(store.schema().await.unwrap(), Schema::default());
}

async fn reserve(store: &Store, now: Timestamp, limits: UsageLimits) -> Reservation {
    store
        .write(move |tx| {
            Box::pin(async move { Ok(TxOutcome::Commit(tx.reserve_send("+821012345678", now, limits).await?)) })
        })
        .await
        .unwrap()
}

#[tokio::test]
async fn concurrent_sends_are_granted_up_to_the_daily_limit() {
    let dir = TempDir::new().unwrap();
    let store = store(&dir).await;
    let now = Timestamp::UNIX_EPOCH;
    let limits = UsageLimits { day: 1, daily: std::num::NonZeroU32::new(5), last_send_before: None };
    let results = futures_util::future::join_all((0..100).map(|_| reserve(&store, now, limits))).await;
    let granted = results.iter().filter(|result| matches!(result, Reservation::Granted(_))).count();
    assert_eq!(granted, 5);
    // A new day resets the count; an earlier day does not return.
    let Reservation::Granted(row) = reserve(&store, now, UsageLimits { day: 2, ..limits }).await else { panic!() };
    assert_eq!((row.day, row.sends), (2, 1));
    let Reservation::Granted(row) = reserve(&store, now, limits).await else { panic!() };
    assert_eq!((row.day, row.sends), (2, 2));
}

#[tokio::test]
async fn send_within_the_cooldown_is_refused() {
    let dir = TempDir::new().unwrap();
    let store = store(&dir).await;
    let minute = Duration::from_secs(60);
    let at = |now: Timestamp| UsageLimits { day: 1, daily: None, last_send_before: Some(now - minute) };
    let start = Timestamp::UNIX_EPOCH + minute * 60;
    assert!(matches!(reserve(&store, start, at(start)).await, Reservation::Granted(_)));
    let soon = start + minute - Duration::from_millis(1);
    assert_eq!(reserve(&store, soon, at(soon)).await, Reservation::Refused);
    let later = start + minute;
    assert!(matches!(reserve(&store, later, at(later)).await, Reservation::Granted(_)));
}

#[tokio::test]
async fn failed_job_does_not_affect_others_in_the_batch() {
    let dir = TempDir::new().unwrap();
    let store = store(&dir).await;
    let write = |key: String, ending: u8| {
        let store = store.clone();
        async move {
            let limits = UsageLimits { day: 1, daily: None, last_send_before: None };
            store
                .write(move |tx| {
                    Box::pin(async move {
                        tx.reserve_guess(&key, limits).await?;
                        match ending {
                            0 => Ok(TxOutcome::Commit(())),
                            1 => Ok(TxOutcome::Rollback(())),
                            2 => Err(Fault::internal("on purpose")),
                            _ => panic!("on purpose"),
                        }
                    })
                })
                .await
        }
    };
    let writes = (0..64).map(|number: u8| write(format!("contact-{number:02}"), number % 4));
    let results = futures_util::future::join_all(writes).await;
    for (number, result) in results.iter().enumerate() {
        assert_eq!(result.is_ok(), number % 4 < 2, "{number}");
        let kept = store.contact_usage(&format!("contact-{number:02}")).await.unwrap().is_some();
        assert_eq!(kept, number % 4 == 0, "{number}");
    }
}

/// The longest wait of an operation for its first connection.
const MAX_WAIT: Duration = Duration::from_millis(5);

/// A write and a read that start while the writer and every reader are busy for longer than that; whether each was
/// done.
async fn done_while_busy(store: &Store, wait_limit: &WaitLimit) -> (bool, bool) {
    let (started, has_started) = tokio::sync::oneshot::channel();
    let busy = async {
        let _permits = futures_util::future::join_all((0..4).map(|_| store.reader().acquire())).await;
        let writing = store.write(|_| {
            Box::pin(async {
                started.send(()).unwrap();
                tokio::time::sleep(MAX_WAIT * 4).await;
                Ok(TxOutcome::Commit(()))
            })
        });
        writing.await.unwrap();
    };
    let queued = async {
        has_started.await.unwrap();
        let limits = UsageLimits { day: 1, daily: None, last_send_before: None };
        let guess = store.write(move |tx| {
            Box::pin(async move { Ok(TxOutcome::Commit(tx.reserve_guess("+821012345678", limits).await?)) })
        });
        let read = store.contact_usage("+821012345678");
        tokio::join!(wait_limit.run(guess), wait_limit.run(read))
    };
    let ((), (guess, read)) = tokio::join!(busy, queued);
    (guess.is_some_and(|guess| guess.is_ok()), read.is_some_and(|read| read.is_ok()))
}

#[tokio::test]
async fn fd_08_operation_that_waited_too_long_is_not_started() {
    let dir = TempDir::new().unwrap();
    let store = store(&dir).await;
    let wait_limit = WaitLimit::default();
    wait_limit.set(Some(MAX_WAIT));
    assert_eq!(done_while_busy(&store, &wait_limit).await, (false, false));
    assert!(store.contact_usage("+821012345678").await.unwrap().is_none());
    wait_limit.set(None);
    assert_eq!(done_while_busy(&store, &wait_limit).await, (true, true));
    assert!(store.contact_usage("+821012345678").await.unwrap().is_some());
}

#[tokio::test]
async fn lease_has_one_holder_until_it_expires() {
    let dir = TempDir::new().unwrap();
    let store = store(&dir).await;
    let span = Duration::from_secs(10);
    let start = Timestamp::UNIX_EPOCH;
    assert!(store.acquire_lease("janitor", "one", span, start).await.unwrap());
    assert!(!store.acquire_lease("janitor", "two", span, start + span).await.unwrap());
    assert!(store.acquire_lease("janitor", "one", span, start + span).await.unwrap());
    assert!(store.acquire_lease("janitor", "two", span, start + span * 3).await.unwrap());
}
