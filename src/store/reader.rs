//! The pool of connections, and how a statement outside any transaction of ours gets one.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement,
    TransactionTrait, prelude::async_trait::async_trait,
};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{
    availability::{Availability, READ_ONLY, State},
    waits::Waits,
};
use crate::{fault::Fault, patience::Ticket};

/// How long a connection that the server did not have is not asked for again.
const GIVEN_UP_FOR: Duration = Duration::from_secs(60);

/// A pool. Cheap to clone.
///
/// A pooler such as pgbouncer in transaction mode lends a server's connection for one transaction and no longer. The
/// driver prepares a statement in one round trip and runs it in the next, under names that it counts from one: between
/// the two the server may be another, and under that name may stand somebody else's statement. So there every statement
/// is in a transaction, and each begins by forgetting what was prepared before on whichever server it got.
#[derive(Clone)]
pub(super) struct Reader {
    pool: DatabaseConnection,
    /// One for each connection: they are waited for here, where it is known for how long.
    turns: Arc<Semaphore>,
    connections: u32,
    /// Turns that are not used at present.
    given_up: Arc<AtomicU32>,
    waits: Waits,
    /// What a transaction begins with on a connection that is borrowed.
    first: Option<Box<str>>,
    /// Of a server; an embedded database is always there.
    availability: Option<Availability>,
}

impl Reader {
    /// A pool whose connections are ours as long as they stand.
    pub fn new(pool: DatabaseConnection, connections: u32) -> Self {
        let turns = Arc::new(Semaphore::new(connections as usize));
        Self {
            pool,
            turns,
            connections,
            given_up: Arc::default(),
            waits: Waits::new(),
            first: None,
            availability: None,
        }
    }

    /// A pool whose connections are another pooler's. `timeout` bounds a statement and its wait for a lock, `idle` a
    /// transaction in which nothing happens.
    pub fn borrowing(pool: DatabaseConnection, connections: u32, timeout: &str, idle: &str) -> Self {
        let first = format!(
            "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; DEALLOCATE ALL; SET LOCAL statement_timeout = '{timeout}'; SET LOCAL lock_timeout = '{timeout}'; \
             SET LOCAL idle_in_transaction_session_timeout = '{idle}'"
        );
        Self { first: Some(first.into()), ..Self::new(pool, connections) }
    }

    /// With what is known of the server.
    pub fn of(self, availability: Availability) -> Self {
        Self { availability: Some(availability), ..self }
    }

    /// What is known of the server; none: the database is embedded.
    pub fn availability(&self) -> Option<&Availability> {
        self.availability.as_ref()
    }

    /// What the last probe of the server found.
    pub fn state(&self) -> State {
        self.availability.as_ref().map_or(State::Up, Availability::state)
    }

    /// Refuses a write where the server is known to take none.
    pub fn assert_writable(&self) -> Result<(), Fault> {
        match self.state() {
            State::ReadOnly => Err(Fault::unavailable(READ_ONLY)),
            State::Up | State::Down => Ok(()),
        }
    }

    pub fn pool(&self) -> &DatabaseConnection {
        &self.pool
    }

    /// Uses one connection less for a while, where the server has no more: a turn without a connection would wait the
    /// whole time-out again.
    pub fn give_one_up(&self) {
        let most = self.connections.saturating_sub(1);
        let given =
            self.given_up.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |given| (given < most).then_some(given + 1));
        let Ok(before) = given else { return };
        tracing::warn!(
            "PostgreSQL has no connection left: {} of DATABASE_MAX_CONNECTIONS={} are used for a minute",
            self.connections - before - 1,
            self.connections
        );
        let (turns, given_up) = (Arc::clone(&self.turns), Arc::clone(&self.given_up));
        tokio::spawn(async move {
            let turn = turns.acquire_owned().await;
            tokio::time::sleep(GIVEN_UP_FOR).await;
            given_up.fetch_sub(1, Ordering::SeqCst);
            drop(turn);
        });
    }

    /// Waits until a connection is free; it stays so as long as what is returned is held.
    pub async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        let waiter = self.waits.enter();
        let turn = self.turns.acquire().await.ok();
        if Ticket::current().begins(waiter.begun()) {
            return turn;
        }
        drop(turn);
        // Whoever waits for this operation leaves off.
        pending().await
    }

    /// How long everybody waited for a connection since this was last asked.
    pub fn waited(&self) -> Duration {
        self.waits.waited()
    }

    /// A transaction, for whoever has a turn.
    pub async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        let tx = self.pool.begin().await?;
        if let Some(first) = &self.first {
            tx.execute_unprepared(first).await?;
        }
        Ok(tx)
    }

    /// A transaction whose statements may take as long as they take: a migration's.
    pub async fn begin_patiently(&self) -> Result<DatabaseTransaction, DbErr> {
        let tx = self.begin().await?;
        tx.execute_unprepared("SET LOCAL statement_timeout = 0").await?;
        Ok(tx)
    }

    pub async fn close(self) {
        // What can't be closed is gone already.
        let _ = self.pool.close().await;
    }
}

#[async_trait]
impl ConnectionTrait for Reader {
    fn get_database_backend(&self) -> DbBackend {
        self.pool.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let _turn = self.turn().await;
        if self.first.is_none() {
            return self.pool.execute_raw(statement).await;
        }
        let tx = self.begin().await?;
        let done = tx.execute_raw(statement).await?;
        tx.commit().await?;
        Ok(done)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let _turn = self.turn().await;
        self.pool.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let _turn = self.turn().await;
        if self.first.is_none() {
            return self.pool.query_one_raw(statement).await;
        }
        let tx = self.begin().await?;
        let found = tx.query_one_raw(statement).await?;
        tx.commit().await?;
        Ok(found)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let _turn = self.turn().await;
        if self.first.is_none() {
            return self.pool.query_all_raw(statement).await;
        }
        let tx = self.begin().await?;
        let found = tx.query_all_raw(statement).await?;
        tx.commit().await?;
        Ok(found)
    }
}
