//! Acts: one input, one result union each.

mod password_reset;
mod verification;

use async_graphql::MergedObject;

/// Acts.
#[derive(MergedObject, Default)]
pub struct Mutation(verification::VerificationMutation, password_reset::PasswordResetMutation);
