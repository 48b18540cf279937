//! `admin`: manages accounts from the command line. Access to the settings is the only authorisation; the audit trail
//! records each command.

mod create_user;
mod import_users;
mod operate;

use std::sync::Arc;

use chrono::NaiveDate;
use clap::{Args, Subcommand, ValueEnum};

use crate::app::{ExternalInputs, Settings};
use domain::account;
use platform::config::{self, DatabaseLocation};

/// The arguments of `admin`.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Create the embedded database and its keys if they don't exist.
    #[arg(long, global = true)]
    create: bool,
}

/// The subcommands of `admin`.
#[derive(Subcommand)]
enum Command {
    /// Create an active account. The password is read from a prompt, or from the first line of standard input.
    CreateUser(create_user::Arguments),
    /// Make an account an administrator, or, with --role user, an ordinary user again.
    ///
    /// An administrator may list users, approve, suspend and unlock them, and read the report of verifications. The
    /// sessions of the account are ended, since their tokens contain the previous role: the user must sign in again.
    Grant(operate::Grant),
    /// Suspend an account: it can't sign in, and its sessions are ended.
    ///
    /// Running processes refuse its access tokens within REVOCATION_LAG. An administrator can lift the suspension with
    /// the mutation setAccountStatus. The last administrator can't be suspended.
    Suspend(operate::AccountArgument),
    /// Reset the failed-login counter of an account, so that it can sign in again at once.
    Unlock(operate::AccountArgument),
    /// Import the accounts of another system with their password hashes: one JSON object on each line.
    #[command(after_long_help = import_users::FORMAT)]
    ImportUsers(import_users::Arguments),
}

/// The role of an account.
#[derive(Clone, Copy, ValueEnum)]
enum Role {
    User,
    Admin,
}

impl From<Role> for account::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::User => account::Role::User,
            Role::Admin => account::Role::Admin,
        }
    }
}

/// Runs an admin command on the configured database.
pub async fn run(settings: Settings, Arguments { command, create }: Arguments) -> Result<(), String> {
    if !create {
        require_database(&settings.config.store)?;
    }
    match command {
        Command::CreateUser(arguments) => create_user::run(settings, &arguments).await,
        Command::Grant(arguments) => operate::grant(settings, arguments).await,
        Command::Suspend(who) => operate::suspend(settings, who).await,
        Command::Unlock(who) => operate::unlock(settings, who).await,
        Command::ImportUsers(arguments) => import_users::run(settings, &arguments).await,
    }
}

/// Rejects a missing embedded database: in the wrong folder a command would create a second database with new keys, and
/// appear to succeed.
fn require_database(store: &config::Store) -> Result<(), String> {
    match &store.place {
        DatabaseLocation::Sqlite { file } if !file.exists() => Err(format!(
            "{}; for a new installation, start the service once, or add --create",
            super::no_database(file)
        )),
        DatabaseLocation::Sqlite { .. } | DatabaseLocation::Postgres { .. } => Ok(()),
    }
}

/// Identifies this run of the program in the audit trail, instead of a request id.
fn run_name() -> Arc<str> {
    format!("admin-{}", hex::encode(ExternalInputs::system().entropy.bytes::<8>())).into()
}

/// The current date in the time zone of the users: the latest valid birth date.
fn today(settings: &Settings) -> NaiveDate {
    let zone = settings.config.quota.contact.time_zone;
    ExternalInputs::system().clock.now().with_timezone(&zone).date_naive()
}
