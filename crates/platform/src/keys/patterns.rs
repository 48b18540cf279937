//! Detection of keys whose bytes follow from the previous ones by a simple rule, and so can be guessed.

use std::{collections::HashSet, hash::Hash};

/// How many different values are tolerated where a sequence would have one: a few altered bytes don't make a key
/// strong.
const MAX_STEPS: usize = 8;

/// Whether there are few different steps from byte to byte (`0123…`, bytes 0 to 31, `a1b2c3…`, one repeated byte), or
/// from key to key of a keyboard (`1qaz2wsx…`).
pub fn is_sequence(bytes: &[u8]) -> bool {
    let max = (bytes.len() / 4).min(MAX_STEPS);
    has_few(bytes.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])), max) || is_keyboard_walk(bytes, max)
}

/// Whether the bytes follow a simple arithmetic rule: squares, Fibonacci numbers, a counter combined with a constant, a
/// linear congruential generator.
pub fn follows_a_rule(bytes: &[u8]) -> bool {
    let max = (bytes.len() / 5).min(6);
    let triples = || bytes.windows(3).map(|three| [three[0], three[1], three[2]]);
    let pairs = || bytes.windows(2).map(|pair| [pair[0], pair[1]]);
    has_few(pairs().map(|[before, at]| at ^ before), max)
        || has_few(
            triples().map(|[first, before, at]| at.wrapping_sub(before).wrapping_sub(before.wrapping_sub(first))),
            max,
        )
        || has_few(triples().map(|[first, before, at]| at.wrapping_sub(before).wrapping_sub(first)), max)
        || (2..=u8::MAX)
            .any(|factor| has_few(pairs().map(|[before, at]| at.wrapping_sub(before.wrapping_mul(factor))), 2))
}

/// Whether there are at most `most` different values.
fn has_few<T: Eq + Hash>(mut values: impl Iterator<Item = T>, max: usize) -> bool {
    let mut found = HashSet::with_capacity(max + 1);
    values.all(|value| !found.insert(value) || found.len() <= max)
}

/// The rows of a keyboard, with and without shift.
const ROWS: [[&str; 2]; 4] = [
    ["`1234567890-=", "~!@#$%^&*()_+"],
    ["qwertyuiop[]\\", "QWERTYUIOP{}|"],
    ["asdfghjkl;'", "ASDFGHJKL:\""],
    ["zxcvbnm,./", "ZXCVBNM<>?"],
];

/// The position of a character on the keyboard: row and column.
fn key_position(character: u8) -> Option<(usize, usize)> {
    ROWS.iter().enumerate().find_map(|(row, keys)| {
        let place = keys.iter().find_map(|keys| keys.bytes().position(|key| key == character))?;
        Some((row, place))
    })
}

fn is_keyboard_walk(bytes: &[u8], max: usize) -> bool {
    let places: Option<Vec<_>> = bytes.iter().map(|byte| key_position(*byte)).collect();
    places.is_some_and(|places| {
        let step = |pair: &[(usize, usize)]| {
            let [from, to] = [pair[0], pair[1]];
            (to.0.wrapping_sub(from.0), to.1.wrapping_sub(from.1))
        };
        has_few(places.windows(2).map(step), max)
    })
}
