//! The connection pool.

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
    connect::PLANNER_OPTIONS,
    wait_queue::WaitQueue,
};
use platform::{fault::Fault, wait_limit::OperationWait};

/// The number of connections that only the delivery queue uses. They are enough, because it writes many results in one
/// statement.
const QUEUE_CONNECTIONS: u32 = 2;
/// With fewer connections than this, the queue and the requests share them.
const MIN_CONNECTIONS_TO_RESERVE: u32 = 4;
/// How long the limit stays lowered after the server had no free connection.
const WITHHELD_FOR: Duration = Duration::from_secs(60);

/// A connection pool. Cheap to clone.
///
/// A pooler such as pgbouncer in transaction mode assigns a server connection for one transaction only. The driver
/// prepares a statement in one round trip and executes it in the next, under names that it numbers from one. Between
/// the two the server connection may change, and the name may belong to another client's statement. So with a pooler
/// every statement runs in a transaction, and each transaction begins by deallocating the prepared statements of its
/// server connection.
#[derive(Clone)]
pub(super) struct Pool {
    pool: DatabaseConnection,
    /// One permit for each connection: the wait happens here, where it can be measured.
    permits: Arc<Semaphore>,
    /// The number of permits.
    connections: u32,
    /// The permits of the delivery queue. They are separate, so that neither the queue nor the requests wait long for
    /// the other. None: it has no connections of its own.
    queue_permits: Option<Arc<Semaphore>>,
    /// Permits that are withheld at present.
    withheld: Arc<AtomicU32>,
    waits: WaitQueue,
    /// The first statements of each transaction, with a pooler.
    first: Option<Box<str>>,
    /// For a server; an embedded database is always available.
    availability: Option<Availability>,
}

impl Pool {
    /// A pool with connections of its own.
    pub fn new(pool: DatabaseConnection, connections: u32) -> Self {
        Self {
            pool,
            permits: Arc::new(Semaphore::new(connections as usize)),
            connections,
            queue_permits: None,
            withheld: Arc::default(),
            waits: WaitQueue::new(),
            first: None,
            availability: None,
        }
    }

    /// A pool behind a connection pooler. `timeout` applies to each statement and each lock, `idle` to an idle
    /// transaction.
    pub fn with_pooler(pool: DatabaseConnection, connections: u32, timeout: &str, idle: &str) -> Self {
        let mut first = format!(
            "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; DEALLOCATE ALL; SET LOCAL statement_timeout = '{timeout}'; \
             SET LOCAL lock_timeout = '{timeout}'; SET LOCAL idle_in_transaction_session_timeout = '{idle}'"
        );
        for (option, value) in PLANNER_OPTIONS {
            first.push_str(&format!("; SET LOCAL {option} = {value}"));
        }
        Self { first: Some(first.into()), ..Self::new(pool, connections) }
    }

    /// Reserves some of the connections for the delivery queue, if there are enough.
    pub fn reserve_for_queue(self) -> Self {
        if self.connections < MIN_CONNECTIONS_TO_RESERVE {
            return self;
        }
        let connections = self.connections - QUEUE_CONNECTIONS;
        let permits = |count: u32| Arc::new(Semaphore::new(count as usize));
        Self { permits: permits(connections), connections, queue_permits: Some(permits(QUEUE_CONNECTIONS)), ..self }
    }

    /// The same pool for the delivery queue, which waits only for the connections that are reserved for it.
    pub fn for_queue(&self) -> Self {
        match &self.queue_permits {
            Some(permits) => Self {
                permits: Arc::clone(permits),
                connections: QUEUE_CONNECTIONS,
                withheld: Arc::default(),
                waits: WaitQueue::new(),
                ..self.clone()
            },
            None => self.clone(),
        }
    }

    /// Sets the availability of the server.
    pub fn of(self, availability: Availability) -> Self {
        Self { availability: Some(availability), ..self }
    }

    /// The availability of the server; None: the database is embedded.
    pub fn availability(&self) -> Option<&Availability> {
        self.availability.as_ref()
    }

    /// The result of the last probe of the server.
    pub fn state(&self) -> State {
        self.availability.as_ref().map_or(State::Up, Availability::state)
    }

    /// Refuses a write if the server is known to be read-only.
    pub fn assert_writable(&self) -> Result<(), Fault> {
        match self.state() {
            State::ReadOnly => Err(Fault::unavailable(READ_ONLY)),
            State::Up | State::Down => Ok(()),
        }
    }

    pub fn pool(&self) -> &DatabaseConnection {
        &self.pool
    }

    /// Lowers the limit by one connection for a while, when the server has no free connection: otherwise a caller would
    /// wait the whole timeout for it again.
    pub fn lower_limit(&self) {
        let max_withheld = self.connections.saturating_sub(1);
        let updated = self
            .withheld
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |count| (count < max_withheld).then_some(count + 1));
        let Ok(before) = updated else { return };
        tracing::warn!(
            "PostgreSQL has no free connection, using {} of {} connections for a minute: DATABASE_MAX_CONNECTIONS is too high",
            self.connections - before - 1,
            self.connections
        );
        let (permits, withheld) = (Arc::clone(&self.permits), Arc::clone(&self.withheld));
        tokio::spawn(async move {
            let permit = permits.acquire_owned().await;
            tokio::time::sleep(WITHHELD_FOR).await;
            withheld.fetch_sub(1, Ordering::SeqCst);
            drop(permit);
        });
    }

    /// Waits for a connection; it is reserved until the returned permit is dropped.
    pub async fn acquire(&self) -> Option<SemaphorePermit<'_>> {
        let waiter = self.waits.enter();
        let permit = self.permits.acquire().await.ok();
        if OperationWait::current().may_start(waiter.served()) {
            return permit;
        }
        drop(permit);
        // The caller drops this future.
        pending().await
    }

    /// The shortest wait for a connection since the last call.
    pub fn waited(&self) -> Duration {
        self.waits.waited()
    }

    /// Begins a transaction. The caller holds a permit.
    pub async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        let tx = self.pool.begin().await?;
        if let Some(first) = &self.first {
            tx.execute_unprepared(first).await?;
        }
        Ok(tx)
    }

    /// Begins a transaction without statement timeout, for migrations.
    pub async fn begin_without_timeout(&self) -> Result<DatabaseTransaction, DbErr> {
        let tx = self.begin().await?;
        tx.execute_unprepared("SET LOCAL statement_timeout = 0").await?;
        Ok(tx)
    }

    pub async fn close(self) {
        // An error means that the connection is closed already.
        let _ = self.pool.close().await;
    }
}

#[async_trait]
impl ConnectionTrait for Pool {
    fn get_database_backend(&self) -> DbBackend {
        self.pool.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let _permit = self.acquire().await;
        if self.first.is_none() {
            return self.pool.execute_raw(statement).await;
        }
        let tx = self.begin().await?;
        let done = tx.execute_raw(statement).await?;
        tx.commit().await?;
        Ok(done)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let _permit = self.acquire().await;
        self.pool.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let _permit = self.acquire().await;
        if self.first.is_none() {
            return self.pool.query_one_raw(statement).await;
        }
        let tx = self.begin().await?;
        let found = tx.query_one_raw(statement).await?;
        tx.commit().await?;
        Ok(found)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let _permit = self.acquire().await;
        if self.first.is_none() {
            return self.pool.query_all_raw(statement).await;
        }
        let tx = self.begin().await?;
        let found = tx.query_all_raw(statement).await?;
        tx.commit().await?;
        Ok(found)
    }
}
