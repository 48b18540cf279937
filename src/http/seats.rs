//! How many sockets and streams one client address, and one account, may hold open at once.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{config::http::Http, session::gate::Auth};
use domain::{caller::ClientAddress, ids::AccountId};

/// The seats of everybody.
#[derive(Clone, Debug)]
pub struct Seats {
    /// By address (IPv6: by /64).
    addresses: Row<IpAddr>,
    accounts: Row<AccountId>,
}

/// Which of the two holds as many as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    Address,
    Account,
}

/// Counts what is open by whom it belongs to. Whoever has nothing open is not remembered.
#[derive(Clone, Debug)]
struct Row<K> {
    most: usize,
    taken: Arc<Mutex<HashMap<K, usize>>>,
}

/// One open socket or stream; dropped when it ends.
#[derive(Debug)]
pub struct Seat<K: Eq + Hash> {
    owner: K,
    taken: Arc<Mutex<HashMap<K, usize>>>,
}

pub type AddressSeat = Seat<IpAddr>;
pub type AccountSeat = Seat<AccountId>;

impl Seats {
    pub fn new(settings: &Http) -> Self {
        Self { addresses: Row::new(settings.sockets_per_address), accounts: Row::new(settings.sockets_per_account) }
    }

    /// A seat for one more socket or stream from this address.
    ///
    /// # Errors
    /// [`Full`] where the address holds as many as it may.
    pub fn at(&self, address: ClientAddress) -> Result<AddressSeat, Full> {
        self.addresses.take(address.network()).ok_or(Full::Address)
    }

    /// A seat for one more socket or stream of whoever is signed in; nobody needs none.
    ///
    /// # Errors
    /// [`Full`] where the account holds as many as it may.
    pub fn of(&self, auth: &Auth) -> Result<Option<AccountSeat>, Full> {
        match auth {
            Auth::SignedIn(signed_in) => self.accounts.take(signed_in.account.clone()).map(Some).ok_or(Full::Account),
            Auth::Anonymous | Auth::Refused => Ok(None),
        }
    }
}

impl<K: Clone + Eq + Hash> Row<K> {
    fn new(most: usize) -> Self {
        Self { most, taken: Arc::default() }
    }

    fn take(&self, owner: K) -> Option<Seat<K>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(owner.clone()).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Seat { owner, taken: self.taken.clone() })
    }
}

impl<K: Eq + Hash> Drop for Seat<K> {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.owner) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> IpAddr {
        ClientAddress::new(text.parse().unwrap()).network()
    }

    #[test]
    fn sb_08_everybody_has_their_seats_and_gets_them_back() {
        let row = Row::new(2);
        let first = row.take(network("192.0.2.1"));
        let _second = row.take(network("::ffff:192.0.2.1")).unwrap();
        assert!(row.take(network("192.0.2.1")).is_none());
        assert!(row.take(network("192.0.2.2")).is_some());
        drop(first);
        assert!(row.take(network("192.0.2.1")).is_some());
        assert_eq!(*row.taken.lock().unwrap(), HashMap::from([(network("192.0.2.1"), 1)]), "who left is forgotten");
    }

    #[test]
    fn sb_08_an_ipv6_home_is_one_address() {
        let row = Row::new(1);
        let _seat = row.take(network("2001:db8::1")).unwrap();
        assert!(row.take(network("2001:db8::ffff:1")).is_none());
        assert!(row.take(network("2001:db8:0:1::1")).is_some());
    }
}
