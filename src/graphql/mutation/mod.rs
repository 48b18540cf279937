//! Mutations: each has one input and one result union.

mod account;
mod admin;
mod password_reset;
mod reauthentication;
mod session;
mod sign_up;
mod trail;
mod verification;

use async_graphql::MergedObject;

/// All mutations.
#[derive(MergedObject, Default)]
pub struct Mutation(
    verification::VerificationMutation,
    sign_up::SignUpMutation,
    session::SessionMutation,
    password_reset::PasswordResetMutation,
    account::AccountMutation,
    reauthentication::ReauthenticationMutation,
    admin::AdminMutation,
);
