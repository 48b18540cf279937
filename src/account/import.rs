//! Importing accounts of another system with their password hashes: one JSON object per line.
//!
//! An import can be repeated: an account that already exists with the same contacts is skipped. Output names a line
//! only by its number and the reason of the rejection, never by its content.

use std::{collections::HashSet, sync::Arc};

use futures_util::{Stream, StreamExt, stream};

use super::{
    Accounts,
    import_line::{self, Import, ImportLine, LineRejection},
};
use domain::{
    account::{Account, Identifier},
    ids::AccountId,
};
use platform::{
    fault::Fault,
    telemetry::audit::{self, Event},
};
use store::TxOutcome;

/// Result of importing a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportOutcome {
    Created,
    /// The account already existed.
    AlreadyExists,
    Refused(Vec<LineRejection>),
}

/// A parsed line.
type ParsedLine = Result<ImportLine, Vec<LineRejection>>;

/// Number of lines written concurrently, so that they share commits.
const BATCH_SIZE: usize = 64;

/// A batch of lines that are written concurrently. No two of them claim the same name or contact; of two that do, the
/// first one gets it.
#[derive(Default)]
struct Batch {
    lines: Vec<(usize, ParsedLine)>,
    claimed: HashSet<(&'static str, String)>,
}

impl Batch {
    /// Whether the batch has to be written before this line can be added.
    fn must_flush_before(&self, line: &ParsedLine) -> bool {
        let clashes = |line: &ImportLine| claims(&line.row).any(|claim| self.claimed.contains(&claim));
        self.lines.len() >= BATCH_SIZE || line.as_ref().is_ok_and(clashes)
    }

    fn add(&mut self, number: usize, line: ParsedLine) {
        if let Ok(line) = &line {
            self.claimed.extend(claims(&line.row));
        }
        self.lines.push((number, line));
    }
}

/// The unique values of an account.
fn claims(row: &Account) -> impl Iterator<Item = (&'static str, String)> {
    let claims = [
        ("username", Some(row.username_key.clone())),
        ("phone", row.phone.clone()),
        ("email", row.email_key.clone()),
        ("nickname", row.nickname_key.clone()),
    ];
    claims.into_iter().filter_map(|(field, claim)| Some((field, claim?)))
}

impl Accounts {
    /// Imports lines and reports each, in order, with its line number starting at 1. Empty lines are skipped; a line
    /// that could not be read is reported as rejected in its place. Lines are read only as fast as they are imported.
    ///
    /// # Errors
    /// A fault of the store. Lines before it stay imported.
    pub async fn import_users(
        &self,
        run: &Arc<str>,
        lines: impl Stream<Item = Result<String, LineRejection>>,
        import: Import,
        mut report: impl FnMut(usize, ImportOutcome),
    ) -> Result<(), Fault> {
        let deps = &self.0;
        let mut lines = std::pin::pin!(lines.enumerate());
        let mut batch = Batch::default();
        while let Some((at, line)) = lines.next().await {
            if line.as_ref().is_ok_and(|text| text.trim().is_empty()) {
                continue;
            }
            let line = line
                .map_err(|refusal| vec![refusal])
                .and_then(|text| import_line::read(&text, import, AccountId::new(&deps.entropy), deps.clock.now()));
            if batch.must_flush_before(&line) {
                self.import_batch(run, std::mem::take(&mut batch), &mut report).await?;
            }
            batch.add(at + 1, line);
        }
        self.import_batch(run, batch, &mut report).await?;
        // Decoys imitate the password schemes in use, which now include the imported ones.
        deps.sessions.count_password_schemes().await
    }

    async fn import_batch(
        &self,
        run: &Arc<str>,
        batch: Batch,
        report: &mut impl FnMut(usize, ImportOutcome),
    ) -> Result<(), Fault> {
        let lines = batch.lines.into_iter().map(|(number, line)| async move {
            let imported = match line {
                Ok(line) => self.import_line(Arc::clone(run), line).await?,
                Err(refusals) => ImportOutcome::Refused(refusals),
            };
            Ok::<_, Fault>((number, imported))
        });
        let mut imported = stream::iter(lines).buffered(BATCH_SIZE);
        while let Some(line) = imported.next().await {
            let (number, imported) = line?;
            report(number, imported);
        }
        Ok(())
    }

    async fn import_line(
        &self,
        run: Arc<str>,
        ImportLine { mut row, password }: ImportLine,
    ) -> Result<ImportOutcome, Fault> {
        if let Some(password) = password {
            // Skip the costly hash if the account already exists.
            let name = Identifier::Username(row.username_key.clone());
            if password.needs_hashing() && self.0.store.account(&name).await?.is_some() {
                return self.existing_account_outcome(&row).await;
            }
            row.password_hash = self.0.hasher.import(password).await?.map(|hash| hash.as_str().to_owned());
        }
        self.import_row(run, row).await
    }

    async fn import_row(&self, run: Arc<str>, row: Account) -> Result<ImportOutcome, Fault> {
        let deps = &self.0;
        let now = deps.clock.now();
        let event = Event::internal(run, audit::Act::AdminImportUsers, audit::OK, now).account(row.id.clone());
        let (entry, draft) = (event.clone(), row.clone());
        let created = deps
            .store
            .write(move |tx| {
                Box::pin(async move {
                    if !tx.insert_account(draft).await? {
                        return Ok(TxOutcome::Rollback(false));
                    }
                    tx.insert_audit(&entry).await?;
                    Ok(TxOutcome::Commit(true))
                })
            })
            .await?;
        if created {
            event.log();
            return Ok(ImportOutcome::Created);
        }
        self.existing_account_outcome(&row).await
    }

    /// Why an account could not be created: it already exists, or one of its unique values belongs to another account.
    async fn existing_account_outcome(&self, row: &Account) -> Result<ImportOutcome, Fault> {
        let store = &self.0.store;
        let refused = |field, reason| Ok(ImportOutcome::Refused(vec![LineRejection::new(field, reason)]));
        let others = [
            ("phone", row.phone.clone().map(Identifier::Phone)),
            ("email", row.email_key.clone().map(Identifier::Email)),
            ("nickname", row.nickname_key.clone().map(Identifier::Nickname)),
        ];
        for (field, identifier) in others {
            let Some(identifier) = identifier else { continue };
            let holder = store.account(&identifier).await?;
            if holder.is_some_and(|holder| holder.username_key != row.username_key) {
                return refused(field, "taken");
            }
        }
        match store.account(&Identifier::Username(row.username_key.clone())).await? {
            Some(holder) if holder.phone == row.phone && holder.email_key == row.email_key => {
                Ok(ImportOutcome::AlreadyExists)
            }
            Some(_) => refused("username", "taken"),
            None => refused("line", "taken_meanwhile"),
        }
    }
}
