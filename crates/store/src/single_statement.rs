//! A single statement as a transaction.

use sea_orm::{ConnectionTrait, FromQueryResult, StatementBuilder};

use super::{Backend, Store, TxOutcome};
use platform::fault::Fault;

impl Store {
    /// Runs a statement that writes, and returns its rows. On PostgreSQL this takes one round trip instead of three.
    pub(super) async fn write_statement<M>(
        &self,
        statement: impl StatementBuilder + Send + 'static,
    ) -> Result<Vec<M>, Fault>
    where
        M: FromQueryResult + Send + 'static,
    {
        match &self.backend {
            Backend::Postgres(db) => {
                db.assert_writable()?;
                self.with_timeout(rows(db, &statement)).await
            }
            Backend::Sqlite { .. } => {
                self.write(move |tx| Box::pin(async move { Ok(TxOutcome::Commit(rows(&tx.0, &statement).await?)) }))
                    .await
            }
        }
    }
}

async fn rows<M: FromQueryResult>(
    db: &impl ConnectionTrait,
    statement: &impl StatementBuilder,
) -> Result<Vec<M>, Fault> {
    let rows = db.query_all(statement).await?;
    rows.iter().map(|row| Ok(M::from_query_result(row, "")?)).collect()
}
