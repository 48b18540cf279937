//! Whether two kinds of answers can be told apart by the time that they take (EN-03, EN-04).

use countersign::clock::Entropy;

/// The chance that a random one of `left` is smaller than a random one of `right`: 0.5 where nothing tells them apart
/// (the Mann-Whitney U, divided by the number of pairs).
pub fn auc(left: &[f64], right: &[f64]) -> f64 {
    let wins: f64 = left
        .iter()
        .flat_map(|l| {
            right.iter().map(move |r| {
                if l < r {
                    1.0
                } else if l > r {
                    0.0
                } else {
                    0.5
                }
            })
        })
        .sum();
    wins / (left.len() * right.len()) as f64
}

/// In an order that chance decides, so that what one leaves behind weighs on all alike.
pub fn shuffled<T>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    let chance = Entropy::seeded(7);
    for last in (1..items.len()).rev() {
        items.swap(last, u32::from_be_bytes(chance.bytes()) as usize % (last + 1));
    }
    items
}

#[test]
fn the_statistic_tells_what_is_apart_and_what_is_not() {
    let one: Vec<f64> = (0..300).map(f64::from).collect();
    let later: Vec<f64> = one.iter().map(|n| n + 200.0).collect();
    assert!((auc(&one, &one) - 0.5).abs() < 1e-9);
    assert!(auc(&one, &later) > 0.9);
}
