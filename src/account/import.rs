//! Taking over the accounts of another system, with their password hashes: one JSON object on each line.
//!
//! It can be run again: an account that is there already, with the same contacts, is passed over. Nothing of a line is
//! ever printed but its number and a reason.

use std::{collections::HashSet, sync::Arc};

use futures_util::{Stream, StreamExt, stream};

use super::{
    Accounts,
    import_line::{self, Import, Line, LineRefusal},
};
use crate::{
    fault::Fault,
    store::{Ending, Identifier, entity::account::Model},
    telemetry::audit::{self, Event},
};
use domain::ids::AccountId;

/// What became of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Imported {
    Made,
    /// It was there already.
    Known,
    Refused(Vec<LineRefusal>),
}

/// A line as it was read.
type Read = Result<Line, Vec<LineRefusal>>;

/// Lines that are written at once: they share commits.
const AT_ONCE: usize = 64;

/// Lines to be written at once. No two of them claim the same name or contact: of two that do, the first one has it.
#[derive(Default)]
struct Wave {
    lines: Vec<(usize, Read)>,
    claimed: HashSet<(&'static str, String)>,
}

impl Wave {
    /// Whether it has to be written before this line can join.
    fn is_closed_to(&self, line: &Read) -> bool {
        let clashes = |line: &Line| claims(&line.row).any(|claim| self.claimed.contains(&claim));
        self.lines.len() >= AT_ONCE || line.as_ref().is_ok_and(clashes)
    }

    fn join(&mut self, number: usize, line: Read) {
        if let Ok(line) = &line {
            self.claimed.extend(claims(&line.row));
        }
        self.lines.push((number, line));
    }
}

/// What nobody else may have.
fn claims(row: &Model) -> impl Iterator<Item = (&'static str, String)> {
    let claims = [
        ("username", Some(row.username_key.clone())),
        ("phone", row.phone.clone()),
        ("email", row.email_key.clone()),
        ("nickname", row.nickname_key.clone()),
    ];
    claims.into_iter().filter_map(|(field, claim)| Some((field, claim?)))
}

impl Accounts {
    /// Imports lines, and tells of each, in order, with its number from one on. Empty lines are passed over; one that
    /// could not be read is refused in its place. No more lines are taken than are worked at.
    ///
    /// # Errors
    /// A fault of the store; the lines before it stay imported.
    pub async fn import_users(
        &self,
        run: &Arc<str>,
        lines: impl Stream<Item = Result<String, LineRefusal>>,
        import: Import,
        mut tell: impl FnMut(usize, Imported),
    ) -> Result<(), Fault> {
        let parts = &self.0;
        let mut lines = std::pin::pin!(lines.enumerate());
        let mut wave = Wave::default();
        while let Some((at, line)) = lines.next().await {
            if line.as_ref().is_ok_and(|text| text.trim().is_empty()) {
                continue;
            }
            let line = line
                .map_err(|refusal| vec![refusal])
                .and_then(|text| import_line::read(&text, import, AccountId::new(&parts.entropy), parts.clock.now()));
            if wave.is_closed_to(&line) {
                self.import_wave(run, std::mem::take(&mut wave), &mut tell).await?;
            }
            wave.join(at + 1, line);
        }
        self.import_wave(run, wave, &mut tell).await?;
        // Their schemes are those of decoys from now on.
        parts.sessions.count_password_schemes().await
    }

    async fn import_wave(
        &self,
        run: &Arc<str>,
        wave: Wave,
        tell: &mut impl FnMut(usize, Imported),
    ) -> Result<(), Fault> {
        let lines = wave.lines.into_iter().map(|(number, line)| async move {
            let imported = match line {
                Ok(line) => self.import_line(Arc::clone(run), line).await?,
                Err(refusals) => Imported::Refused(refusals),
            };
            Ok::<_, Fault>((number, imported))
        });
        let mut imported = stream::iter(lines).buffered(AT_ONCE);
        while let Some(line) = imported.next().await {
            let (number, imported) = line?;
            tell(number, imported);
        }
        Ok(())
    }

    async fn import_line(&self, run: Arc<str>, Line { mut row, password }: Line) -> Result<Imported, Fault> {
        if let Some(password) = password {
            // An account that is there already need not be hashed for.
            let name = Identifier::Username(row.username_key.clone());
            if password.takes_hashing() && self.0.store.account(&name).await?.is_some() {
                return self.clash(&row).await;
            }
            row.password_hash = self.0.hasher.adopt(password).await?.map(|hash| hash.as_str().to_owned());
        }
        self.import_row(run, row).await
    }

    async fn import_row(&self, run: Arc<str>, row: Model) -> Result<Imported, Fault> {
        let parts = &self.0;
        let now = parts.clock.now();
        let event = Event::internal(run, audit::Act::AdminImportUsers, audit::OK, now).account(row.id.clone());
        let (entry, draft) = (event.clone(), row.clone());
        let made = parts
            .store
            .write(move |tx| {
                Box::pin(async move {
                    if !tx.insert_account(draft).await? {
                        return Ok(Ending::Rollback(false));
                    }
                    tx.insert_audit(&entry).await?;
                    Ok(Ending::Commit(true))
                })
            })
            .await?;
        if made {
            event.log();
            return Ok(Imported::Made);
        }
        self.clash(&row).await
    }

    /// Why an account could not be made: it is there already, or something of it is another one's.
    async fn clash(&self, row: &Model) -> Result<Imported, Fault> {
        let store = &self.0.store;
        let refused = |field, reason| Ok(Imported::Refused(vec![LineRefusal::new(field, reason)]));
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
            Some(holder) if holder.phone == row.phone && holder.email_key == row.email_key => Ok(Imported::Known),
            Some(_) => refused("username", "taken"),
            None => refused("line", "taken_meanwhile"),
        }
    }
}
