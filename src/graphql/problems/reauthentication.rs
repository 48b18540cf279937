//! Problems of recent authentication.

use std::time::Duration;

use async_graphql::{Context, Enum, SimpleObject};

use super::ProblemCode;
use crate::{
    account::{self, Required},
    clock::Timestamp,
    graphql::{context::Asking, scalars::DateTime},
    texts::Arg,
};

/// A way to authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "account::Way")]
pub enum AuthenticationMethod {
    /// The account's password.
    Password,
    /// A code to the account's phone, by SMS or by a call.
    PhoneCode,
    /// A code to the account's e-mail address.
    EmailCode,
}

/// The act needs a recent authentication. Call reauthenticate with one of these methods, then repeat the act with the
/// access token that it answers.
#[derive(SimpleObject)]
pub struct ReauthenticationRequired {
    /// REAUTHENTICATION_REQUIRED.
    pub(super) code: ProblemCode,
    /// In the request's language, fit to be shown.
    pub(super) message: String,
    /// What counts for this account now: what it had before the oldest contact change that can still be undone. Empty
    /// where nothing does; the message says how long that lasts.
    methods: Vec<AuthenticationMethod>,
}

impl ReauthenticationRequired {
    pub fn new(ctx: &Context<'_>, required: &Required) -> Self {
        let message = match required.held_until.filter(|_| required.ways.is_empty()) {
            Some(until) => ctx.say("problem-reauthentication-required-later", &[("wait", Arg::Wait(wait(ctx, until)))]),
            None => ctx.say("problem-reauthentication-required", &[]),
        };
        Self {
            code: ProblemCode::ReauthenticationRequired.noted(ctx),
            message,
            methods: required.ways.iter().map(|way| (*way).into()).collect(),
        }
    }
}

/// The account can't be deleted while a contact change of it can be undone: the person who changed the contact may not
/// be its owner.
#[derive(SimpleObject)]
pub struct DeletionHeldBack {
    /// DELETION_HELD_BACK.
    pub(super) code: ProblemCode,
    /// In the request's language, fit to be shown.
    pub(super) message: String,
    /// When no contact change can be undone any more.
    until: DateTime,
}

impl DeletionHeldBack {
    pub fn new(ctx: &Context<'_>, until: Timestamp) -> Self {
        Self {
            code: ProblemCode::DeletionHeldBack.noted(ctx),
            message: ctx.say("problem-deletion-held-back", &[("wait", Arg::Wait(wait(ctx, until)))]),
            until: DateTime(until),
        }
    }
}

fn wait(ctx: &Context<'_>, until: Timestamp) -> Duration {
    (until - ctx.rooms().clock.now()).to_std().unwrap_or_default()
}
