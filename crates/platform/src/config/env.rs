//! Reading settings: one table of names, defaults and descriptions; one pass that collects all errors.

use std::{borrow::Cow, cell::RefCell, collections::BTreeMap, fmt, path::Path, time::Duration};

use super::secret_file;
use crate::{config::Secret, keys::strength::is_sample_text};

/// One environment variable: its name, its default as it would be written (`None`: unset), and its description.
/// `.env.example`, `serve --help` and [`Env`] are all based on this table.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub name: &'static str,
    pub default: Option<&'static str>,
    /// The default with `ENVIRONMENT=development`, where it differs.
    pub in_development: Option<&'static str>,
    /// What it does, and when to change it: one or two sentences.
    pub description: &'static str,
    /// A secret may also be read from the file that `NAME_FILE` names, and is never printed.
    pub secret: bool,
}

impl Setting {
    /// A setting with a default.
    pub const fn new(name: &'static str, default: &'static str, meaning: &'static str) -> Self {
        Self { name, default: Some(default), in_development: None, description: meaning, secret: false }
    }

    /// An optional setting.
    pub const fn optional(name: &'static str, meaning: &'static str) -> Self {
        Self { name, default: None, in_development: None, description: meaning, secret: false }
    }

    /// A secret; it has no default.
    pub const fn secret(name: &'static str, meaning: &'static str) -> Self {
        Self { name, default: None, in_development: None, description: meaning, secret: true }
    }

    /// With a different default for `ENVIRONMENT=development`, for limits that protect from costs and abuse and would
    /// hinder development.
    #[must_use]
    pub const fn in_development(self, default: &'static str) -> Self {
        Self { in_development: Some(default), ..self }
    }

    /// The description, with the default in development where it differs.
    pub fn description(&self) -> Cow<'static, str> {
        match self.in_development {
            Some(default) => format!("{} In development the default is {default}.", self.description).into(),
            None => self.description.into(),
        }
    }
}

/// An invalid setting: the variable and how to fix it, never the value of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingError {
    pub name: String,
    pub hint: String,
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.hint)
    }
}

/// The variables that the program was started with, and the errors found in them so far.
pub struct Env {
    vars: BTreeMap<String, String>,
    settings: BTreeMap<&'static str, Setting>,
    /// Whether `ENVIRONMENT` is `development`, as it is by default.
    development: bool,
    errors: RefCell<Vec<SettingError>>,
    warnings: RefCell<Vec<String>>,
}

impl Env {
    /// `settings` is the table of all settings; reading a setting that is not in it is a bug.
    pub fn new(vars: impl IntoIterator<Item = (String, String)>, settings: impl IntoIterator<Item = Setting>) -> Self {
        let vars: BTreeMap<_, _> = vars.into_iter().collect();
        let environment = vars.get("ENVIRONMENT").map_or("", |text| trimmed(text));
        Self {
            development: environment.is_empty() || environment.eq_ignore_ascii_case("development"),
            vars,
            settings: settings.into_iter().map(|setting| (setting.name, setting)).collect(),
            errors: RefCell::default(),
            warnings: RefCell::default(),
        }
    }

    /// Whether `ENVIRONMENT` is `development`.
    pub fn is_development(&self) -> bool {
        self.development
    }

    /// Rejects names that differ from a setting's name by one typing error: such a variable would silently have no
    /// effect.
    pub fn check_unknown_names(&self) {
        for given in self.vars.keys() {
            let name = given.strip_suffix("_FILE").unwrap_or(given);
            if given.len() < 6 || self.settings.contains_key(name) {
                continue;
            }
            let near = self.settings.keys().find(|known| strsim::damerau_levenshtein(known, given) == 1);
            if let Some(known) = near {
                self.add_error(given, format!("is not a setting; did you mean {known}?"));
            }
        }
    }

    /// Records an error of `name` and how to fix it.
    pub fn add_error(&self, name: &str, hint: impl Into<String>) {
        self.errors.borrow_mut().push(SettingError { name: name.to_owned(), hint: hint.into() });
    }

    /// Records a warning for the operator, once: a setting may be read in several places.
    pub fn warn(&self, warning: String) {
        let mut warnings = self.warnings.borrow_mut();
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }

    /// All warnings.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.borrow().clone()
    }

    /// All errors.
    pub fn into_errors(self) -> Vec<SettingError> {
        self.errors.into_inner()
    }

    /// Whether the variable is set and not empty.
    pub fn is_set(&self, name: &str) -> bool {
        self.non_empty(name).is_some()
    }

    /// The trimmed value, or the default; an empty value counts as unset.
    pub fn text(&self, name: &'static str) -> Option<String> {
        self.non_empty(name).or_else(|| self.default(name)).map(str::to_owned)
    }

    /// The parsed value. If it does not parse, the error of the parser is recorded and the parsed default is returned
    /// as a placeholder (it is never used, since a configuration with errors is rejected).
    ///
    /// # Panics
    /// If the setting has no default, or one that does not parse: a bug in the table.
    pub fn parse<T>(&self, name: &'static str, parse: impl Fn(&str) -> Result<T, String>) -> T {
        #[expect(clippy::panic, reason = "a bug in the table of settings, found by the first test that starts")]
        let default = |reason: String| -> T {
            let default = self.default(name).unwrap_or_else(|| panic!("{name} has no default"));
            parse(default).unwrap_or_else(|error| panic!("default of {name}: {error} ({reason})"))
        };
        match self.non_empty(name).map(&parse) {
            Some(Ok(value)) => value,
            Some(Err(hint)) => {
                self.add_error(name, &hint);
                default(hint)
            }
            None => default(String::new()),
        }
    }

    /// Like [`Env::parse`], for an optional setting.
    pub fn parse_optional<T>(&self, name: &'static str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(name)?;
        parse(&text).map_err(|hint| self.add_error(name, hint)).ok()
    }

    /// A comma-separated list; empty items are dropped.
    pub fn list<T>(&self, name: &'static str, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let text = self.text(name).unwrap_or_default();
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        items.filter_map(|item| parse(item).map_err(|hint| self.add_error(name, hint)).ok()).collect()
    }

    /// A whole number within `range`.
    pub fn number<T>(&self, name: &'static str, range: std::ops::RangeInclusive<T>) -> T
    where
        T: std::str::FromStr + PartialOrd + fmt::Display + Copy,
    {
        self.parse(name, |text| match text.parse::<T>() {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => Err(format!("must be a whole number from {} to {}, not {text:?}", range.start(), range.end())),
        })
    }

    /// A duration such as `90s`, `5m`, `1h`, `7d`, within `range`.
    pub fn duration(&self, name: &'static str, range: std::ops::RangeInclusive<Duration>) -> Duration {
        let show = |span: &Duration| humantime::format_duration(*span).to_string();
        self.parse(name, |text| match humantime::parse_duration(text) {
            Ok(span) if range.contains(&span) => Ok(span),
            Ok(_) => Err(format!("must be from {} to {}, not {text:?}", show(range.start()), show(range.end()))),
            Err(_) => Err(format!("must be a duration such as 90s, 5m, 1h or 7d, not {text:?}")),
        })
    }

    /// A number, or `None` for `unlimited`.
    pub fn limit(&self, name: &'static str, range: std::ops::RangeInclusive<u32>) -> Option<u32> {
        self.parse(name, |text| match text.parse::<u32>() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            Err(_) if text.eq_ignore_ascii_case("unlimited") => Ok(None),
            _ => Err(format!("must be a number from {} to {}, or unlimited, not {text:?}", range.start(), range.end())),
        })
    }

    /// `on` or `off`.
    pub fn switch(&self, name: &'static str) -> bool {
        self.choice(name, &[("on", true), ("off", false)])
    }

    /// One of the named values.
    pub fn choice<T: Clone>(&self, name: &'static str, choices: &[(&str, T)]) -> T {
        self.parse(name, |text| {
            let found = choices.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
            found.map(|(_, value)| value.clone()).ok_or_else(|| {
                let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
                format!("must be one of {}, not {text:?}", words.join(", "))
            })
        })
    }

    /// A secret, from the variable or from the file that `NAME_FILE` names. Surrounding white space is removed: a
    /// trailing line break is the usual cause of signatures that don't match.
    pub fn secret(&self, name: &'static str) -> Option<Secret> {
        debug_assert!(self.setting(name).secret, "{name} is not in the table as a secret");
        let file_name = format!("{name}_FILE");
        let path = self.vars.get(&file_name).map(|path| path.trim()).filter(|path| !path.is_empty());
        match (self.non_empty(name), path) {
            (Some(_), Some(_)) => {
                self.add_error(name, format!("is set twice, here and by {file_name}: keep one"));
                None
            }
            (Some(text), None) => Some(self.no_placeholder(name, Secret::new(text.to_owned()))),
            (None, Some(path)) => match secret_file::read(Path::new(path)) {
                Ok(file) => {
                    file.warning.into_iter().for_each(|warning| self.warn(format!("{file_name}: {warning}")));
                    Some(self.no_placeholder(name, Secret::new(file.text.as_str())))
                }
                Err(hint) => {
                    self.add_error(&file_name, hint);
                    None
                }
            },
            (None, None) => None,
        }
    }

    /// Rejects placeholder text of samples, which no provider issues. URLs are not checked.
    fn no_placeholder(&self, name: &'static str, secret: Secret) -> Secret {
        if !name.ends_with("_URL") && is_sample_text(secret.expose()) {
            self.add_error(name, "is a placeholder: set the real value, or remove the setting");
        }
        secret
    }

    /// A list of secrets: separated by commas, or a JSON array of strings where one contains a comma.
    pub fn secret_list(&self, name: &'static str) -> Vec<Secret> {
        let given = self.secret(name);
        given.map_or_else(Vec::new, |list| {
            secret_list(list.expose()).unwrap_or_else(|hint| {
                self.add_error(name, hint);
                Vec::new()
            })
        })
    }

    /// Whether a secret is set, by the variable or by a file, valid or not.
    pub fn is_secret_set(&self, name: &str) -> bool {
        self.is_set(name) || self.is_set(&format!("{name}_FILE"))
    }

    /// All secrets in a setting, without checks: the code that uses the setting records its errors.
    pub fn unchecked_secrets(&self, name: &str) -> Vec<Secret> {
        let from_file = || {
            let path = self.vars.get(&format!("{name}_FILE"))?;
            secret_file::read(Path::new(path.trim())).ok().map(|file| file.text.to_string())
        };
        let text = self.non_empty(name).map(str::to_owned).or_else(from_file);
        text.map_or_else(Vec::new, |text| {
            let mut secrets = secret_list(&text).unwrap_or_default();
            secrets.push(Secret::new(text));
            secrets
        })
    }

    /// The table of settings.
    pub fn settings(&self) -> impl Iterator<Item = Setting> {
        self.settings.values().copied()
    }

    /// The default for the current `ENVIRONMENT`.
    fn default(&self, name: &str) -> Option<&'static str> {
        let setting = self.setting(name);
        setting.in_development.filter(|_| self.development).or(setting.default)
    }

    fn non_empty(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(|text| trimmed(text)).filter(|text| !text.is_empty())
    }

    #[expect(clippy::panic, reason = "a bug, found by the first test that starts the program")]
    fn setting(&self, name: &str) -> Setting {
        *self.settings.get(name).unwrap_or_else(|| panic!("{name} is not in the table of settings"))
    }
}

/// Without surrounding white space and without the byte order mark that some editors write at the start of a file.
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

fn secret_list(text: &str) -> Result<Vec<Secret>, String> {
    let inside = text.strip_prefix('[').or(text.strip_suffix(']'));
    let is_quoted = |inside: &str| inside.trim_start().starts_with('"') || inside.trim_end().ends_with('"');
    let is_array = (text.starts_with('[') && text.ends_with(']')) || inside.is_some_and(is_quoted);
    let items: Vec<String> = if is_array {
        serde_json::from_str(text).map_err(|_| {
            "is not a JSON array of strings, although it begins or ends like one; expected [\"first\", \"second\"]"
                .to_owned()
        })?
    } else {
        text.split(',').map(|item| trimmed(item).to_owned()).collect()
    };
    Ok(items.into_iter().filter(|item| !item.is_empty()).map(Secret::new).collect())
}
