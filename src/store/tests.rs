//! What no room above could see: that the entities are the tables, and that the statements judge as they promise.

use std::time::Duration;

use sea_orm::{EntityTrait, Iterable, PaginatorTrait};
use tempfile::TempDir;

use super::*;
use crate::{clock::Instant, patience::Patience};

pub(super) async fn store(dir: &TempDir) -> Store {
    let settings = config::Store {
        place: config::Place::Sqlite { file: dir.path().join("test.db") },
        data_dir: dir.path().into(),
        max_connections: 4,
        timeout: Duration::from_secs(5),
        wait: Duration::ZERO,
        statement_cache: true,
        auto_migrate: true,
    };
    let store = Store::open(&settings, &Vitals::default()).await.unwrap();
    store.migrate().await.unwrap();
    store
}

#[cfg(unix)]
#[tokio::test]
async fn an_embedded_database_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new().unwrap();
    let _open = store(&dir).await;
    for name in ["test.db", "test.db-wal", "test.db-shm"] {
        let mode = std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn every_entity_selects_from_a_migrated_database() {
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

async fn reserve(store: &Store, now: Instant, limits: UsageLimits) -> Reserved {
    store
        .write(move |tx| {
            Box::pin(async move { Ok(Ending::Commit(tx.reserve_send("+821012345678", now, limits).await?)) })
        })
        .await
        .unwrap()
}

#[tokio::test]
async fn a_hundred_sends_at_once_are_granted_up_to_the_days_bound() {
    let dir = TempDir::new().unwrap();
    let store = store(&dir).await;
    let now = Instant::UNIX_EPOCH;
    let limits = UsageLimits { day: 1, daily: std::num::NonZeroU32::new(5), cooled_down_since: None };
    let answers = futures_util::future::join_all((0..100).map(|_| reserve(&store, now, limits))).await;
    let granted = answers.iter().filter(|answer| matches!(answer, Reserved::Granted(_))).count();
    assert_eq!(granted, 5);
    // The next day starts anew; the day before it does not come back.
    let Reserved::Granted(row) = reserve(&store, now, UsageLimits { day: 2, ..limits }).await else { panic!() };
    assert_eq!((row.day, row.sends), (2, 1));
    let Reserved::Granted(row) = reserve(&store, now, limits).await else { panic!() };
    assert_eq!((row.day, row.sends), (2, 2));
}

#[tokio::test]
async fn a_send_within_the_cooldown_is_refused() {
    let dir = TempDir::new().unwrap();
    let store = store(&dir).await;
    let minute = Duration::from_secs(60);
    let at = |now: Instant| UsageLimits { day: 1, daily: None, cooled_down_since: Some(now - minute) };
    let start = Instant::UNIX_EPOCH + minute * 60;
    assert!(matches!(reserve(&store, start, at(start)).await, Reserved::Granted(_)));
    let soon = start + minute - Duration::from_millis(1);
    assert_eq!(reserve(&store, soon, at(soon)).await, Reserved::Refused);
    let later = start + minute;
    assert!(matches!(reserve(&store, later, at(later)).await, Reserved::Granted(_)));
}

#[tokio::test]
async fn what_is_rolled_back_or_fails_leaves_its_neighbours_in_the_batch_alone() {
    let dir = TempDir::new().unwrap();
    let store = store(&dir).await;
    let write = |key: String, ending: u8| {
        let store = store.clone();
        async move {
            let limits = UsageLimits { day: 1, daily: None, cooled_down_since: None };
            store
                .write(move |tx| {
                    Box::pin(async move {
                        tx.reserve_guess(&key, limits).await?;
                        match ending {
                            0 => Ok(Ending::Commit(())),
                            1 => Ok(Ending::Rollback(())),
                            2 => Err(Fault::internal("on purpose")),
                            _ => panic!("on purpose"),
                        }
                    })
                })
                .await
        }
    };
    let works = (0..64).map(|number: u8| write(format!("contact-{number:02}"), number % 4));
    let answers = futures_util::future::join_all(works).await;
    for (number, answer) in answers.iter().enumerate() {
        assert_eq!(answer.is_ok(), number % 4 < 2, "{number}");
        let kept = store.contact_usage(&format!("contact-{number:02}")).await.unwrap().is_some();
        assert_eq!(kept, number % 4 == 0, "{number}");
    }
}

/// The longest that an operation waits for its first turn.
const LONGEST: Duration = Duration::from_millis(5);

/// A guess and a look that come when the writer and every reader are busy, for longer than that; whether they were done.
async fn done_behind_others(store: &Store, patience: &Patience) -> (bool, bool) {
    let (begun, is_begun) = tokio::sync::oneshot::channel();
    let others = async {
        let _turns = futures_util::future::join_all((0..4).map(|_| store.reader().turn())).await;
        let writing = store.write(|_| {
            Box::pin(async {
                begun.send(()).unwrap();
                tokio::time::sleep(LONGEST * 4).await;
                Ok(Ending::Commit(()))
            })
        });
        writing.await.unwrap();
    };
    let behind = async {
        is_begun.await.unwrap();
        let limits = UsageLimits { day: 1, daily: None, cooled_down_since: None };
        let guess = store.write(move |tx| {
            Box::pin(async move { Ok(Ending::Commit(tx.reserve_guess("+821012345678", limits).await?)) })
        });
        let look = store.contact_usage("+821012345678");
        tokio::join!(patience.bear(guess), patience.bear(look))
    };
    let ((), (guess, look)) = tokio::join!(others, behind);
    (guess.is_some_and(|guess| guess.is_ok()), look.is_some_and(|look| look.is_ok()))
}

#[tokio::test]
async fn fd_08_an_operation_whose_turn_comes_too_late_is_not_begun() {
    let dir = TempDir::new().unwrap();
    let store = store(&dir).await;
    let patience = Patience::default();
    patience.set(Some(LONGEST));
    assert_eq!(done_behind_others(&store, &patience).await, (false, false));
    assert!(store.contact_usage("+821012345678").await.unwrap().is_none());
    patience.set(None);
    assert_eq!(done_behind_others(&store, &patience).await, (true, true));
    assert!(store.contact_usage("+821012345678").await.unwrap().is_some());
}

#[tokio::test]
async fn a_lease_has_one_holder_until_it_runs_out() {
    let dir = TempDir::new().unwrap();
    let store = store(&dir).await;
    let span = Duration::from_secs(10);
    let start = Instant::UNIX_EPOCH;
    assert!(store.hold_lease("janitor", "one", span, start).await.unwrap());
    assert!(!store.hold_lease("janitor", "two", span, start + span).await.unwrap());
    assert!(store.hold_lease("janitor", "one", span, start + span).await.unwrap());
    assert!(store.hold_lease("janitor", "two", span, start + span * 3).await.unwrap());
}
