//! `admin`: accounts from the command line.

use std::{
    io::{BufRead, IsTerminal},
    sync::Arc,
};

use chrono_tz::Tz;
use clap::{Args, Subcommand, ValueEnum};

use crate::{
    account::{Created, NewUser},
    app::{self, Settings, World},
    contact::{BirthDate, EmailAddress, PersonName, PhoneNumber, Username},
    secret::Secret,
    store::entity::account,
    texts::Locale,
};

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Make an active account. The password is asked for, or read from the first line of standard input.
    CreateUser(CreateUser),
}

/// The new account.
#[derive(Args)]
pub struct CreateUser {
    /// The name to sign in with.
    #[arg(long)]
    username: String,
    /// The person's whole name.
    #[arg(long)]
    name: Option<String>,
    /// YYYY-MM-DD.
    #[arg(long)]
    birth_date: Option<String>,
    /// A phone number; it counts as proved.
    #[arg(long)]
    phone: Option<String>,
    /// An e-mail address; it counts as proved.
    #[arg(long)]
    email: Option<String>,
    /// What the account may do.
    #[arg(long, value_enum, default_value_t = Role::User)]
    role: Role,
    /// The language of messages to them: ko or en. Left out: DEFAULT_LOCALE.
    #[arg(long)]
    locale: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Role {
    User,
    Admin,
}

/// Runs an admin command on the configured database.
pub async fn run(settings: Settings, command: Command) -> Result<(), String> {
    match command {
        Command::CreateUser(arguments) => create_user(settings, &arguments).await,
    }
}

async fn create_user(settings: Settings, arguments: &CreateUser) -> Result<(), String> {
    let config = &settings.config;
    let zone: Tz = config.quota.contact.time_zone;
    let today = World::real().clock.now().with_timezone(&zone).date_naive();
    let refused = |option: &str, reason: &str| format!("--{option}: {}", reason.replace('_', " "));
    let region = config.contacts.default_region;
    let user = NewUser {
        username: Username::parse(&arguments.username).map_err(|why| refused("username", why.reason()))?,
        name: parse(arguments.name.as_deref(), |text| {
            PersonName::parse(text).map_err(|why| refused("name", why.reason()))
        })?,
        birth_date: parse(arguments.birth_date.as_deref(), |text| {
            BirthDate::parse(text, today).map_err(|why| refused("birth-date", why.reason()))
        })?,
        phone: parse(arguments.phone.as_deref(), |text| {
            PhoneNumber::parse(text, region).map_err(|why| refused("phone", why.reason()))
        })?,
        email: parse(arguments.email.as_deref(), |text| {
            EmailAddress::parse(text).map_err(|why| refused("email", why.reason()))
        })?,
        role: match arguments.role {
            Role::User => account::Role::User,
            Role::Admin => account::Role::Admin,
        },
        locale: parse(arguments.locale.as_deref(), |text| {
            Locale::parse(text).ok_or_else(|| "--locale: ko or en".to_owned())
        })?
        .unwrap_or(config.messages.default_locale),
        password: password()?,
    };
    let accounts = app::accounts(settings, World::real()).await?;
    match accounts.create_user(run_name(), user).await.map_err(|fault| format!("{fault:?}"))? {
        Created::Created(id) => {
            println!("{}", id.as_str());
            Ok(())
        }
        Created::PasswordRejected(violations) => Err(format!("the password is refused: {violations:?}")),
        Created::Taken => Err("the username, phone or e-mail address is another account's".to_owned()),
    }
}

/// Names this run of the program in the audit trail, where a request would have its id.
fn run_name() -> Arc<str> {
    format!("admin-{}", hex::encode(World::real().entropy.bytes::<8>())).into()
}

fn parse<T>(given: Option<&str>, parse: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    given.map(parse).transpose()
}

/// From a prompt on a terminal, else the first line of standard input: never an argument, which others can see.
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
