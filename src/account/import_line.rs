//! A line of an import file: one account in JSON. Every error is reported with its field and a reason.

use std::{borrow::Cow, fmt};

use chrono::{Datelike, NaiveDate};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

use super::ImageUrl;
use domain::{
    Timestamp,
    account::{Account, AccountStatus, Role},
    contact::{BirthDate, EmailAddress, Nickname, NumberRules, PersonName, PhoneNumber, Username},
    ids::AccountId,
    locale::Locale,
};
use platform::password::{Bound, ExportedPassword};

/// Why a line was rejected: the field and a stable reason. It contains nothing of the line but the name of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineRejection {
    pub field: Cow<'static, str>,
    pub reason: &'static str,
    /// The bound that a value is above.
    pub bound: Option<Bound>,
}

impl LineRejection {
    pub fn new(field: impl Into<Cow<'static, str>>, reason: &'static str) -> Self {
        Self { field: field.into(), reason, bound: None }
    }
}

/// As the import prints it.
impl fmt::Display for LineRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.reason.replace('_', " "))?;
        self.bound.map_or(Ok(()), |bound| write!(f, ": {bound}"))
    }
}

/// Settings for parsing lines.
#[derive(Clone, Copy, Debug)]
pub struct Import {
    pub numbers: NumberRules,
    pub locale: Locale,
    pub today: NaiveDate,
}

/// A parsed line: an account without its password, and the password as the other system exported it.
pub struct ImportLine {
    pub row: Account,
    pub password: Option<ExportedPassword>,
}

/// Parses a line.
///
/// # Errors
/// All errors of the line.
pub fn read(line: &str, import: Import, id: AccountId, now: Timestamp) -> Result<ImportLine, Vec<LineRejection>> {
    let mut fields = Fields::read(line).map_err(|reason| vec![LineRejection::new("line", reason)])?;
    let username = fields.parsed("username", |text| Username::parse(text).map_err(|why| why.reason()));
    let password = fields.password();
    let name = fields.parsed("name", |text| PersonName::parse(text).map_err(|why| why.reason()));
    let nickname = fields.parsed("nickname", |text| Nickname::parse(text).map_err(|why| why.reason()));
    let birth_date =
        fields.parsed("birth_date", |text| BirthDate::parse(text, import.today).map_err(|why| why.reason()));
    let phone = fields.parsed("phone", |text| PhoneNumber::parse(text, import.numbers).map_err(|why| why.reason()));
    let phone_verified = fields.flag("phone_verified", true);
    let email = fields.parsed("email", |text| EmailAddress::parse(text).map_err(|why| why.reason()));
    let email_verified = fields.flag("email_verified", true);
    let picture = fields.parsed("profile_image_url", ImageUrl::parse);
    let locale = fields.parsed("locale", |text| Locale::parse(text).ok_or("not_a_locale"));
    let suspended = fields.flag("suspended", false);
    let created_at = fields.parsed("created_at", past_time);
    let username = match username {
        Some(username) => username,
        None => return Err(fields.missing("username")),
    };
    fields.finish()?;
    let created_at = created_at.unwrap_or(now).min(now);
    let row = Account {
        id,
        username: username.as_str().to_owned(),
        username_key: username.key().to_owned(),
        name_key: name.as_ref().map(PersonName::key),
        name: name.map(|name| name.as_str().to_owned()),
        nickname_key: nickname.as_ref().map(|nickname| nickname.key().to_owned()),
        nickname: nickname.map(|nickname| nickname.as_str().to_owned()),
        birth_date: birth_date.map(BirthDate::date),
        phone_verified_at: (phone.is_some() && phone_verified).then_some(created_at),
        phone: phone.map(|phone| phone.as_str().to_owned()),
        email_verified_at: (email.is_some() && email_verified).then_some(created_at),
        email_key: email.as_ref().map(|email| email.key().to_owned()),
        claimed_email_key: None,
        email: email.map(|email| email.as_str().to_owned()),
        profile_image_url: picture.map(ImageUrl::into_string),
        locale: locale.unwrap_or(import.locale).as_str().to_owned(),
        status: if suspended { AccountStatus::Suspended } else { AccountStatus::Active },
        role: Role::User,
        password_changed_at: password.as_ref().is_some_and(ExportedPassword::is_usable).then_some(created_at),
        password_hash: None,
        created_at,
        updated_at: now,
    };
    Ok(ImportLine { row, password })
}

/// A time from 1900 on. PostgreSQL cannot store times before 4714 BC, and the parsed text may have a sign; with either
/// database only that line is rejected.
fn past_time(text: &str) -> Result<Timestamp, &'static str> {
    let time: Timestamp = text.parse().map_err(|_| "not_a_time")?;
    if time.year() < EARLIEST_YEAR { Err("too_early") } else { Ok(time) }
}

/// Earlier birth dates and creation times are taken as errors.
const EARLIEST_YEAR: i32 = 1900;

/// The fields of a line that were not read yet, and the errors of those that were.
struct Fields {
    unread: Vec<(String, Value)>,
    refusals: Vec<LineRejection>,
}

impl Fields {
    fn read(line: &str) -> Result<Self, &'static str> {
        let line = line.trim();
        match serde_json::from_str::<Object>(line) {
            Ok(Object(unread)) => Ok(Self { unread, refusals: Vec::new() }),
            Err(_) if serde_json::from_str::<Value>(line).is_ok() => Err("not_an_object"),
            Err(_) => Err("not_json"),
        }
    }

    /// Removes a field and returns its value. Null counts as missing.
    fn take(&mut self, field: &'static str) -> Option<Value> {
        let index = self.unread.iter().position(|(name, _)| name == field)?;
        let (_, value) = self.unread.remove(index);
        if self.unread.iter().any(|(name, _)| name == field) {
            self.unread.retain(|(name, _)| name != field);
            self.reject(field, "twice");
        }
        (!value.is_null()).then_some(value)
    }

    fn reject(&mut self, field: impl Into<Cow<'static, str>>, reason: &'static str) {
        self.refusals.push(LineRejection::new(field, reason));
    }

    /// A string field, parsed. None: it is missing or was rejected.
    fn parsed<T>(&mut self, field: &'static str, parse: impl FnOnce(&str) -> Result<T, &'static str>) -> Option<T> {
        let parsed = match self.take(field)? {
            Value::String(text) => parse(&text),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Err("not_text"),
        };
        parsed.map_err(|reason| self.reject(field, reason)).ok()
    }

    fn flag(&mut self, field: &'static str, default: bool) -> bool {
        match self.take(field) {
            None => default,
            Some(Value::Bool(flag)) => flag,
            Some(_) => {
                self.reject(field, "not_true_or_false");
                default
            }
        }
    }

    fn password(&mut self) -> Option<ExportedPassword> {
        const FIELD: &str = "password_hash";
        let refusal = match ExportedPassword::parse(&self.take(FIELD)?) {
            Ok(password) => return Some(password),
            Err(refusal) => refusal,
        };
        let field = refusal.field.map_or(Cow::Borrowed(FIELD), |field| format!("{FIELD}.{field}").into());
        let (reason, bound) = (refusal.reason.reason(), refusal.reason.bound());
        self.refusals.push(LineRejection { field, reason, bound });
        None
    }

    /// All errors of a line that lacks this required field.
    fn missing(mut self, field: &'static str) -> Vec<LineRejection> {
        if !self.refusals.iter().any(|refusal| refusal.field == field) {
            self.reject(field, "missing");
        }
        self.finish().err().unwrap_or_default()
    }

    /// Rejects unknown fields: a misspelt field would otherwise be ignored silently.
    fn finish(mut self) -> Result<(), Vec<LineRejection>> {
        for (name, _) in std::mem::take(&mut self.unread) {
            // Text that is not a field name may be anything, so it is not repeated.
            let is_name = name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            self.reject(if is_name { Cow::Owned(name) } else { Cow::Borrowed("line") }, "unknown_field");
        }
        if self.refusals.is_empty() { Ok(()) } else { Err(self.refusals) }
    }
}

/// An object that keeps duplicate fields, so that they can be rejected.
struct Object(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;
        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Object(fields))
            }
        }
        deserializer.deserialize_map(ObjectVisitor)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use domain::contact::Region;
    use platform::clock::Entropy;

    fn line(text: &str) -> Result<ImportLine, Vec<LineRejection>> {
        let import = Import {
            numbers: Region::parse("KR").unwrap().into(),
            locale: Locale::Ko,
            today: NaiveDate::from_ymd_opt(2026, 1, 1).unwrap(),
        };
        read(text, import, AccountId::new(&Entropy::seeded(1)), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_line_is_parsed_as_exported() {
        let user = json!({
            "username": "Hong", "password_hash": "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
            "phone": "010-1234-5678", "email": "hong@example.com", "email_verified": false, "suspended": true,
            "nickname": null,
        });
        let ImportLine { row, password } = line(&user.to_string()).unwrap();
        assert_eq!((row.username_key.as_str(), row.phone.as_deref()), ("hong", Some("+821012345678")));
        assert!(password.unwrap().is_usable());
        assert!(row.phone_verified_at.is_some() && row.email_verified_at.is_none());
        assert_eq!((row.status, row.role), (AccountStatus::Suspended, Role::User));
    }

    /// The rejections of a line.
    fn rejections(text: &str) -> Vec<(String, &'static str)> {
        let refusals = line(text).map(|_| ()).unwrap_err();
        refusals.into_iter().map(|refusal| (refusal.field.into_owned(), refusal.reason)).collect()
    }

    #[test]
    fn rejections_name_only_field_and_reason() {
        for (text, field, reason) in [
            ("{", "line", "not_json"),
            ("plain text", "line", "not_json"),
            ("[1]", "line", "not_an_object"),
            (r#""hong""#, "line", "not_an_object"),
            ("{}", "username", "missing"),
            (r#"{"username":null}"#, "username", "missing"),
            (r#"{"username":1}"#, "username", "not_text"),
            (r#"{"username":"a"}"#, "username", "too_short"),
            (r#"{"username":"hong","username":"kim"}"#, "username", "twice"),
            (r#"{"username":"hong","passwordhash":"x"}"#, "passwordhash", "unknown_field"),
            (r#"{"username":"hong","role":"ADMIN"}"#, "role", "unknown_field"),
            (r#"{"username":"hong","hunter 2":1}"#, "line", "unknown_field"),
            (r#"{"username":"hong","password_hash":"plain"}"#, "password_hash", "unknown_format"),
            (r#"{"username":"hong","password_hash":7}"#, "password_hash", "malformed"),
            (r#"{"username":"hong","password_hash":{"hash":"x"}}"#, "password_hash.format", "missing"),
            (r#"{"username":"hong","password_hash":{"format":"x"}}"#, "password_hash.format", "unknown_format"),
            (r#"{"username":"hong","name":7}"#, "name", "not_text"),
            (r#"{"username":"hong","nickname":""}"#, "nickname", "empty"),
            (r#"{"username":"hong","birth_date":"1999-02-30"}"#, "birth_date", "not_a_date"),
            (r#"{"username":"hong","phone":"02-123-4567"}"#, "phone", "not_a_mobile_number"),
            (r#"{"username":"hong","email":"hong"}"#, "email", "not_an_email_address"),
            (r#"{"username":"hong","phone_verified":"yes"}"#, "phone_verified", "not_true_or_false"),
            (r#"{"username":"hong","email_verified":1}"#, "email_verified", "not_true_or_false"),
            (r#"{"username":"hong","suspended":"no"}"#, "suspended", "not_true_or_false"),
            (r#"{"username":"hong","profile_image_url":"ftp://x"}"#, "profile_image_url", "not_a_url"),
            (r#"{"username":"hong","locale":"tlh"}"#, "locale", "not_a_locale"),
            (r#"{"username":"hong","created_at":"yesterday"}"#, "created_at", "not_a_time"),
            (r#"{"username":"hong","created_at":1700000000}"#, "created_at", "not_text"),
            (r#"{"username":"hong","created_at":"-9999-01-01T00:00:00Z"}"#, "created_at", "too_early"),
            (r#"{"username":"hong","created_at":"1899-12-31T23:59:59Z"}"#, "created_at", "too_early"),
            (r#"{"username":"hong","created_at":"0000-01-01T00:00:00Z"}"#, "created_at", "too_early"),
            (r#"{"username":"hong","birth_date":"-4800-01-01"}"#, "birth_date", "not_a_date"),
            (r#"{"username":"hong","birth_date":"1899-12-31"}"#, "birth_date", "too_early"),
            (r#"{"username":"hong","birth_date":"9999-12-31"}"#, "birth_date", "in_the_future"),
        ] {
            assert_eq!(rejections(text), [(field.to_owned(), reason)], "{text}");
        }
    }

    #[test]
    fn all_errors_of_a_line_are_reported() {
        let text = r#"{"phone":1,"suspended":"no","birthday":"1999-03-14"}"#;
        let expected = [
            ("phone", "not_text"),
            ("suspended", "not_true_or_false"),
            ("username", "missing"),
            ("birthday", "unknown_field"),
        ];
        assert_eq!(rejections(text), expected.map(|(field, reason)| (field.to_owned(), reason)));
    }
}
