//! How and when a user authenticated: stored with the session, carried by access tokens.
//!
//! An operation that decides who owns an account needs a recent authentication (invariant 8). Whether an authentication
//! counts is decided when it happens, in the transaction that checks it, and is carried by the token. The decision
//! stays valid: what was used is older than the oldest contact change that could be undone then, so it is also older
//! than any that can be undone later.

use std::{collections::BTreeSet, time::Duration};

use domain::{Timestamp, channel::Channel, session::Session};

/// An authentication method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    Password,
    SmsCode,
    VoiceCode,
    EmailCode,
}

impl Method {
    const ALL: [Self; 4] = [Self::Password, Self::SmsCode, Self::VoiceCode, Self::EmailCode];

    /// The method of a code that was sent through this channel.
    pub fn from_channel(channel: Channel) -> Self {
        match channel {
            Channel::Sms => Self::SmsCode,
            Channel::Voice => Self::VoiceCode,
            Channel::Email => Self::EmailCode,
        }
    }

    /// The stored name.
    fn as_str(self) -> &'static str {
        match self {
            Self::Password => "PASSWORD",
            Self::SmsCode => "SMS_CODE",
            Self::VoiceCode => "VOICE_CODE",
            Self::EmailCode => "EMAIL_CODE",
        }
    }

    /// The values in the `amr` claim (RFC 8176).
    fn amr(self) -> &'static [&'static str] {
        match self {
            Self::Password => &["pwd"],
            Self::SmsCode => &["sms", "otp"],
            Self::VoiceCode => &["tel", "otp"],
            Self::EmailCode => &["otp"],
        }
    }
}

/// Kind of authentication behind a token, as its `acr` claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// A sign-in or a sign-up.
    SignIn,
    /// `reauthenticate` by a signed-in user.
    Reauthentication,
}

impl Context {
    /// The value of the claim.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Reauthentication => "reauthentication",
        }
    }

    /// Parses the claim. None: an authentication that does not count.
    pub fn parse(claim: &str) -> Option<Self> {
        [Self::SignIn, Self::Reauthentication].into_iter().find(|context| context.as_str() == claim)
    }
}

/// An authentication event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authentication {
    pub at: Timestamp,
    pub methods: Vec<Method>,
    /// None: it does not count as a recent one, because it used something that the account has had for too short a
    /// time, or because the methods are not known.
    pub context: Option<Context>,
}

impl Authentication {
    /// The authentication that started a session.
    pub fn of_session(session: &Session) -> Self {
        Self {
            at: session.authenticated_at.unwrap_or(session.created_at),
            methods: read(session.authentication_methods.as_deref().unwrap_or_default()),
            context: session.authentication_counts.then_some(Context::SignIn),
        }
    }

    /// The value of the `amr` claim.
    pub fn references(&self) -> Vec<String> {
        let all: BTreeSet<_> = self.methods.iter().flat_map(|method| method.amr()).collect();
        all.into_iter().map(|reference| (*reference).to_owned()).collect()
    }
}

/// Methods as stored in a session row.
pub fn stored(methods: &[Method]) -> Option<String> {
    let names: Vec<_> = methods.iter().map(|method| method.as_str()).collect();
    (!names.is_empty()).then(|| names.join(" "))
}

/// Parses stored methods. Unknown methods are skipped.
fn read(stored: &str) -> Vec<Method> {
    let named = |name: &str| Method::ALL.into_iter().find(|method| method.as_str() == name);
    stored.split_whitespace().filter_map(named).collect()
}

/// The methods a user authenticated with, and whether that counts as a recent authentication of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticationResult {
    pub methods: Vec<Method>,
    pub is_established: bool,
}

/// The authentication carried by an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authenticated {
    /// The `auth_time` claim: whole seconds.
    pub at: Timestamp,
    pub context: Context,
}

/// How long `reauthenticate` counts if sign-ins never count (`REAUTH_MAX_AGE=0s`).
pub const REAUTHENTICATION_WINDOW: Duration = Duration::from_secs(10 * 60);

impl Authenticated {
    /// When it stops counting as recent. None: it never counts.
    pub fn recent_until(self, max_age: Duration) -> Option<Timestamp> {
        let window = match (self.context, max_age.is_zero()) {
            (Context::SignIn, true) => return None,
            (Context::Reauthentication, true) => REAUTHENTICATION_WINDOW,
            (Context::SignIn | Context::Reauthentication, false) => max_age,
        };
        Some(self.at + window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_methods_round_trip() {
        for methods in [vec![], vec![Method::Password], Method::ALL.to_vec()] {
            assert_eq!(read(&stored(&methods).unwrap_or_default()), methods);
        }
        assert_eq!(read("PASSWORD PASSKEY"), [Method::Password]);
    }

    #[test]
    fn references_match_rfc_8176() {
        let amr = |methods: &[Method]| {
            let at = Timestamp::UNIX_EPOCH;
            Authentication { at, methods: methods.to_vec(), context: None }.references()
        };
        assert_eq!(amr(&[Method::Password]), ["pwd"]);
        assert_eq!(amr(&[Method::SmsCode]), ["otp", "sms"]);
        assert_eq!(amr(&[Method::VoiceCode]), ["otp", "tel"]);
        assert_eq!(amr(&[Method::EmailCode]), ["otp"]);
        assert_eq!(amr(&[Method::Password, Method::SmsCode, Method::EmailCode]), ["otp", "pwd", "sms"]);
    }

    #[test]
    fn max_age_of_zero_disables_sign_in_but_not_reauthentication() {
        let at = Timestamp::UNIX_EPOCH;
        let until = |context, seconds| Authenticated { at, context }.recent_until(Duration::from_secs(seconds));
        assert_eq!(until(Context::SignIn, 600), Some(at + Duration::from_secs(600)));
        assert_eq!(until(Context::Reauthentication, 60), Some(at + Duration::from_secs(60)));
        assert_eq!(until(Context::SignIn, 0), None);
        assert_eq!(until(Context::Reauthentication, 0), Some(at + REAUTHENTICATION_WINDOW));
    }
}
