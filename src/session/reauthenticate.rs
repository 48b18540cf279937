//! Access tokens after a reauthentication.

use std::time::Duration;

use super::{AccessToken, Authenticated, Authentication, Context, Method, Sessions, access_token_verifier::SignedIn};
use domain::{Timestamp, account::Account, session::Session};
use platform::{fault::Fault, secret::Secret};

/// An access token with a fresh authentication. The session and its refresh token keep the earlier one.
#[derive(Clone, Debug)]
pub struct Reauthenticated {
    pub access: Secret,
    /// Lifetime of the token.
    pub expires_in: Duration,
    /// When the authentication stops counting as recent, at most the expiry of the token.
    pub fresh_until: Timestamp,
}

impl Sessions {
    /// Whether the authentication behind a token counts as recent now.
    pub fn is_recently_authenticated(&self, signed_in: &SignedIn) -> bool {
        let until = signed_in
            .authenticated
            .and_then(|authenticated| authenticated.recent_until(self.0.settings.reauth_max_age));
        until.is_some_and(|until| self.0.clock.now() < until)
    }

    /// Issues the access token after a reauthentication at `at` that counts. `generation` is that of the request's
    /// access token: a newer refresh token may never have arrived.
    ///
    /// # Errors
    /// A fault if the token cannot be signed.
    pub fn reauthenticated(
        &self,
        account: &Account,
        session: &Session,
        generation: i32,
        methods: Vec<Method>,
        at: Timestamp,
    ) -> Result<Reauthenticated, Fault> {
        const CONTEXT: Context = Context::Reauthentication;
        let authentication = Authentication { at, methods, context: Some(CONTEXT) };
        let AccessToken { token, expires_at } = self.0.access_token(account, session, generation, authentication)?;
        // Same rounding as in the token, which has whole seconds.
        let authenticated =
            Authenticated { at: Timestamp::from_timestamp(at.timestamp(), 0).unwrap_or(at), context: CONTEXT };
        let until = authenticated.recent_until(self.0.settings.reauth_max_age).unwrap_or(at);
        Ok(Reauthenticated {
            access: token,
            expires_in: (expires_at - self.0.clock.now()).to_std().unwrap_or_default(),
            fresh_until: until.min(expires_at),
        })
    }
}
