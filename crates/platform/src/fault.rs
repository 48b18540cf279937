//! Server-side failures.
//!
//! This program separates three kinds of failure. A refusal that the *end user* caused or can fix is data: an outcome
//! enum of the module that decides, and a `Problem` in the schema. A protocol error of the *client* (no session, a
//! document nested too deeply) is rejected by the HTTP or GraphQL layer. A failure *of the server* (an unreachable
//! database, a broken invariant) is a [`Fault`]: it is logged once, where the operation ends, and clients see only its
//! kind.
//!
//! A fault has no `Display` on purpose: async-graphql turns every error with a `Display` into a public message.

use std::{panic::Location, sync::Arc};

/// Whether a retry can succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// A dependency does not respond, or the server is overloaded: the same request may succeed later.
    Unavailable,
    /// Something is broken; a retry does not help.
    Internal,
}

/// A server-side failure, with the operation that failed and its source location.
#[derive(Clone)]
pub struct Fault(Arc<FaultData>);

struct FaultData {
    kind: FaultKind,
    operations: Vec<&'static str>,
    cause: String,
    /// The database rejected a write because it is read-only.
    read_only: bool,
    location: &'static Location<'static>,
}

impl Fault {
    /// A dependency does not respond. `cause` is only logged; it must not contain a secret.
    #[track_caller]
    pub fn unavailable(cause: impl Into<String>) -> Self {
        Self::new(FaultKind::Unavailable, cause.into())
    }

    /// Something is broken. `cause` is only logged; it must not contain a secret.
    #[track_caller]
    pub fn internal(cause: impl Into<String>) -> Self {
        Self::new(FaultKind::Internal, cause.into())
    }

    #[track_caller]
    fn new(kind: FaultKind, cause: String) -> Self {
        Self(Arc::new(FaultData {
            kind,
            operations: Vec::new(),
            cause,
            read_only: false,
            location: Location::caller(),
        }))
    }

    /// An error of the database driver, prefixed with `what`. Unavailable if the error is likely to be transient.
    #[track_caller]
    pub fn database(error: &sqlx::Error, what: &str) -> Self {
        let kind = if is_transient(error) { FaultKind::Unavailable } else { FaultKind::Internal };
        Self::new(kind, format!("{what}: {error}"))
    }

    /// Whether the database rejected a write because it is read-only.
    pub fn is_read_only(&self) -> bool {
        self.0.read_only
    }

    pub fn kind(&self) -> FaultKind {
        self.0.kind
    }

    /// Adds the operation that failed, outermost last.
    #[must_use]
    pub fn context(self, what: &'static str) -> Self {
        let mut data = Arc::try_unwrap(self.0).unwrap_or_else(|shared| FaultData {
            kind: shared.kind,
            operations: shared.operations.clone(),
            cause: shared.cause.clone(),
            read_only: shared.read_only,
            location: shared.location,
        });
        data.operations.push(what);
        Self(Arc::new(data))
    }

    /// The failure as text for operators. Never shown to clients.
    pub fn operator_message(&self) -> String {
        match self.0.operations.last() {
            Some(context) => format!("{context}: {}", self.0.cause),
            None => self.0.cause.clone(),
        }
    }

    /// Logs the fault; `telemetry::report` also counts it.
    pub fn log(&self) {
        let FaultData { kind, operations, cause, location: place, .. } = &*self.0;
        let context = operations.join(" < ");
        match kind {
            FaultKind::Unavailable => tracing::warn!(%cause, %context, %place, "unavailable"),
            FaultKind::Internal => tracing::error!(%cause, %context, %place, "fault"),
        }
    }
}

impl std::fmt::Debug for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let FaultData { kind, operations, cause, location: place, .. } = &*self.0;
        write!(f, "{kind:?} at {place}: {cause} ({})", operations.join(" < "))
    }
}

/// Adds to an error the operation that failed.
pub trait FaultContext<T> {
    /// Adds `what` to the fault, or converts another error into a fault.
    ///
    /// # Errors
    /// The same fault, with `what` added.
    fn context(self, what: &'static str) -> Result<T, Fault>;
}

impl<T, E: Into<Fault>> FaultContext<T> for Result<T, E> {
    #[track_caller]
    fn context(self, what: &'static str) -> Result<T, Fault> {
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(error.into().context(what)),
        }
    }
}

impl From<sea_orm::DbErr> for Fault {
    /// An unreachable or overloaded database is unavailable; every other error is internal.
    #[track_caller]
    fn from(error: sea_orm::DbErr) -> Self {
        use sea_orm::{DbErr, RuntimeErr};
        let (unavailable, read_only) = match &error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => (true, false),
            DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
                (is_transient(error), is_read_only(error))
            }
            _ => (false, false),
        };
        let kind = if unavailable { FaultKind::Unavailable } else { FaultKind::Internal };
        let place = Location::caller();
        Self(Arc::new(FaultData { kind, operations: Vec::new(), cause: error.to_string(), read_only, location: place }))
    }
}

/// SQLite result codes; the lowest byte of an extended code is its primary code: 5 busy, 6 locked, 10 disk I/O error,
/// 13 disk full, 14 a file can't be opened (the journal, when the disk is full).
fn is_transient_on_sqlite(code: u32) -> bool {
    [5, 6, 10, 13, 14].contains(&(code & 0xff))
}

/// Whether an SQL error is likely to be transient.
fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Protocol(_) => true,
        // PostgreSQL, appendix A: 08 connection, 25 transaction state (read-only server), 40 rollback (serialisation
        // failure, deadlock), 53 resources, 55P03 lock not available, 57 operator intervention (cancel, shutdown), 58
        // system error.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            code == "55P03"
                || (code.len() == 5 && ["08", "25", "40", "53", "57", "58"].contains(&&code[..2]))
                || (code.len() < 5 && code.parse().is_ok_and(is_transient_on_sqlite))
        }),
        _ => false,
    }
}

/// PostgreSQL's `read_only_sql_transaction`: a standby after a failover, or `default_transaction_read_only`.
fn is_read_only(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|error| error.code()).is_some_and(|code| code == "25006")
}
