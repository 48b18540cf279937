//! Simulated users, with distinct phone numbers and client addresses, so that all quotas are evaluated and none is
//! exceeded.

use std::{
    net::Ipv4Addr,
    sync::atomic::{AtomicU64, Ordering},
};

/// The first digits after 010 that are mobile numbers throughout in the Korean numbering plan.
const LEADS: [u64; 7] = [2, 3, 4, 6, 7, 8, 9];
const PER_LEAD: u64 = 10_000_000;
const NUMBERS: u64 = LEADS.len() as u64 * PER_LEAD;
/// Coprime to [`NUMBERS`], so that multiplication by it is a permutation that separates consecutive numbers.
const STRIDE: u64 = 48_271_003;
/// Number of client addresses, from 10.0.0.0/8.
const CLIENTS: u64 = 60_000;

/// Generates users.
pub struct Users(AtomicU64);

/// A simulated user.
#[derive(Clone, Debug)]
pub struct User {
    pub number: u64,
    /// In E.164.
    pub phone: String,
    pub address: Ipv4Addr,
}

impl Users {
    /// Starts with number `first`; another run on the same database needs other numbers.
    pub fn from(first: u64) -> Self {
        Self(AtomicU64::new(first))
    }

    pub fn next(&self) -> User {
        User::of(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

impl User {
    pub fn of(number: u64) -> Self {
        let spread = (number % NUMBERS) * STRIDE % NUMBERS;
        let lead = LEADS[usize::try_from(spread / PER_LEAD).unwrap_or_default()];
        let phone = format!("+8210{lead}{:07}", spread % PER_LEAD);
        let host = u32::try_from(number % CLIENTS).unwrap_or_default();
        Self { number, phone, address: Ipv4Addr::from(0x0a00_0001 + host) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn phone_numbers_are_distinct() {
        let users = Users::from(69_990_000);
        let phones: HashSet<_> = (0..100_000).map(|_| users.next().phone).collect();
        assert_eq!(phones.len(), 100_000);
        assert!(phones.iter().all(|phone| phone.len() == 13 && phone.starts_with("+8210")));
        // STRIDE has to be coprime to NUMBERS.
        assert!([2, 5, 7].iter().all(|factor| !STRIDE.is_multiple_of(*factor)));
    }

    #[test]
    fn address_is_deterministic() {
        assert_eq!(User::of(7).address, User::of(7).address);
        assert_eq!(User::of(0).address, Ipv4Addr::new(10, 0, 0, 1));
        assert_ne!(User::of(1).address, User::of(2).address);
    }
}
