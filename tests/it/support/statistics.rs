//! Statistics on whether two kinds of responses differ in timing (EN-03, EN-04).

use platform::clock::Entropy;

/// The probability that a random element of `left` is smaller than a random element of `right`: 0.5 if the two are
/// indistinguishable (the Mann-Whitney U statistic divided by the number of pairs).
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

/// Shuffles with a fixed seed, so that drift during the run affects all kinds of samples alike.
pub fn shuffled<T>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    let chance = Entropy::seeded(7);
    for last in (1..items.len()).rev() {
        items.swap(last, u32::from_be_bytes(chance.bytes()) as usize % (last + 1));
    }
    items
}

#[test]
fn auc_is_half_for_equal_samples_and_near_one_for_separated_samples() {
    let one: Vec<f64> = (0..300).map(f64::from).collect();
    let later: Vec<f64> = one.iter().map(|n| n + 200.0).collect();
    assert!((auc(&one, &one) - 0.5).abs() < 1e-9);
    assert!(auc(&one, &later) > 0.9);
}
