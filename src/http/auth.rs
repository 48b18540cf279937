//! Authentication by access tokens. Tokens of sockets and streams are checked again while these are open.

use std::sync::Arc;

use graphql_http::BearerToken;
use tokio::sync::watch;

use crate::session::access_token_verifier::{AccessTokenVerifier, SignedIn, TokenRefused};
use domain::Timestamp;
use platform::clock::Clock;

/// Verifies access tokens: the access token verifier, or a test double.
pub trait Authenticator: Send + Sync {
    /// Verifies the token. Does no I/O.
    ///
    /// # Errors
    /// [`TokenRefused`] unless the token is a valid access token of this service.
    fn authenticate(&self, bearer: &str) -> Result<SignedIn, TokenRefused>;

    /// Changes whenever a session was revoked.
    fn revocations(&self) -> watch::Receiver<u64>;
}

impl Authenticator for AccessTokenVerifier {
    fn authenticate(&self, bearer: &str) -> Result<SignedIn, TokenRefused> {
        AccessTokenVerifier::authenticate(self, bearer)
    }

    fn revocations(&self) -> watch::Receiver<u64> {
        AccessTokenVerifier::revocations(self)
    }
}

/// Completes when a token is no longer valid.
pub async fn until_invalid(
    authenticator: Arc<dyn Authenticator>,
    clock: Clock,
    token: BearerToken,
    expires_at: Timestamp,
) {
    let mut revocations = authenticator.revocations();
    let revoked = async {
        // Checked once more first: a revocation may have happened between opening and watching.
        while authenticator.authenticate(token.expose()).is_ok() {
            if revocations.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = revoked => {}
        () = clock.sleep_until(expires_at) => {}
    }
}
