//! Access tokens after an authentication of somebody who is signed in already.

use std::time::Duration;

use super::{AccessToken, Authenticated, Authentication, Context, Method, Sessions, gate::SignedIn};
use crate::{
    clock::Timestamp,
    fault::Fault,
    secret::Secret,
    store::entity::{account, session},
};

/// An access token that alone carries a fresh authentication: the session and its refresh token keep theirs.
#[derive(Clone, Debug)]
pub struct Reauthenticated {
    pub access: Secret,
    /// How long the token lives.
    pub expires_in: Duration,
    /// Until when the authentication counts as recent, while the token lives.
    pub fresh_until: Timestamp,
}

impl Sessions {
    /// Whether the authentication behind a token counts as a recent one now.
    pub fn is_fresh(&self, signed_in: &SignedIn) -> bool {
        let until =
            signed_in.authenticated.and_then(|authenticated| authenticated.fresh_until(self.0.settings.reauth_max_age));
        until.is_some_and(|until| self.0.clock.now() < until)
    }

    /// The access token of somebody who authenticated again at `at`, by something that counts. `generation` is that of the
    /// access token that the request came with: a newer refresh token may never have arrived.
    ///
    /// # Errors
    /// A fault when the token can't be signed.
    pub fn reauthenticated(
        &self,
        account: &account::Model,
        session: &session::Model,
        generation: i32,
        methods: Vec<Method>,
        at: Timestamp,
    ) -> Result<Reauthenticated, Fault> {
        const CONTEXT: Context = Context::Reauthentication;
        let authentication = Authentication { at, methods, context: Some(CONTEXT) };
        let AccessToken { token, expires_at } = self.0.access_token(account, session, generation, authentication)?;
        // As the token is read: it carries the time in whole seconds.
        let authenticated =
            Authenticated { at: Timestamp::from_timestamp(at.timestamp(), 0).unwrap_or(at), context: CONTEXT };
        let until = authenticated.fresh_until(self.0.settings.reauth_max_age).unwrap_or(at);
        Ok(Reauthenticated {
            access: token,
            expires_in: (expires_at - self.0.clock.now()).to_std().unwrap_or_default(),
            fresh_until: until.min(expires_at),
        })
    }
}
