//! `admin grant`, `suspend` and `unlock`: one account that is there.

use clap::Args;

use super::{Role, run_name};
use crate::{
    account::{Operated, rules::Forbidden},
    app::{self, Settings, World},
};
use platform::fault::Fault;

/// Whose account.
#[derive(Args)]
pub struct Who {
    /// An id (acc_…), a username, a phone number or an e-mail address.
    who: String,
}

/// Whose account, and what it may do.
#[derive(Args)]
pub struct Grant {
    #[command(flatten)]
    who: Who,
    /// What the account may do from now on.
    #[arg(long, value_enum, default_value_t = Role::Admin)]
    role: Role,
}

pub async fn grant(settings: Settings, Grant { who: Who { who }, role }: Grant) -> Result<(), String> {
    let numbers = settings.config.contacts.numbers;
    let accounts = app::accounts(settings, World::real()).await?;
    let said = match role {
        Role::Admin => "is an administrator now, and signs in anew",
        Role::User => "is an ordinary user now, and signs in anew",
    };
    say(&who, accounts.grant(run_name(), &who, numbers, role.into()).await, said)
}

pub async fn suspend(settings: Settings, Who { who }: Who) -> Result<(), String> {
    let numbers = settings.config.contacts.numbers;
    let accounts = app::accounts(settings, World::real()).await?;
    say(&who, accounts.suspend(run_name(), &who, numbers).await, "is suspended, and its sessions are ended")
}

pub async fn unlock(settings: Settings, Who { who }: Who) -> Result<(), String> {
    let numbers = settings.config.contacts.numbers;
    let accounts = app::accounts(settings, World::real()).await?;
    say(&who, accounts.unlock_from_console(run_name(), &who, numbers).await, "is unlocked")
}

fn say(who: &str, operated: Result<Operated, Fault>, done: &str) -> Result<(), String> {
    match operated.map_err(|fault| fault.words())? {
        Operated::Done(id) => {
            say!("{} {done}.", id.as_str());
            Ok(())
        }
        Operated::NotFound => Err(format!(
            "no account has the id, username, phone number or e-mail address {who:?}; a number of another region than \
             DEFAULT_REGION is written with + and its country code"
        )),
        Operated::Forbidden(Forbidden::LastAdministrator) => {
            Err("this is the last administrator: make somebody else one first, with countersign admin grant".to_owned())
        }
        Operated::Forbidden(Forbidden::NotAStatusToSet) => {
            Err("this account has not proved its address yet: until it does, it can't be used anyway".to_owned())
        }
    }
}
