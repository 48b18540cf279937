//! `admin`: accounts from the command line. Whoever can read the settings may do this; the audit trail says so.

mod create_user;
mod import_users;
mod operate;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::NaiveDate;
use clap::{Args, Subcommand, ValueEnum};

use crate::{
    app::{Settings, World},
    store::entity::account,
};
use platform::config::{self, Place};

/// What to do, and where.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Make the embedded database, and its keys, where there is none yet.
    #[arg(long, global = true)]
    create: bool,
}

/// What to do.
#[derive(Subcommand)]
enum Command {
    /// Make an active account. The password is asked for, or read from the first line of standard input.
    CreateUser(create_user::Arguments),
    /// Make somebody an administrator, or, with --role user, an ordinary user again.
    ///
    /// An administrator may list users, approve, suspend and unlock them, and read the report of verifications. Their
    /// sessions are ended, since the tokens of these say what they could do before: they sign in anew.
    Grant(operate::Grant),
    /// Suspend an account: nobody signs in to it, and its sessions are ended.
    ///
    /// Processes that serve refuse its access tokens within REVOCATION_LAG. An administrator lifts it with the mutation
    /// setAccountStatus. The last administrator can't be suspended.
    Suspend(operate::Who),
    /// Forget the wrong passwords that were counted for an account, so that it can be signed in to again at once.
    Unlock(operate::Who),
    /// Take over the accounts of another system, with their password hashes: one JSON object on each line.
    #[command(after_long_help = import_users::FORMAT)]
    ImportUsers(import_users::Arguments),
}

/// What an account may do.
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
        database_is_there(&settings.config.store)?;
    }
    match command {
        Command::CreateUser(arguments) => create_user::run(settings, &arguments).await,
        Command::Grant(arguments) => operate::grant(settings, arguments).await,
        Command::Suspend(who) => operate::suspend(settings, who).await,
        Command::Unlock(who) => operate::unlock(settings, who).await,
        Command::ImportUsers(arguments) => import_users::run(settings, &arguments).await,
    }
}

/// In the wrong folder a command would make a second database and new keys, and seem to have worked.
fn database_is_there(store: &config::Store) -> Result<(), String> {
    match &store.place {
        Place::Sqlite { file } if !file.exists() => Err(format!(
            "there is no database {}: run this where the service runs, or set DATA_DIR (or DATABASE_URL) as the service \
             has it; if this is a new installation, start the service once, or add --create",
            absolute(file).display()
        )),
        Place::Sqlite { .. } | Place::Postgres { .. } => Ok(()),
    }
}

fn absolute(file: &Path) -> PathBuf {
    std::path::absolute(file).unwrap_or_else(|_| file.to_owned())
}

/// Names this run of the program in the audit trail, where a request would have its id.
fn run_name() -> Arc<str> {
    format!("admin-{}", hex::encode(World::real().entropy.bytes::<8>())).into()
}

/// What day it is where the people are: nobody is born after it.
fn today(settings: &Settings) -> NaiveDate {
    let zone = settings.config.quota.contact.time_zone;
    World::real().clock.now().with_timezone(&zone).date_naive()
}
