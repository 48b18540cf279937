//! Limits of open sockets and streams per client address and per account.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use crate::session::access_token_verifier::Auth;
use domain::{caller::ClientAddress, ids::AccountId};
use platform::config::http::Http;

/// The limits of all addresses and accounts.
#[derive(Clone, Debug)]
pub struct ConcurrencyLimits {
    /// By address (IPv6: by /64).
    addresses: Limit<IpAddr>,
    accounts: Limit<AccountId>,
}

/// The limit that is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamLimit {
    Address,
    Account,
}

/// Counts what is open by owner. Owners without open streams are removed.
#[derive(Clone, Debug)]
struct Limit<K> {
    max: usize,
    open: Arc<Mutex<HashMap<K, usize>>>,
}

/// Permit of one open socket or stream; released when dropped.
#[derive(Debug)]
pub struct StreamPermit<K: Eq + Hash> {
    owner: K,
    taken: Arc<Mutex<HashMap<K, usize>>>,
}

pub type AddressPermit = StreamPermit<IpAddr>;
pub type AccountPermit = StreamPermit<AccountId>;

impl ConcurrencyLimits {
    pub fn new(settings: &Http) -> Self {
        Self { addresses: Limit::new(settings.sockets_per_address), accounts: Limit::new(settings.sockets_per_account) }
    }

    /// A permit for one more socket or stream from this address.
    ///
    /// # Errors
    /// [`StreamLimit`] if the address has reached its limit.
    pub fn acquire_for_address(&self, address: ClientAddress) -> Result<AddressPermit, StreamLimit> {
        self.addresses.acquire(address.network()).ok_or(StreamLimit::Address)
    }

    /// A permit for one more socket or stream of the signed-in account; None for anonymous clients.
    ///
    /// # Errors
    /// [`StreamLimit`] if the account has reached its limit.
    pub fn acquire_for_account(&self, auth: &Auth) -> Result<Option<AccountPermit>, StreamLimit> {
        match auth {
            Auth::SignedIn(signed_in) => {
                self.accounts.acquire(signed_in.account.clone()).map(Some).ok_or(StreamLimit::Account)
            }
            Auth::Anonymous | Auth::Refused => Ok(None),
        }
    }
}

impl<K: Clone + Eq + Hash> Limit<K> {
    fn new(max: usize) -> Self {
        Self { max, open: Arc::default() }
    }

    fn acquire(&self, owner: K) -> Option<StreamPermit<K>> {
        let mut taken = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(owner.clone()).or_default();
        if *count >= self.max {
            return None;
        }
        *count += 1;
        Some(StreamPermit { owner, taken: self.open.clone() })
    }
}

impl<K: Eq + Hash> Drop for StreamPermit<K> {
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
    fn sb_08_permits_are_counted_by_owner_and_released() {
        let limit = Limit::new(2);
        let first = limit.acquire(network("192.0.2.1"));
        let _second = limit.acquire(network("::ffff:192.0.2.1")).unwrap();
        assert!(limit.acquire(network("192.0.2.1")).is_none());
        assert!(limit.acquire(network("192.0.2.2")).is_some());
        drop(first);
        assert!(limit.acquire(network("192.0.2.1")).is_some());
        assert_eq!(*limit.open.lock().unwrap(), HashMap::from([(network("192.0.2.1"), 1)]), "idle owners are removed");
    }

    #[test]
    fn sb_08_ipv6_prefix_is_one_address() {
        let limit = Limit::new(1);
        let _seat = limit.acquire(network("2001:db8::1")).unwrap();
        assert!(limit.acquire(network("2001:db8::ffff:1")).is_none());
        assert!(limit.acquire(network("2001:db8:0:1::1")).is_some());
    }
}
