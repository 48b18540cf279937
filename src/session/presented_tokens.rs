//! The refresh tokens in a request, and the choice of the one to exchange.
//!
//! In cookie mode a request may carry several: a late response set the cookie of an older token, or of a session that
//! has ended, in addition to the newest one; or another host of the domain set one. Tokens of ended sessions are
//! ignored. If the others belong to one session, the one in the highest slot is the newest. If they belong to several,
//! one of the sessions may be an attacker's (login CSRF), so none is exchanged.

use std::collections::{HashMap, HashSet};

use super::{OpaqueToken, RefreshRejection};
use domain::{
    Timestamp,
    ids::SessionId,
    session::{
        RefreshToken, Session,
        rules::{self, EffectiveStatus},
    },
};
use platform::fault::Fault;
use store::Tx;

/// The highest cookie slot. Cookies with a higher one are ignored: the slot is chosen by the client.
pub const MAX_COOKIE_SLOT: i32 = 1_000_000;

/// A refresh token in a request.
#[derive(Clone, Debug)]
pub struct PresentedToken {
    pub token: OpaqueToken,
    /// The slot of its cookie.
    pub slot: i32,
    /// Whether it was in a cookie of an earlier version, whose name any host of the domain can set. It counts only if
    /// an earlier version started the session and issued the token.
    pub is_legacy: bool,
}

/// The refresh tokens of a request: one from an argument, or those from cookies.
#[derive(Clone, Debug)]
pub struct PresentedTokens {
    /// Sorted by cookie slot, highest first.
    pub tokens: Vec<PresentedToken>,
    /// The highest slot of any cookie, also of one without a valid token.
    pub highest_slot: i32,
}

/// The token to exchange.
pub(super) struct SelectedToken {
    pub token: OpaqueToken,
    /// The lowest slot for the cookie of a new token.
    pub min_slot: i32,
}

impl PresentedTokens {
    /// A token from an argument.
    pub fn of(token: OpaqueToken) -> Self {
        Self { tokens: vec![PresentedToken { token, slot: 0, is_legacy: false }], highest_slot: 0 }
    }

    /// Chooses the token to exchange. If all sessions have ended, the first token is chosen, and rejected for its own
    /// reason.
    pub(super) async fn select(
        &self,
        tx: &Tx,
        now: Timestamp,
    ) -> Result<Result<SelectedToken, RefreshRejection>, Fault> {
        if let [only] = self.tokens.as_slice()
            && !only.is_legacy
        {
            return Ok(Ok(self.selected(only)));
        }
        let stored = Stored::read(tx, &self.tokens).await?;
        let usable: Vec<_> = self.tokens.iter().filter(|offered| stored.counts(offered)).collect();
        let live: Vec<_> = usable
            .iter()
            .filter_map(|offered| Some((*offered, stored.session(offered)?)))
            .filter(|(_, session)| rules::effective_status(session, now) == EffectiveStatus::Live)
            .collect();
        let sessions: HashSet<_> = live.iter().map(|(_, session)| &session.id).collect();
        if sessions.len() > 1 {
            return Ok(Err(RefreshRejection::Ambiguous));
        }
        let first = live.first().map(|(offered, _)| *offered).or(usable.first().copied());
        Ok(first.map(|offered| self.selected(offered)).ok_or(RefreshRejection::Unknown))
    }

    /// A cookie in a higher slot belongs to an ended session and would take precedence over the new token, so the new
    /// token gets a higher slot still. It does not reuse that slot: a copy of the response that set the cookie may
    /// still be under way.
    fn selected(&self, offered: &PresentedToken) -> SelectedToken {
        let least_slot = if self.highest_slot > offered.slot { self.highest_slot.saturating_add(1) } else { 0 };
        SelectedToken { token: offered.token.clone(), min_slot: least_slot }
    }
}

/// The stored tokens and sessions of an offer.
struct Stored {
    tokens: HashMap<String, RefreshToken>,
    sessions: HashMap<SessionId, Session>,
}

impl Stored {
    async fn read(tx: &Tx, offered: &[PresentedToken]) -> Result<Self, Fault> {
        let tokens = tx.refresh_tokens(offered.iter().map(|offered| offered.token.hash())).await?;
        let sessions = tx.sessions(tokens.iter().map(|row| &row.session_id)).await?;
        Ok(Self {
            tokens: tokens.into_iter().map(|row| (row.token_hash.clone(), row)).collect(),
            sessions: sessions.into_iter().map(|row| (row.id.clone(), row)).collect(),
        })
    }

    fn session(&self, offered: &PresentedToken) -> Option<&Session> {
        self.sessions.get(&self.tokens.get(&offered.token.hash())?.session_id)
    }

    fn counts(&self, offered: &PresentedToken) -> bool {
        let is_from_earlier_version = || {
            let issued = self.tokens.get(&offered.token.hash()).is_some_and(|row| row.generation == 0);
            // The migration gave the sessions of that time a time of authentication, and no methods: they were not known.
            issued && self.session(offered).is_some_and(|session| session.authentication_methods.is_none())
        };
        !offered.is_legacy || is_from_earlier_version()
    }
}
