//! `admin create-user`: creates one account.

use std::io::{BufRead, IsTerminal};

use clap::Args;

use super::Role;
use crate::{
    account::{CreateUserOutcome, NewUser},
    app::{self, ExternalInputs, Settings},
};
use domain::{
    contact::{BirthDate, EmailAddress, PersonName, PhoneNumber, Username},
    locale::Locale,
};
use platform::{password::Violation, secret::Secret};

/// The new account.
#[derive(Args)]
pub struct Arguments {
    /// The name to sign in with.
    #[arg(long)]
    username: String,
    /// The user's full name.
    #[arg(long)]
    name: Option<String>,
    /// YYYY-MM-DD.
    #[arg(long)]
    birth_date: Option<String>,
    /// A phone number; it counts as verified.
    #[arg(long)]
    phone: Option<String>,
    /// An e-mail address; it counts as verified.
    #[arg(long)]
    email: Option<String>,
    /// The role of the account.
    #[arg(long, value_enum, default_value_t = Role::User)]
    role: Role,
    /// The language of messages to the user: ko or en. Default: DEFAULT_LOCALE.
    #[arg(long)]
    locale: Option<String>,
}

/// Creates the account and prints its id.
pub async fn run(settings: Settings, arguments: &Arguments) -> Result<(), String> {
    let config = &settings.config;
    let today = super::today(&settings);
    let refused = |option: &str, reason: &str| format!("--{option}: {}", reason.replace('_', " "));
    let numbers = config.contacts.numbers;
    let user = NewUser {
        username: Username::parse(&arguments.username).map_err(|why| refused("username", why.reason()))?,
        name: parse(arguments.name.as_deref(), |text| {
            PersonName::parse(text).map_err(|why| refused("name", why.reason()))
        })?,
        birth_date: parse(arguments.birth_date.as_deref(), |text| {
            BirthDate::parse(text, today).map_err(|why| refused("birth-date", why.reason()))
        })?,
        phone: parse(arguments.phone.as_deref(), |text| {
            PhoneNumber::parse(text, numbers).map_err(|why| refused("phone", why.reason()))
        })?,
        email: parse(arguments.email.as_deref(), |text| {
            EmailAddress::parse(text).map_err(|why| refused("email", why.reason()))
        })?,
        role: arguments.role.into(),
        locale: parse(arguments.locale.as_deref(), |text| {
            Locale::parse(text).ok_or_else(|| "--locale: must be ko or en".to_owned())
        })?
        .unwrap_or(config.messages.default_locale),
        password: password()?,
    };
    let accounts = app::accounts(settings, ExternalInputs::system()).await?;
    match accounts.create_user(super::run_name(), user).await.map_err(|fault| fault.operator_message())? {
        CreateUserOutcome::Created(id) => {
            print_line!("{}", id.as_str());
            Ok(())
        }
        CreateUserOutcome::PasswordRejected(violations) => {
            let problems: Vec<_> = violations.into_iter().map(Violation::description).collect();
            Err(format!("the password {}", problems.join(", ")))
        }
        CreateUserOutcome::Taken => {
            Err("the username, phone number or e-mail address belongs to another account".to_owned())
        }
    }
}

fn parse<T>(given: Option<&str>, parse: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    given.map(parse).transpose()
}

/// Reads the password from a prompt on a terminal, else from the first line of standard input. It is not an argument,
/// because other users can see the arguments of a process.
fn password() -> Result<Secret, String> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return rpassword::prompt_password("Password: ")
            .map(Secret::new)
            .map_err(|error| format!("no password: {error}"));
    }
    let mut line = String::new();
    stdin.lock().read_line(&mut line).map_err(|error| format!("no password: {error}"))?;
    match line.trim_end_matches(['\r', '\n']) {
        "" => Err("no password: standard input is empty".to_owned()),
        password => Ok(Secret::new(password)),
    }
}
