//! Whom the load comes from: telephone numbers and client addresses that are all different, so that every quota is
//! counted and none is in the way.

use std::{
    net::Ipv4Addr,
    sync::atomic::{AtomicU64, Ordering},
};

/// The first digits after 010 that Korea's numbering plan gives to mobile telephones throughout.
const LEADS: [u64; 7] = [2, 3, 4, 6, 7, 8, 9];
const PER_LEAD: u64 = 10_000_000;
const NUMBERS: u64 = LEADS.len() as u64 * PER_LEAD;
/// Has no factor in common with [`NUMBERS`], so that multiplying by it meets each number once, and neighbours are apart.
const STRIDE: u64 = 48_271_003;
/// Client addresses out of 10.0.0.0/8.
const CLIENTS: u64 = 60_000;

/// Hands out people.
pub struct People(AtomicU64);

/// Somebody.
#[derive(Clone, Debug)]
pub struct Person {
    pub number: u64,
    /// In E.164.
    pub phone: String,
    pub address: Ipv4Addr,
}

impl People {
    /// The people from `first` on: another run on the same database begins where this one ended.
    pub fn from(first: u64) -> Self {
        Self(AtomicU64::new(first))
    }

    pub fn next(&self) -> Person {
        Person::of(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

impl Person {
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
    fn no_two_people_share_a_number() {
        let people = People::from(69_990_000);
        let phones: HashSet<_> = (0..100_000).map(|_| people.next().phone).collect();
        assert_eq!(phones.len(), 100_000);
        assert!(phones.iter().all(|phone| phone.len() == 13 && phone.starts_with("+8210")));
        // Were they factors of it, multiplying would leave numbers out.
        assert!([2, 5, 7].iter().all(|factor| !STRIDE.is_multiple_of(*factor)));
    }

    #[test]
    fn a_person_has_the_same_address_each_time() {
        assert_eq!(Person::of(7).address, Person::of(7).address);
        assert_eq!(Person::of(0).address, Ipv4Addr::new(10, 0, 0, 1));
        assert_ne!(Person::of(1).address, Person::of(2).address);
    }
}
