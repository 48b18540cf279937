//! The refresh tokens that a request carries, and which of them is exchanged.
//!
//! In cookie mode a request may carry several: a late answer left the cookie of an older token, or of a session that is
//! over, beside the newest one; or another host of the domain set one. Tokens of sessions that are over are passed over.
//! Where the others are of one session, the one in the highest slot is the newest. Where they are of several, one of the
//! sessions may be an attacker's (login CSRF), so none is exchanged.

use std::collections::{HashMap, HashSet};

use super::{
    Opaque, RefreshRejection,
    rules::{self, Standing},
};
use crate::{
    fault::Fault,
    store::{
        Tx,
        entity::{refresh_token, session},
    },
};
use domain::{Timestamp, ids::SessionId};

/// The highest slot of a cookie. Cookies with a higher one are not read: a client chose it.
pub const MAX_COOKIE_SLOT: i32 = 1_000_000;

/// A refresh token that a request carries.
#[derive(Clone, Debug)]
pub struct Offered {
    pub token: Opaque,
    /// The slot of its cookie.
    pub slot: i32,
    /// Whether its cookie is one of an earlier version, under a name that any host of the domain can set. It counts only
    /// where an earlier version began the session and issued the token.
    pub of_earlier_version: bool,
}

/// The refresh tokens that a request carries: one that is an argument, or those in cookies.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The one that is newest by its name comes first.
    pub tokens: Vec<Offered>,
    /// The highest slot of a cookie, also of one that holds no token.
    pub highest_slot: i32,
}

/// The token that is exchanged.
pub(super) struct Chosen {
    pub token: Opaque,
    /// The lowest slot for the cookie of a new token.
    pub least_slot: i32,
}

impl Offer {
    /// A token that is no cookie.
    pub fn of(token: Opaque) -> Self {
        Self { tokens: vec![Offered { token, slot: 0, of_earlier_version: false }], highest_slot: 0 }
    }

    /// The token to be exchanged. Where all sessions are over it is the first one, which is refused for its own reason.
    pub(super) async fn choose(&self, tx: &Tx, now: Timestamp) -> Result<Result<Chosen, RefreshRejection>, Fault> {
        if let [only] = self.tokens.as_slice()
            && !only.of_earlier_version
        {
            return Ok(Ok(self.chosen(only)));
        }
        let known = Known::read(tx, &self.tokens).await?;
        let counting: Vec<_> = self.tokens.iter().filter(|offered| known.counts(offered)).collect();
        let live: Vec<_> = counting
            .iter()
            .filter_map(|offered| Some((*offered, known.session(offered)?)))
            .filter(|(_, session)| rules::standing(session, now) == Standing::Live)
            .collect();
        let sessions: HashSet<_> = live.iter().map(|(_, session)| &session.id).collect();
        if sessions.len() > 1 {
            return Ok(Err(RefreshRejection::Ambiguous));
        }
        let first = live.first().map(|(offered, _)| *offered).or(counting.first().copied());
        Ok(first.map(|offered| self.chosen(offered)).ok_or(RefreshRejection::Unknown))
    }

    /// A cookie in a higher slot is of a session that is over, and would hide the new token. A copy of the answer that
    /// set it may still be under way, so the new token does not take its name either.
    fn chosen(&self, offered: &Offered) -> Chosen {
        let least_slot = if self.highest_slot > offered.slot { self.highest_slot.saturating_add(1) } else { 0 };
        Chosen { token: offered.token.clone(), least_slot }
    }
}

/// What the store has of the tokens that were offered.
struct Known {
    tokens: HashMap<String, refresh_token::Model>,
    sessions: HashMap<SessionId, session::Model>,
}

impl Known {
    async fn read(tx: &Tx, offered: &[Offered]) -> Result<Self, Fault> {
        let tokens = tx.refresh_tokens(offered.iter().map(|offered| offered.token.hash())).await?;
        let sessions = tx.sessions(tokens.iter().map(|row| &row.session_id)).await?;
        Ok(Self {
            tokens: tokens.into_iter().map(|row| (row.token_hash.clone(), row)).collect(),
            sessions: sessions.into_iter().map(|row| (row.id.clone(), row)).collect(),
        })
    }

    fn session(&self, offered: &Offered) -> Option<&session::Model> {
        self.sessions.get(&self.tokens.get(&offered.token.hash())?.session_id)
    }

    fn counts(&self, offered: &Offered) -> bool {
        let is_earlier = || {
            let issued = self.tokens.get(&offered.token.hash()).is_some_and(|row| row.generation == 0);
            // The migration gave the sessions of that time a time of authentication, and no methods: they were not known.
            issued && self.session(offered).is_some_and(|session| session.authentication_methods.is_none())
        };
        !offered.of_earlier_version || is_earlier()
    }
}
