//! What went wrong on our side.
//!
//! Three kinds of trouble are kept apart in this program. What a *person* did or can mend is data: an outcome enum of
//! the room that decides, and a `Problem` in the schema. What a *caller* did wrong with the protocol (no session, a
//! document too deep) is misuse, and is answered at the edge. What failed *here* (a database that is gone, an invariant
//! that broke) is a [`Fault`]: it is logged once, where it leaves the program, and shows nothing outside but its kind.
//!
//! A fault has no `Display` on purpose: async-graphql turns anything that has one into a public message.

use std::{panic::Location, sync::Arc};

/// Whether it is worth trying again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Something that we depend on does not answer, or we are too busy: the same request may succeed later.
    Unavailable,
    /// Something is broken; trying again will not help.
    Internal,
}

/// What went wrong on our side, with what we were doing and where.
#[derive(Clone)]
pub struct Fault(Arc<Inner>);

struct Inner {
    kind: FaultKind,
    doing: Vec<&'static str>,
    cause: String,
    /// The database refused to write, since it only reads.
    read_only: bool,
    place: &'static Location<'static>,
}

impl Fault {
    /// Something that we depend on does not answer. `cause` goes to the log alone; it must carry no secret.
    #[track_caller]
    pub fn unavailable(cause: impl Into<String>) -> Self {
        Self::new(FaultKind::Unavailable, cause.into())
    }

    /// Something is broken. `cause` goes to the log alone; it must carry no secret.
    #[track_caller]
    pub fn internal(cause: impl Into<String>) -> Self {
        Self::new(FaultKind::Internal, cause.into())
    }

    #[track_caller]
    fn new(kind: FaultKind, cause: String) -> Self {
        Self(Arc::new(Inner { kind, doing: Vec::new(), cause, read_only: false, place: Location::caller() }))
    }

    /// What the database's driver says, with `what` before it. Unavailable where it is likely to pass by itself.
    #[track_caller]
    pub fn database(error: &sqlx::Error, what: &str) -> Self {
        let kind = if passing(error) { FaultKind::Unavailable } else { FaultKind::Internal };
        Self::new(kind, format!("{what}: {error}"))
    }

    /// Whether the database refused to write, since it only reads.
    pub fn is_read_only(&self) -> bool {
        self.0.read_only
    }

    pub fn kind(&self) -> FaultKind {
        self.0.kind
    }

    /// Adds what we were doing, outermost last.
    #[must_use]
    pub fn doing(self, what: &'static str) -> Self {
        let mut inner = Arc::try_unwrap(self.0).unwrap_or_else(|shared| Inner {
            kind: shared.kind,
            doing: shared.doing.clone(),
            cause: shared.cause.clone(),
            read_only: shared.read_only,
            place: shared.place,
        });
        inner.doing.push(what);
        Self(Arc::new(inner))
    }

    /// What failed, for whoever runs the program: never for whoever uses it.
    pub fn words(&self) -> String {
        match self.0.doing.last() {
            Some(doing) => format!("{doing}: {}", self.0.cause),
            None => self.0.cause.clone(),
        }
    }

    /// Writes the fault to the log; `telemetry::report` counts it as well.
    pub fn log(&self) {
        let Inner { kind, doing, cause, place, .. } = &*self.0;
        let doing = doing.join(" < ");
        match kind {
            FaultKind::Unavailable => tracing::warn!(%cause, %doing, %place, "unavailable"),
            FaultKind::Internal => tracing::error!(%cause, %doing, %place, "fault"),
        }
    }
}

impl std::fmt::Debug for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Inner { kind, doing, cause, place, .. } = &*self.0;
        write!(f, "{kind:?} at {place}: {cause} ({})", doing.join(" < "))
    }
}

/// Says what we were doing when something failed.
pub trait Doing<T> {
    /// Adds `what` to the fault, or turns a foreign error into one.
    ///
    /// # Errors
    /// The fault that it was given.
    fn doing(self, what: &'static str) -> Result<T, Fault>;
}

impl<T, E: Into<Fault>> Doing<T> for Result<T, E> {
    #[track_caller]
    fn doing(self, what: &'static str) -> Result<T, Fault> {
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(error.into().doing(what)),
        }
    }
}

impl From<sea_orm::DbErr> for Fault {
    /// A database that cannot be reached or is too slow is unavailable; anything else is a fault of ours.
    #[track_caller]
    fn from(error: sea_orm::DbErr) -> Self {
        use sea_orm::{DbErr, RuntimeErr};
        let (unavailable, read_only) = match &error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => (true, false),
            DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
                (passing(error), is_read_only(error))
            }
            _ => (false, false),
        };
        let kind = if unavailable { FaultKind::Unavailable } else { FaultKind::Internal };
        let place = Location::caller();
        Self(Arc::new(Inner { kind, doing: Vec::new(), cause: error.to_string(), read_only, place }))
    }
}

/// SQLite's result codes; the lowest byte of an extended one is what it extends: 5 busy, 6 locked, 10 the disk failed,
/// 13 the disk is full, 14 a file can't be opened (its log, where the disk is full).
fn passing_on_sqlite(code: u32) -> bool {
    [5, 6, 10, 13, 14].contains(&(code & 0xff))
}

/// Whether an SQL error is likely to pass by itself.
fn passing(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Protocol(_) => true,
        // PostgreSQL, appendix A: 08 connection, 25 transaction state (the server only reads), 40 rollback (serialisation, deadlock), 53 resources, 55P03 lock not
        // available, 57 operator intervention (cancel, shutdown), 58 system error.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            code == "55P03"
                || (code.len() == 5 && ["08", "25", "40", "53", "57", "58"].contains(&&code[..2]))
                || (code.len() < 5 && code.parse().is_ok_and(passing_on_sqlite))
        }),
        _ => false,
    }
}

/// PostgreSQL's `read_only_sql_transaction`: a standby after a failover, or `default_transaction_read_only`.
fn is_read_only(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|error| error.code()).is_some_and(|code| code == "25006")
}
