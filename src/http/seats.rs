//! How many streams one client address may hold open at once.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use crate::caller::ClientAddress;

/// Counts open streams by address (IPv6: by /64).
#[derive(Clone, Debug)]
pub struct Seats {
    most: usize,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One open stream; dropped when it ends.
#[derive(Debug)]
pub struct Seat {
    address: IpAddr,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Seats {
    pub fn new(most: usize) -> Self {
        Self { most, taken: Arc::default() }
    }

    /// A seat for one more socket or stream; none where the address holds as many as it may.
    pub fn take(&self, address: ClientAddress) -> Option<Seat> {
        let address = address.network();
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(address).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Seat { address, taken: self.taken.clone() })
    }

    /// Open streams of all addresses.
    pub fn taken(&self) -> usize {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> ClientAddress {
        ClientAddress::new(text.parse().unwrap())
    }

    #[test]
    fn sb_08_each_address_has_its_seats_and_gets_them_back() {
        let seats = Seats::new(2);
        let first = seats.take(address("192.0.2.1"));
        let _second = seats.take(address("::ffff:192.0.2.1")).unwrap();
        assert!(seats.take(address("192.0.2.1")).is_none());
        assert!(seats.take(address("192.0.2.2")).is_some());
        drop(first);
        assert!(seats.take(address("192.0.2.1")).is_some());
        assert_eq!(seats.taken(), 1);
    }

    #[test]
    fn sb_08_an_ipv6_home_is_one_address() {
        let seats = Seats::new(1);
        let _seat = seats.take(address("2001:db8::1")).unwrap();
        assert!(seats.take(address("2001:db8::ffff:1")).is_none());
        assert!(seats.take(address("2001:db8:0:1::1")).is_some());
    }
}
