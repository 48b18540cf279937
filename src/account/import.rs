//! Taking over the accounts of another system, with their password hashes: one JSON object on each line.
//!
//! It can be run again: an account that is there already, with the same contacts, is passed over. Nothing of a line is
//! ever printed but its number and a reason.

use std::{collections::HashSet, sync::Arc};

use chrono::NaiveDate;
use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;

use super::{Accounts, ImageUrl};
use crate::{
    clock::Instant,
    contact::{BirthDate, EmailAddress, Nickname, PersonName, PhoneNumber, Region, Username},
    fault::Fault,
    ids::AccountId,
    password::PasswordHash,
    store::{
        Ending, Identifier,
        entity::account::{AccountStatus, Model, Role},
    },
    telemetry::audit::{self, Event},
    texts::Locale,
};

/// One line. What is not named here is refused: a misspelt field would be lost silently.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportedUser {
    pub username: String,
    /// Argon2, bcrypt, scrypt or PBKDF2, in a form that [`PasswordHash::import`] lists. None: signs in by code alone.
    #[serde(default)]
    pub password_hash: Option<String>,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub nickname: Option<String>,
    /// YYYY-MM-DD.
    #[serde(default)]
    pub birth_date: Option<String>,
    #[serde(default)]
    pub phone: Option<String>,
    #[serde(default = "yes")]
    pub phone_verified: bool,
    #[serde(default)]
    pub email: Option<String>,
    #[serde(default = "yes")]
    pub email_verified: bool,
    #[serde(default)]
    pub profile_image_url: Option<String>,
    /// `ko` or `en`.
    #[serde(default)]
    pub locale: Option<String>,
    #[serde(default)]
    pub suspended: bool,
    /// RFC 3339.
    #[serde(default)]
    pub created_at: Option<Instant>,
}

fn yes() -> bool {
    true
}

/// Why a line was refused: the field and a stable reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineRefusal {
    pub field: &'static str,
    pub reason: &'static str,
}

/// What became of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Imported {
    Made,
    /// It was there already.
    Known,
    Refused(LineRefusal),
}

/// What lines are read with.
#[derive(Clone, Copy, Debug)]
pub struct Import {
    pub region: Region,
    pub locale: Locale,
    pub today: NaiveDate,
}

/// Lines that are written at once: they share commits.
const AT_ONCE: usize = 64;

/// Lines to be written at once. No two of them claim the same name or contact: of two that do, the first one has it.
#[derive(Default)]
struct Wave {
    lines: Vec<(usize, Result<Model, LineRefusal>)>,
    claimed: HashSet<(&'static str, String)>,
}

impl Wave {
    /// Whether it has to be written before this line can join.
    fn is_closed_to(&self, line: &Result<Model, LineRefusal>) -> bool {
        let clashes = |row| claims(row).any(|claim| self.claimed.contains(&claim));
        self.lines.len() >= AT_ONCE || line.as_ref().is_ok_and(clashes)
    }

    fn join(&mut self, number: usize, line: Result<Model, LineRefusal>) {
        if let Ok(row) = &line {
            self.claimed.extend(claims(row));
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
            let line = line.and_then(|text| read(&text, import, AccountId::new(&parts.entropy), parts.clock.now()));
            if wave.is_closed_to(&line) {
                self.import_wave(run, std::mem::take(&mut wave), &mut tell).await?;
            }
            wave.join(at + 1, line);
        }
        self.import_wave(run, wave, &mut tell).await
    }

    async fn import_wave(
        &self,
        run: &Arc<str>,
        wave: Wave,
        tell: &mut impl FnMut(usize, Imported),
    ) -> Result<(), Fault> {
        let lines = wave.lines.into_iter().map(|(number, line)| async move {
            let imported = match line {
                Ok(row) => self.import_row(Arc::clone(run), row).await?,
                Err(refusal) => Imported::Refused(refusal),
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
        let refused = |field, reason| Ok(Imported::Refused(LineRefusal { field, reason }));
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

/// The account that a line describes.
fn read(line: &str, import: Import, id: AccountId, now: Instant) -> Result<Model, LineRefusal> {
    let refused = |field: &'static str| move |reason: &'static str| LineRefusal { field, reason };
    let user: ImportedUser = serde_json::from_str(line).map_err(|_| refused("line")("not_a_user"))?;
    let username = Username::parse(&user.username).map_err(|why| refused("username")(why.reason()))?;
    let hash = user.password_hash.as_deref().map(PasswordHash::import).transpose();
    let hash = hash.map_err(|why| refused("password_hash")(why.reason()))?;
    let name = user.name.as_deref().map(PersonName::parse).transpose();
    let name = name.map_err(|why| refused("name")(why.reason()))?;
    let nickname = user.nickname.as_deref().map(Nickname::parse).transpose();
    let nickname = nickname.map_err(|why| refused("nickname")(why.reason()))?;
    let birth_date = user.birth_date.as_deref().map(|text| BirthDate::parse(text, import.today)).transpose();
    let birth_date = birth_date.map_err(|why| refused("birth_date")(why.reason()))?;
    let phone = user.phone.as_deref().map(|text| PhoneNumber::parse(text, import.region)).transpose();
    let phone = phone.map_err(|why| refused("phone")(why.reason()))?;
    let email = user.email.as_deref().map(EmailAddress::parse).transpose();
    let email = email.map_err(|why| refused("email")(why.reason()))?;
    let picture = user.profile_image_url.as_deref().map(ImageUrl::parse).transpose();
    let picture = picture.map_err(refused("profile_image_url"))?;
    let locale = match user.locale.as_deref() {
        Some(text) => Locale::parse(text).ok_or_else(|| refused("locale")("not_a_locale"))?,
        None => import.locale,
    };
    let created_at = user.created_at.unwrap_or(now).min(now);
    Ok(Model {
        id,
        username: username.as_str().to_owned(),
        username_key: username.key().to_owned(),
        name_key: name.as_ref().map(PersonName::key),
        name: name.map(|name| name.as_str().to_owned()),
        nickname_key: nickname.as_ref().map(|nickname| nickname.key().to_owned()),
        nickname: nickname.map(|nickname| nickname.as_str().to_owned()),
        birth_date: birth_date.map(BirthDate::date),
        phone_verified_at: (phone.is_some() && user.phone_verified).then_some(created_at),
        phone: phone.map(|phone| phone.as_str().to_owned()),
        email_verified_at: (email.is_some() && user.email_verified).then_some(created_at),
        email_key: email.as_ref().map(|email| email.key().to_owned()),
        claimed_email_key: None,
        email: email.map(|email| email.as_str().to_owned()),
        profile_image_url: picture.map(ImageUrl::into_string),
        locale: locale.as_str().to_owned(),
        status: if user.suspended { AccountStatus::Suspended } else { AccountStatus::Active },
        role: Role::User,
        password_changed_at: hash.is_some().then_some(created_at),
        password_hash: hash.map(|hash| hash.as_str().to_owned()),
        created_at,
        updated_at: now,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Entropy;

    fn line(text: &str) -> Result<Model, LineRefusal> {
        let import = Import {
            region: Region::parse("KR").unwrap(),
            locale: Locale::Ko,
            today: NaiveDate::from_ymd_opt(2026, 1, 1).unwrap(),
        };
        read(text, import, AccountId::new(&Entropy::seeded(1)), Instant::UNIX_EPOCH)
    }

    #[test]
    fn a_line_is_taken_as_the_other_system_has_it() {
        let hash = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";
        let row = line(&format!(
            r#"{{"username":"Hong","password_hash":"{hash}","phone":"010-1234-5678","email":"hong@example.com","email_verified":false,"suspended":true}}"#
        ))
        .unwrap();
        assert_eq!((row.username_key.as_str(), row.phone.as_deref()), ("hong", Some("+821012345678")));
        assert_eq!(row.password_hash.as_deref(), Some(hash));
        assert!(row.phone_verified_at.is_some() && row.email_verified_at.is_none());
        assert_eq!((row.status, row.role), (AccountStatus::Suspended, Role::User));
    }

    #[test]
    fn what_is_wrong_is_named_by_field_and_reason_alone() {
        let refusal = |text: &str| line(text).map(|_| ()).unwrap_err();
        assert_eq!(refusal("{"), LineRefusal { field: "line", reason: "not_a_user" });
        assert_eq!(refusal(r#"{"username":"hong","passwordhash":"x"}"#).field, "line");
        assert_eq!(refusal(r#"{"username":"a"}"#), LineRefusal { field: "username", reason: "too_short" });
        assert_eq!(refusal(r#"{"username":"hong","password_hash":"plain"}"#).field, "password_hash");
        assert_eq!(refusal(r#"{"username":"hong","phone":"02-123-4567"}"#).field, "phone");
        assert_eq!(refusal(r#"{"username":"hong","role":"ADMIN"}"#).field, "line");
    }
}
