//! Access tokens: JWTs in the profile of RFC 9068, issued and verified by the rules of RFC 8725.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Header, Validation, jwk::Jwk};
use serde::{Deserialize, Serialize};

use super::{
    access_token_verifier::{SignedIn, TokenRefused},
    authentication::{Authenticated, Authentication, Context},
    keyring::{KeySource, Keyring},
};
use domain::{
    Timestamp,
    account::Role,
    ids::{AccountId, SessionId},
};
use platform::{
    clock::{Clock, Entropy},
    config,
    fault::Fault,
    keys::Ids,
    secret::Secret,
};

/// The `typ` header. No other token of this service has it (RFC 9068, section 2.1).
const TOKEN_TYPE: &str = "at+jwt";
/// Maximum length of a token in bytes. Longer ones are rejected without parsing.
const MAX_TOKEN_LENGTH: usize = 4096;
/// Allowed clock skew between processes.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(60);

/// Issues and verifies access tokens. Cheap to clone.
#[derive(Clone)]
pub struct AccessTokens(Arc<State>);

struct State {
    keys: Keyring,
    issuer: String,
    audience: String,
    ttl: Duration,
    clock: Clock,
    entropy: Entropy,
}

/// An access token and its expiry.
#[derive(Clone, Debug)]
pub struct AccessToken {
    pub token: Secret,
    pub expires_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    sid: String,
    jti: String,
    iat: i64,
    exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    #[serde(rename = "type")]
    kind: String,
    username: String,
    role: String,
    /// When the user authenticated. Missing in tokens of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    /// Authentication methods (RFC 8176).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    amr: Vec<String>,
    /// Kind of authentication ([`Context`]). Missing if it does not count as a recent one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    acr: Option<String>,
    /// The generation of the refresh token that was issued with this token. Missing in tokens of earlier versions.
    #[serde(rename = "gen", default)]
    generation: i32,
}

/// The data that an access token is issued for.
#[derive(Clone, Debug)]
pub struct AccessGrant<'a> {
    pub account: &'a AccountId,
    pub username: &'a str,
    pub role: Role,
    pub session: &'a SessionId,
    pub session_ends: Timestamp,
    pub authentication: Authentication,
    /// The generation of the refresh token issued with it.
    pub generation: i32,
}

impl AccessTokens {
    /// # Errors
    /// The setting and what is wrong with it, for the operator.
    pub fn open(
        source: &KeySource,
        settings: &config::Session,
        clock: Clock,
        entropy: Entropy,
    ) -> Result<Self, String> {
        let keys = Keyring::open(source)?;
        let (issuer, audience) = (settings.issuer.clone(), settings.audience.clone());
        Ok(Self(Arc::new(State { keys, issuer, audience, ttl: settings.access_ttl, clock, entropy })))
    }

    /// Maximum lifetime of a token.
    pub fn ttl(&self) -> Duration {
        self.0.ttl
    }

    /// The public keys that verify tokens, for `/.well-known/jwks.json`.
    pub fn public_keys(&self) -> &[Jwk] {
        self.0.keys.public()
    }

    /// The ids of each key as they appear in tokens. The signing key comes first.
    pub fn key_ids(&self) -> &[Ids] {
        self.0.keys.ids()
    }

    /// Issues a token for a session. It never outlives the session.
    ///
    /// # Errors
    /// A fault if signing fails.
    pub fn issue(&self, grant: &AccessGrant<'_>) -> Result<AccessToken, Fault> {
        let State { keys, issuer, audience, ttl, clock, entropy } = &*self.0;
        let now = clock.now();
        let expires_at = (now + *ttl).min(grant.session_ends);
        let claims = Claims {
            iss: issuer.clone(),
            aud: audience.clone(),
            sub: grant.account.as_str().to_owned(),
            sid: grant.session.as_str().to_owned(),
            jti: URL_SAFE_NO_PAD.encode(entropy.bytes::<16>()),
            iat: now.timestamp(),
            exp: expires_at.timestamp(),
            nbf: None,
            kind: "access".to_owned(),
            username: grant.username.to_owned(),
            role: role_name(grant.role).to_owned(),
            auth_time: Some(grant.authentication.at.timestamp()),
            amr: grant.authentication.references(),
            acr: grant.authentication.context.map(|context| context.as_str().to_owned()),
            generation: grant.generation,
        };
        let header =
            Header { typ: Some(TOKEN_TYPE.to_owned()), kid: Some(keys.key_id.clone()), ..Header::new(keys.algorithm) };
        let token = jsonwebtoken::encode(&header, &claims, &keys.signing)
            .map_err(|error| Fault::internal(format!("signing an access token: {error}")))?;
        Ok(AccessToken { token: Secret::new(token), expires_at })
    }

    /// Verifies a token and returns the identity in it. The access token verifier checks for revocation.
    pub(super) fn verify(&self, token: &str) -> Result<SignedIn, TokenRefused> {
        let claims = self.claims(token).ok_or(TokenRefused)?;
        let now = self.0.clock.now();
        let timestamp = |seconds: i64| Timestamp::from_timestamp(seconds, 0).ok_or(TokenRefused);
        // If JWT_ACCESS_EXPIRES_IN was shortened, the lifetime of older tokens is cut too: revocations are kept only
        // that long.
        let expires_at = timestamp(claims.exp)?.min(timestamp(claims.iat)? + self.0.ttl);
        let valid_from = timestamp(claims.iat)?.max(timestamp(claims.nbf.unwrap_or(claims.iat))?);
        if expires_at <= now || valid_from > now + MAX_CLOCK_SKEW || claims.kind != "access" {
            return Err(TokenRefused);
        }
        Ok(SignedIn {
            account: AccountId::parse(&claims.sub).ok_or(TokenRefused)?,
            session: SessionId::parse(&claims.sid).ok_or(TokenRefused)?,
            role: parse_role(&claims.role).ok_or(TokenRefused)?,
            expires_at,
            authenticated: authenticated(&claims),
            generation: claims.generation,
        })
    }

    /// The claims of a token signed by one of the trusted keys, with the algorithm of that key.
    fn claims(&self, token: &str) -> Option<Claims> {
        let State { keys, issuer, audience, .. } = &*self.0;
        if token.len() > MAX_TOKEN_LENGTH {
            return None;
        }
        let header = jsonwebtoken::decode_header(token).ok()?;
        // A key embedded in the token is never trusted, and unknown critical extensions must be rejected (RFC 7515,
        // section 4.1.11).
        let has_embedded_key =
            header.jwk.is_some() || header.jku.is_some() || header.x5u.is_some() || header.x5c.is_some();
        if header.typ.as_deref() != Some(TOKEN_TYPE) || header.crit.is_some() || has_embedded_key {
            return None;
        }
        let (algorithm, key) = keys.trusted(header.kid.as_deref()?)?;
        let mut validation = Validation::new(*algorithm);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        // The library uses the system time. The caller checks the expiry with the service's clock.
        validation.validate_exp = false;
        Some(jsonwebtoken::decode::<Claims>(token, key, &validation).ok()?.claims)
    }
}

/// The authentication in the claims, if it counts as a recent one.
fn authenticated(claims: &Claims) -> Option<Authenticated> {
    let at = Timestamp::from_timestamp(claims.auth_time?, 0)?;
    Some(Authenticated { at, context: Context::parse(claims.acr.as_deref()?)? })
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::User => "USER",
        Role::Admin => "ADMIN",
    }
}

fn parse_role(name: &str) -> Option<Role> {
    [Role::User, Role::Admin].into_iter().find(|role| role_name(*role) == name)
}

#[cfg(test)]
mod tests;
