//! Beginning a session: prepared before a transaction, written in it, welcomed after it.

use std::time::Duration;

use super::{
    AccessGrant, AccessToken, Authentication, Issued, Opaque, Parts, Sessions, Used, authentication::stored, rules,
};
use crate::{
    caller::Caller,
    clock::Timestamp,
    delivery::{Notice, Order, notices},
    fault::Fault,
    ids::{DeliveryId, SessionId},
    secret::Secret,
    store::{
        Tx,
        entity::{account, device, refresh_token, session},
    },
};

/// The device that somebody signs in with, as it says itself.
#[derive(Clone, Debug, Default)]
pub struct Device {
    /// For the person's own list of devices; at most 100 characters, the edge cuts it.
    pub name: Option<String>,
    /// What it was known by when it signed in before.
    pub token: Option<Opaque>,
    /// Whether another host of the domain may have set the cookie that holds the token. Such a token is used only for an
    /// account that knows it already: else whoever set it would have a device of an account that is not theirs.
    pub may_be_planted: bool,
    /// Which cookie name its refresh token goes to, in cookie mode.
    pub cookie_slot: i32,
}

/// A session about to begin. Everything that takes time or chance is done; what is left is writing.
pub struct Opening {
    session: session::Model,
    refresh: Issued,
    sent: Option<Opaque>,
    sent_may_be_planted: bool,
    fresh: Opaque,
    /// What the account's contacts are told if the device is a new one.
    news: Vec<Order>,
}

/// A session that was written.
pub struct Opened {
    pub session: session::Model,
    refresh: Issued,
    device: Opaque,
    news: Vec<DeliveryId>,
}

/// What a sign-in or a refresh answers.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub session: SessionId,
    pub access: Secret,
    /// How long the access token lives.
    pub expires_in: Duration,
    pub refresh: Secret,
    /// Which cookie name it goes to, in cookie mode.
    pub cookie_slot: i32,
    /// When the refresh token dies unused.
    pub refresh_expires_at: Timestamp,
    /// What the device is known by from now on; none at a refresh.
    pub device: Option<Secret>,
}

impl Sessions {
    /// Prepares a session of an account. `announced`: a new device is told to the account's contacts.
    pub fn prepare(&self, caller: &Caller, account: &account::Model, device: Device, announced: bool) -> Opening {
        let Parts { entropy, settings, clock, .. } = &*self.0;
        let now = clock.now();
        let session = session::Model {
            id: SessionId::new(entropy),
            account_id: account.id.clone(),
            device_name: device.name,
            user_agent: caller.user_agent.as_deref().map(str::to_owned),
            ip_address: Some(caller.address.ip().to_string()),
            created_at: now,
            last_used_at: now,
            expires_at: rules::expires_at(now, now, settings),
            ended_at: None,
            authenticated_at: Some(now),
            // Known once it was checked, in the transaction that writes the session.
            authentication_methods: None,
            authentication_counts: false,
            refresh_generation: 0,
            seen_generation: 0,
            device_hash: None,
        };
        let notice = Notice::NewDevice { device: session.device_name.clone() };
        let news = match announced && settings.notify_new_device {
            true => notices::to_all(account, &notice, entropy, now),
            false => Vec::new(),
        };
        Opening {
            session,
            refresh: Issued { token: Opaque::new(entropy), generation: 0, cookie_slot: device.cookie_slot },
            sent: device.token,
            sent_may_be_planted: device.may_be_planted,
            fresh: Opaque::new(entropy),
            news,
        }
    }

    /// The tokens of a session that was written and committed. Sends what its account's contact is told.
    ///
    /// # Errors
    /// A fault when a token can't be signed.
    pub fn welcome(&self, account: &account::Model, opened: &Opened) -> Result<Tokens, Fault> {
        for notice in &opened.news {
            self.0.outbox.dispatch(notice.clone());
        }
        let tokens = self.0.tokens(account, &opened.session, &opened.refresh)?;
        Ok(Tokens { device: Some(opened.device.secret().clone()), ..tokens })
    }
}

impl Opening {
    /// Whose session it will be.
    pub fn session(&self) -> &SessionId {
        &self.session.id
    }

    /// The same, begun by a code to this contact: whoever reads its messages gains nothing from telling them of the
    /// device, so the account's other contacts are told, where there are any.
    #[must_use]
    pub fn by_code_to(self, contact_key: &str) -> Self {
        let is_other = |order: &Order| order.to.key() != contact_key;
        match self.news.iter().any(is_other) {
            true => Self { news: self.news.into_iter().filter(is_other).collect(), ..self },
            false => self,
        }
    }

    /// Writes the session, its first refresh token, and the device. The account is locked by whoever calls, and may be
    /// used; `used` is what its holder authenticated with.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn write(self, tx: &Tx, used: Used) -> Result<Opened, Fault> {
        let Opening { mut session, refresh, sent, sent_may_be_planted, fresh, news } = self;
        session.authentication_methods = stored(&used.methods);
        session.authentication_counts = used.counts;
        let (account, now) = (&session.account_id, session.created_at);
        let known = match &sent {
            Some(token) => tx.use_device(&token.hash(), account, now).await?,
            None => false,
        };
        let sent = sent.filter(|_| known || !sent_may_be_planted);
        // A token that another account of this device knows is ours, and good for this one as well. It is no evidence
        // that the device signed in to this account.
        let shared = match &sent {
            Some(token) if !known => tx.may_share_device(&token.hash(), account).await?,
            _ => false,
        };
        // A token that names no device was forgotten: the client that sends it is not known by anything else either.
        let forgotten = sent.is_some() && !known && !shared;
        // A client that keeps no device token is known by its browser and address, or each sign-in would be news. Before
        // the device is written: what this sign-in writes says nothing of earlier ones.
        let (browser, address) = (session.user_agent.as_deref(), session.ip_address.as_deref());
        let seen = known || (!forgotten && tx.signed_in_like(account, browser, address).await?);
        let news = if seen { Vec::new() } else { news };
        let device = sent.filter(|_| known || shared).unwrap_or(fresh);
        if !known {
            let token_hash = device.hash();
            let row = device::Model { token_hash, account_id: account.clone(), created_at: now, last_used_at: now };
            tx.insert_device(row).await?;
        }
        let session = session::Model { device_hash: Some(device.hash()), ..session };
        tx.insert_session(session.clone()).await?;
        let first = refresh_token::Model {
            cookie_slot: refresh.cookie_slot,
            ..refresh_token::Model::first(refresh.token.hash(), session.id.clone(), now)
        };
        tx.insert_refresh_token(first).await?;
        let news = notices::owe(tx, &session.account_id, news, now).await?;
        Ok(Opened { session, refresh, device, news })
    }
}

impl Parts {
    pub(super) fn tokens(
        &self,
        account: &account::Model,
        session: &session::Model,
        refresh: &Issued,
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
        account: &account::Model,
        session: &session::Model,
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
