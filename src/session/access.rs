//! Access tokens: JWTs that say who is signed in (RFC 9068), made strictly and judged strictly (RFC 8725).

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Header, Validation, jwk::Jwk};
use serde::{Deserialize, Serialize};

use super::{
    authentication::{Authenticated, Authentication, Context},
    gate::{SignedIn, TokenRefused},
    keyring::{KeySource, Keyring},
};
use crate::{
    clock::{Clock, Entropy, Timestamp},
    config,
    fault::Fault,
    ids::{AccountId, SessionId},
    keys::Ids,
    secret::Secret,
    store::entity::account::Role,
};

/// What the header says it is: no other token of ours says so (RFC 9068, section 2.1).
const KIND: &str = "at+jwt";
/// Longer is none of ours, and not worth parsing.
const LONGEST: usize = 4096;
/// How far the clocks of our processes may be apart.
const SKEW: Duration = Duration::from_secs(60);

/// Makes and judges access tokens. Cheap to clone.
#[derive(Clone)]
pub struct AccessTokens(Arc<Inner>);

struct Inner {
    keys: Keyring,
    issuer: String,
    audience: String,
    ttl: Duration,
    clock: Clock,
    entropy: Entropy,
}

/// An access token, and when it ends.
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
    /// When the person authenticated. Missing in tokens of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    /// By what (RFC 8176).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    amr: Vec<String>,
    /// What kind of authentication it was ([`Context`]); missing where it does not count as a recent one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    acr: Option<String>,
    /// The generation of the refresh token that it was issued with. Missing in tokens of earlier versions.
    #[serde(rename = "gen", default)]
    generation: i32,
}

/// What an access token is issued for.
#[derive(Clone, Debug)]
pub struct AccessGrant<'a> {
    pub account: &'a AccountId,
    pub username: &'a str,
    pub role: Role,
    pub session: &'a SessionId,
    pub session_ends: Timestamp,
    pub authentication: Authentication,
    /// Of the refresh token beside it.
    pub generation: i32,
}

impl AccessTokens {
    /// # Errors
    /// The setting and what is wrong with it, in words for whoever configured it.
    pub fn open(
        source: &KeySource,
        settings: &config::Session,
        clock: Clock,
        entropy: Entropy,
    ) -> Result<Self, String> {
        let keys = Keyring::open(source)?;
        let (issuer, audience) = (settings.issuer.clone(), settings.audience.clone());
        Ok(Self(Arc::new(Inner { keys, issuer, audience, ttl: settings.access_ttl, clock, entropy })))
    }

    /// How long a token lives at most.
    pub fn ttl(&self) -> Duration {
        self.0.ttl
    }

    /// The public keys that check them, for `/.well-known/jwks.json`.
    pub fn public_keys(&self) -> &[Jwk] {
        self.0.keys.public()
    }

    /// For each key the ids that tokens name it by; the key that signs comes first.
    pub fn key_ids(&self) -> &[Ids] {
        self.0.keys.ids()
    }

    /// A token for a session. It never outlives the session.
    ///
    /// # Errors
    /// A fault when it can't be signed.
    pub fn issue(&self, grant: &AccessGrant<'_>) -> Result<AccessToken, Fault> {
        let Inner { keys, issuer, audience, ttl, clock, entropy } = &*self.0;
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
            Header { typ: Some(KIND.to_owned()), kid: Some(keys.key_id.clone()), ..Header::new(keys.algorithm) };
        let token = jsonwebtoken::encode(&header, &claims, &keys.signing)
            .map_err(|error| Fault::internal(format!("signing an access token: {error}")))?;
        Ok(AccessToken { token: Secret::new(token), expires_at })
    }

    /// Who a token says is signed in. Whether that was revoked since is the gate's to know.
    pub(super) fn judge(&self, token: &str) -> Result<SignedIn, TokenRefused> {
        let claims = self.claims(token).ok_or(TokenRefused)?;
        let now = self.0.clock.now();
        let instant = |seconds: i64| Timestamp::from_timestamp(seconds, 0).ok_or(TokenRefused);
        // Where JWT_ACCESS_EXPIRES_IN was shortened, older tokens end with it: what is revoked is remembered no longer.
        let expires_at = instant(claims.exp)?.min(instant(claims.iat)? + self.0.ttl);
        let valid_from = instant(claims.iat)?.max(instant(claims.nbf.unwrap_or(claims.iat))?);
        if expires_at <= now || valid_from > now + SKEW || claims.kind != "access" {
            return Err(TokenRefused);
        }
        Ok(SignedIn {
            account: AccountId::parse(&claims.sub).ok_or(TokenRefused)?,
            session: SessionId::parse(&claims.sid).ok_or(TokenRefused)?,
            role: named_role(&claims.role).ok_or(TokenRefused)?,
            expires_at,
            authenticated: authenticated(&claims),
            generation: claims.generation,
        })
    }

    /// The claims of a token that one of our keys signed for us, in the algorithm that the key is for.
    fn claims(&self, token: &str) -> Option<Claims> {
        let Inner { keys, issuer, audience, .. } = &*self.0;
        if token.len() > LONGEST {
            return None;
        }
        let header = jsonwebtoken::decode_header(token).ok()?;
        // A key that the token brings along is nobody's, and an extension that we do not know must be refused
        // (RFC 7515, section 4.1.11).
        let brings_a_key = header.jwk.is_some() || header.jku.is_some() || header.x5u.is_some() || header.x5c.is_some();
        if header.typ.as_deref() != Some(KIND) || header.crit.is_some() || brings_a_key {
            return None;
        }
        let (algorithm, key) = keys.trusted(header.kid.as_deref()?)?;
        let mut validation = Validation::new(*algorithm);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        // The library asks the system for the time; ours is handed in, and judged by the caller.
        validation.validate_exp = false;
        Some(jsonwebtoken::decode::<Claims>(token, key, &validation).ok()?.claims)
    }
}

/// The authentication that counts, if the token tells of one.
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

fn named_role(name: &str) -> Option<Role> {
    [Role::User, Role::Admin].into_iter().find(|role| role_name(*role) == name)
}

#[cfg(test)]
mod tests;
