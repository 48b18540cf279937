//! `admin grant`, `suspend` and `unlock`: changes of one existing account.

use clap::Args;

use super::{Role, run_name};
use crate::{
    account::OperatorOutcome,
    app::{self, ExternalInputs, Settings},
};
use domain::account::rules::AdminRejection;
use platform::fault::Fault;

/// The account.
#[derive(Args)]
pub struct AccountArgument {
    /// An id (acc_…), a username, a phone number or an e-mail address.
    who: String,
}

/// The account and its new role.
#[derive(Args)]
pub struct Grant {
    #[command(flatten)]
    who: AccountArgument,
    /// The new role of the account.
    #[arg(long, value_enum, default_value_t = Role::Admin)]
    role: Role,
}

pub async fn grant(settings: Settings, Grant { who: AccountArgument { who }, role }: Grant) -> Result<(), String> {
    let numbers = settings.config.contacts.numbers;
    let accounts = app::accounts(settings, ExternalInputs::system()).await?;
    let done = match role {
        Role::Admin => "is an administrator now, and must sign in again",
        Role::User => "is an ordinary user now, and must sign in again",
    };
    print_outcome(&who, accounts.grant(run_name(), &who, numbers, role.into()).await, done)
}

pub async fn suspend(settings: Settings, AccountArgument { who }: AccountArgument) -> Result<(), String> {
    let numbers = settings.config.contacts.numbers;
    let accounts = app::accounts(settings, ExternalInputs::system()).await?;
    print_outcome(&who, accounts.suspend(run_name(), &who, numbers).await, "is suspended, and its sessions are ended")
}

pub async fn unlock(settings: Settings, AccountArgument { who }: AccountArgument) -> Result<(), String> {
    let numbers = settings.config.contacts.numbers;
    let accounts = app::accounts(settings, ExternalInputs::system()).await?;
    print_outcome(&who, accounts.unlock_by_operator(run_name(), &who, numbers).await, "is unlocked")
}

fn print_outcome(who: &str, operated: Result<OperatorOutcome, Fault>, done: &str) -> Result<(), String> {
    match operated.map_err(|fault| fault.operator_message())? {
        OperatorOutcome::Done(id) => {
            print_line!("{} {done}.", id.as_str());
            Ok(())
        }
        OperatorOutcome::NotFound => Err(format!(
            "no account has the id, username, phone number or e-mail address {who:?}; a phone number outside of \
             DEFAULT_REGION needs + and its country code"
        )),
        OperatorOutcome::Forbidden(AdminRejection::LastAdministrator) => Err(
            "this is the last administrator: make another account an administrator first, with countersign admin grant"
                .to_owned(),
        ),
        OperatorOutcome::Forbidden(AdminRejection::StatusNotAllowed) => {
            Err("the address of this account is not verified yet: until then it can't be used anyway".to_owned())
        }
    }
}
