//! Problems about recent authentication.

use std::time::Duration;

use async_graphql::{Context, Enum, SimpleObject};

use super::ProblemCode;
use crate::{
    account::{self, RequiredReauthentication},
    graphql::{context::RequestContext, scalars::DateTime},
};
use domain::Timestamp;
use platform::texts::Arg;

/// A method of authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "account::ReauthenticationMethod")]
pub enum AuthenticationMethod {
    /// The password of the account.
    Password,
    /// A code sent to the account's phone number, by SMS or by voice call.
    PhoneCode,
    /// A code sent to the account's e-mail address.
    EmailCode,
}

/// The operation requires a recent authentication. Call reauthenticate with one of these methods, then repeat the
/// operation with the access token that it returns.
#[derive(SimpleObject)]
pub struct ReauthenticationRequired {
    /// Always REAUTHENTICATION_REQUIRED.
    pub(super) code: ProblemCode,
    /// Message for the end user, in the language of the request.
    pub(super) message: String,
    /// Methods that this account can use now: those that it had before the oldest contact change that can still be
    /// undone. Empty if there is none; the message then states how long to wait.
    methods: Vec<AuthenticationMethod>,
}

impl ReauthenticationRequired {
    pub fn new(ctx: &Context<'_>, required: &RequiredReauthentication) -> Self {
        let message = match required.held_until.filter(|_| required.methods.is_empty()) {
            Some(until) => {
                ctx.localize("problem-reauthentication-required-later", &[("wait", Arg::Wait(wait(ctx, until)))])
            }
            None => ctx.localize("problem-reauthentication-required", &[]),
        };
        Self {
            code: ProblemCode::ReauthenticationRequired.record(ctx),
            message,
            methods: required.methods.iter().map(|method| (*method).into()).collect(),
        }
    }
}

/// The account can't be deleted for some time after a change of its contacts, also if the change was undone, because the
/// person who changed the contact, or who undid the change, may not be the owner.
#[derive(SimpleObject)]
pub struct DeletionHeldBack {
    /// Always DELETION_HELD_BACK.
    pub(super) code: ProblemCode,
    /// Message for the end user, in the language of the request.
    pub(super) message: String,
    /// When the account can be deleted: when the time to undo the last contact change is over.
    until: DateTime,
}

impl DeletionHeldBack {
    pub fn new(ctx: &Context<'_>, until: Timestamp) -> Self {
        Self {
            code: ProblemCode::DeletionHeldBack.record(ctx),
            message: ctx.localize("problem-deletion-held-back", &[("wait", Arg::Wait(wait(ctx, until)))]),
            until: DateTime(until),
        }
    }
}

fn wait(ctx: &Context<'_>, until: Timestamp) -> Duration {
    (until - ctx.services().clock.now()).to_std().unwrap_or_default()
}
