//! Typed ids: a prefix for the type and 128 random bits in Crockford's base 32, lower case.

use std::fmt;

use crate::stored_text::StoredText;

/// A source of random bytes: the operating system, or a seed in a test.
pub trait RandomBytes {
    /// 16 random bytes.
    fn random_bytes(&self) -> [u8; 16];
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 128 bits in groups of five.
const DIGITS: usize = 26;

/// A new random id with this prefix.
fn random_id(prefix: &str, random: &impl RandomBytes) -> String {
    let mut bits = u128::from_be_bytes(random.random_bytes());
    let mut digits = [0u8; DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[(bits & 31) as usize];
        bits >>= 5;
    }
    let mut id = String::with_capacity(prefix.len() + DIGITS);
    id.push_str(prefix);
    id.extend(digits.iter().map(|digit| char::from(*digit)));
    id
}

fn well_formed(prefix: &str, text: &str) -> bool {
    text.strip_prefix(prefix)
        .is_some_and(|digits| digits.len() == DIGITS && digits.bytes().all(|byte| ALPHABET.contains(&byte)))
}

macro_rules! id {
    ($(#[$meta:meta])* $name:ident, $prefix:literal) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// A new random id.
            pub fn new(random: &impl RandomBytes) -> Self {
                Self(random_id($prefix, random))
            }

            /// Parses an id. None if `text` is not well formed, so that no lookup is needed.
            pub fn parse(text: &str) -> Option<Self> {
                well_formed($prefix, text).then(|| Self(text.to_owned()))
            }

            /// The whole id. It is a capability or identifies a user's data: never log it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            /// The first characters: enough to follow an id through the log, too few to use it.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let shown = self.0.get(..$prefix.len() + 6).unwrap_or($prefix);
                write!(f, "{shown}…")
            }
        }

        impl StoredText for $name {
            fn as_text(&self) -> &str {
                self.as_str()
            }

            /// A stored id is not checked again.
            fn from_text(text: &str) -> Option<Self> {
                Some(Self(text.to_owned()))
            }
        }
    };
}

id!(
    /// The id of a verification. It is the capability to watch, resend and confirm the verification, held by the client
    /// that started it.
    VerificationId,
    "ver_"
);
id!(
    /// The id of a delivery.
    DeliveryId,
    "dlv_"
);
id!(
    /// The id of an account.
    AccountId,
    "acc_"
);
id!(
    /// The id of a session.
    SessionId,
    "ses_"
);
id!(
    /// The id of a contact change. The undo token is derived from it with a server key.
    ContactChangeId,
    "cch_"
);

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        hash::{DefaultHasher, Hash, Hasher},
    };

    use super::*;

    /// Hashes of a counter: evenly distributed and deterministic.
    struct Seeded(Cell<u64>);

    impl RandomBytes for Seeded {
        fn random_bytes(&self) -> [u8; 16] {
            let half = |offset: u64| {
                let mut hasher = DefaultHasher::new();
                (self.0.get(), offset).hash(&mut hasher);
                u128::from(hasher.finish())
            };
            let bits = half(0) << 64 | half(1);
            self.0.set(self.0.get() + 1);
            bits.to_be_bytes()
        }
    }

    fn seeded(seed: u64) -> Seeded {
        Seeded(Cell::new(seed << 32))
    }

    /// EN-05: 26 digits of five bits, from 128 random bits.
    #[test]
    fn en_05_id_has_a_prefix_and_128_random_bits_and_parses_back() {
        let id = VerificationId::new(&seeded(1));
        assert_eq!(id.as_str().len(), 30);
        // All bits are random: over a few hundred ids, each position takes every possible digit.
        let entropy = seeded(2);
        let ids: Vec<_> = (0..600).map(|_| VerificationId::new(&entropy)).collect();
        for place in 0..DIGITS {
            let digits: std::collections::HashSet<_> = ids.iter().map(|id| id.as_str().as_bytes()[4 + place]).collect();
            // 26 digits hold 130 bits: the first has 3 of the 128.
            assert_eq!(digits.len(), if place == 0 { 8 } else { 32 }, "place {place}");
        }
        assert_eq!(VerificationId::parse(id.as_str()), Some(id.clone()));
        assert_eq!(AccountId::parse(id.as_str()), None);
        assert_eq!(VerificationId::parse("ver_"), None);
        assert_eq!(VerificationId::parse("ver_\0"), None);
    }

    #[test]
    fn en_05_debug_does_not_show_the_whole_id() {
        let id = VerificationId::new(&seeded(1));
        assert!(format!("{id:?}").len() < 16);
    }
}
