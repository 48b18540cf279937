//! Starting a session: prepared before the transaction, written in it, tokens issued after the commit.

use std::time::Duration;

use super::{
    AccessGrant, AccessToken, Authentication, AuthenticationResult, Deps, IssuedRefreshToken, OpaqueToken, Sessions,
    authentication::stored,
};
use crate::delivery::{OutgoingMessage, notices};
use domain::{
    Timestamp,
    account::Account,
    caller::RequestInfo,
    ids::{DeliveryId, SessionId},
    notice::Notice,
    session::{KnownDevice, RefreshToken, Session, rules},
};
use platform::{fault::Fault, secret::Secret};
use store::Tx;

/// The client's device, as reported by the client.
#[derive(Clone, Debug, Default)]
pub struct Device {
    /// Name in the user's list of devices; at most 100 characters, truncated by the API layer.
    pub name: Option<String>,
    /// The device token from an earlier sign-in.
    pub token: Option<OpaqueToken>,
    /// Whether another host of the domain may have set the cookie with the token. Such a token is used only for an
    /// account that already knows it: otherwise the other host would know a device token of that account.
    pub is_untrusted: bool,
    /// The cookie slot for the refresh token, in cookie mode.
    pub cookie_slot: i32,
}

/// A session to be created. Slow and random steps are done; only the writes remain.
pub struct PendingSession {
    session: Session,
    refresh: IssuedRefreshToken,
    sent: Option<OpaqueToken>,
    sent_is_untrusted: bool,
    new_token: OpaqueToken,
    /// Notices to the account's contacts if the device is new.
    notices_to_send: Vec<OutgoingMessage>,
}

/// A session that was written.
pub struct NewSession {
    pub session: Session,
    refresh: IssuedRefreshToken,
    device: OpaqueToken,
    notices_to_send: Vec<DeliveryId>,
}

/// The tokens returned by a sign-in or a refresh.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub session: SessionId,
    pub access: Secret,
    /// Lifetime of the access token.
    pub expires_in: Duration,
    pub refresh: Secret,
    /// The cookie slot of the refresh token, in cookie mode.
    pub cookie_slot: i32,
    /// When the refresh token expires if it is not used.
    pub refresh_expires_at: Timestamp,
    /// The device token of the client. None at a refresh.
    pub device: Option<Secret>,
}

impl Sessions {
    /// Prepares a session of an account. `announced`: the account's contacts are notified of a new device.
    pub fn prepare(&self, caller: &RequestInfo, account: &Account, device: Device, announced: bool) -> PendingSession {
        let Deps { entropy, settings, clock, .. } = &*self.0;
        let now = clock.now();
        let session = Session {
            id: SessionId::new(entropy),
            account_id: account.id.clone(),
            device_name: device.name,
            user_agent: caller.user_agent.as_deref().map(str::to_owned),
            ip_address: Some(caller.address.ip().to_string()),
            created_at: now,
            last_used_at: now,
            expires_at: rules::expires_at(now, now, settings.refresh_ttl, settings.max_age),
            ended_at: None,
            authenticated_at: Some(now),
            // Set in the transaction that writes the session, after the check.
            authentication_methods: None,
            authentication_counts: false,
            refresh_generation: 0,
            seen_generation: 0,
            device_hash: None,
        };
        let notice = Notice::NewDevice { device: session.device_name.clone() };
        let notices_to_send = match announced && settings.notify_new_device {
            true => notices::to_all_contacts(account, &notice, entropy, now),
            false => Vec::new(),
        };
        PendingSession {
            session,
            refresh: IssuedRefreshToken {
                token: OpaqueToken::new(entropy),
                generation: 0,
                cookie_slot: device.cookie_slot,
            },
            sent: device.token,
            sent_is_untrusted: device.is_untrusted,
            new_token: OpaqueToken::new(entropy),
            notices_to_send,
        }
    }

    /// Issues the tokens of a committed session, and dispatches the notices to its account.
    ///
    /// # Errors
    /// A fault if a token cannot be signed.
    pub fn issue_tokens(&self, account: &Account, opened: &NewSession) -> Result<Tokens, Fault> {
        for notice in &opened.notices_to_send {
            self.0.outbox.dispatch(notice.clone());
        }
        let tokens = self.0.tokens(account, &opened.session, &opened.refresh)?;
        Ok(Tokens { device: Some(opened.device.secret().clone()), ..tokens })
    }
}

impl PendingSession {
    /// The id of the session.
    pub fn session(&self) -> &SessionId {
        &self.session.id
    }

    /// Excludes the contact that received the sign-in code from the new-device notice: an attacker who reads that
    /// contact's messages would read the notice too. If the account has no other contact, nothing is excluded.
    #[must_use]
    pub fn exclude_from_notice(self, contact_key: &str) -> Self {
        let is_other = |message: &OutgoingMessage| message.to.key() != contact_key;
        match self.notices_to_send.iter().any(is_other) {
            true => Self { notices_to_send: self.notices_to_send.into_iter().filter(is_other).collect(), ..self },
            false => self,
        }
    }

    /// Writes the session, its first refresh token, and the device. The caller has locked the account and checked that
    /// it may be used; `used` is how the user authenticated.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn write(self, tx: &Tx, used: AuthenticationResult) -> Result<NewSession, Fault> {
        let PendingSession { mut session, refresh, sent, sent_is_untrusted, new_token, notices_to_send } = self;
        session.authentication_methods = stored(&used.methods);
        session.authentication_counts = used.is_established;
        let (account, now) = (&session.account_id, session.created_at);
        let known = match &sent {
            Some(token) => tx.record_device_use(&token.hash(), account, now).await?,
            None => false,
        };
        let sent = sent.filter(|_| known || !sent_is_untrusted);
        // A token that another account of this device has is genuine, and can be shared with this account. It is no
        // evidence that the device has signed in to this account.
        let shared = match &sent {
            Some(token) if !known => tx.may_share_device(&token.hash(), account).await?,
            _ => false,
        };
        // A token that names no device was removed, so the client is not recognised by browser and address either.
        let forgotten = sent.is_some() && !known && !shared;
        // A client without a device token is recognised by browser and address; otherwise each of its sign-ins would
        // cause a notice. Checked before the device is written, so that this sign-in is not taken for an earlier one.
        let (browser, address) = (session.user_agent.as_deref(), session.ip_address.as_deref());
        let recognised = known || (!forgotten && tx.has_similar_session(account, browser, address).await?);
        let notices_to_send = if recognised { Vec::new() } else { notices_to_send };
        let device = sent.filter(|_| known || shared).unwrap_or(new_token);
        if !known {
            let token_hash = device.hash();
            let row = KnownDevice { token_hash, account_id: account.clone(), created_at: now, last_used_at: now };
            tx.insert_device(row).await?;
        }
        let session = Session { device_hash: Some(device.hash()), ..session };
        tx.insert_session(session.clone()).await?;
        let first = RefreshToken {
            cookie_slot: refresh.cookie_slot,
            ..RefreshToken::first(refresh.token.hash(), session.id.clone(), now)
        };
        tx.insert_refresh_token(first).await?;
        let notices_to_send = notices::enqueue(tx, &session.account_id, notices_to_send, now).await?;
        Ok(NewSession { session, refresh, device, notices_to_send })
    }
}

impl Deps {
    pub(super) fn tokens(
        &self,
        account: &Account,
        session: &Session,
        refresh: &IssuedRefreshToken,
    ) -> Result<Tokens, Fault> {
        let AccessToken { token, expires_at } =
            self.access_token(account, session, refresh.generation, Authentication::of_session(session))?;
        Ok(Tokens {
            session: session.id.clone(),
            access: token,
            expires_in: (expires_at - self.clock.now()).to_std().unwrap_or_default(),
            refresh: refresh.token.secret().clone(),
            cookie_slot: refresh.cookie_slot,
            refresh_expires_at: session.expires_at,
            device: None,
        })
    }

    pub(super) fn access_token(
        &self,
        account: &Account,
        session: &Session,
        generation: i32,
        authentication: Authentication,
    ) -> Result<AccessToken, Fault> {
        self.access.issue(&AccessGrant {
            account: &account.id,
            username: &account.username,
            role: account.role,
            session: &session.id,
            session_ends: session.expires_at,
            generation,
            authentication,
        })
    }
}
