use super::*;
use crate::password::hasher::Cost;

const SEED: Seed = [7; 32];
const NAMES: usize = 20_000;
const DJANGO: &str = "pbkdf2_sha256$20000$NaClSaltySalt1234567Ab$mDFJJJwASQJXdu0OOHqWesm7h+Rk5w0MzkgiZk1OtLI=";
const BCRYPT: &str = "$2b$12$C6UzMDM.H6dfI/f/IKcEeO7cNfnyPqQ.cP1pXAYjbEdBE9eqTtcNW";
const OURS: &str = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
const FORMERLY_OURS: &str =
    "$argon2id$v=19$m=65536,t=3,p=1$MDEyMzQ1Njc4OWFiY2RlZg$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

fn count_schemes(hashes: &[(&str, usize)]) -> SchemeCounts {
    let mut counts = SchemeCounts::default();
    for (hash, count) in hashes {
        (0..*count).for_each(|_| counts.add(hash));
    }
    counts
}

fn class(hash: &str) -> String {
    PasswordHash::from_stored(hash).unwrap().scheme.blank().to_string()
}

fn decoys(census: &SchemeCensus) -> Decoys {
    let ours = Arc::new(PasswordHash::from_stored(OURS).unwrap().scheme);
    Decoys::new(&Cost::default(), ours, &SEED, census)
}

fn chosen(decoys: &Decoys) -> Vec<String> {
    (0..NAMES).map(|name| decoys.choose(&format!("+8210{name:08}")).blank().to_string()).collect()
}

/// The difference between the share of a scheme among the decoys and its share among the accounts, in standard
/// deviations of a binomial distribution.
fn deviation(chosen: &[String], hash: &str, share: f64) -> f64 {
    let class = class(hash);
    let found = chosen.iter().filter(|name| **name == class).count() as f64;
    let names = chosen.len() as f64;
    (found - names * share).abs() / (names * share * (1.0 - share)).sqrt()
}

#[test]
fn decoy_schemes_have_the_distribution_of_the_accounts() {
    let counts = [(OURS, 600), (BCRYPT, 250), (DJANGO, 140), (FORMERLY_OURS, 10)];
    let census = SchemeCensus::default().next(count_schemes(&counts));
    let chosen = chosen(&decoys(&census));
    for (hash, count) in counts {
        let deviation = deviation(&chosen, hash, count as f64 / 1000.0);
        assert!(deviation < 4.0, "{hash}: {deviation:.1} deviations off");
    }
}

#[test]
fn an_identifier_has_the_same_decoy_in_every_process() {
    let census = SchemeCensus::default().next(count_schemes(&[(OURS, 5), (BCRYPT, 5), (DJANGO, 5)]));
    assert_eq!(chosen(&decoys(&census)), chosen(&decoys(&census)));
    let ours = Arc::new(PasswordHash::from_stored(OURS).unwrap().scheme);
    let elsewhere = Decoys::new(&Cost::default(), ours, &[8; 32], &census);
    assert_ne!(chosen(&decoys(&census)), chosen(&elsewhere), "decoys depend on the secret seed");
}

#[test]
fn identifiers_move_only_to_the_current_scheme_as_accounts_are_rehashed() {
    let mut census = SchemeCensus::default().next(count_schemes(&[(OURS, 100), (BCRYPT, 500), (DJANGO, 400)]));
    let mut before = chosen(&decoys(&census));
    for (ours, bcrypt, django) in [(150, 450, 400), (400, 450, 150), (990, 0, 10), (1500, 0, 10), (1510, 0, 0)] {
        census = census.next(count_schemes(&[(OURS, ours), (BCRYPT, bcrypt), (DJANGO, django)]));
        let after = chosen(&decoys(&census));
        for (before, after) in before.iter().zip(&after) {
            assert!(before == after || *after == class(OURS), "{before} became {after}");
        }
        let total = (ours + bcrypt + django) as f64;
        for (hash, count) in [(OURS, ours), (BCRYPT, bcrypt), (DJANGO, django)] {
            let share = count as f64 / total;
            let deviation = if count == 0 { 0.0 } else { deviation(&after, hash, share) };
            assert!(deviation < 4.0 || share > 0.999, "{hash}: {deviation:.1} deviations off {share}");
        }
        before = after;
    }
    assert!(before.iter().all(|chosen| *chosen == class(OURS)));
}

#[test]
fn shares_are_correct_after_accounts_were_deleted() {
    let census = SchemeCensus::default().next(count_schemes(&[(OURS, 10), (BCRYPT, 1000)]));
    let census = census.next(count_schemes(&[(OURS, 10), (BCRYPT, 10), (DJANGO, 20)]));
    let chosen = chosen(&decoys(&census));
    for (hash, share) in [(OURS, 0.25), (BCRYPT, 0.25), (DJANGO, 0.5)] {
        let deviation = deviation(&chosen, hash, share);
        assert!(deviation < 4.0, "{hash}: {deviation:.1} deviations off");
    }
}

#[test]
fn without_accounts_or_valid_hashes_the_decoy_is_the_current_scheme() {
    for census in [SchemeCensus::default(), SchemeCensus::default().next(count_schemes(&[("garbled", 3)]))] {
        assert!(chosen(&decoys(&census)).iter().all(|chosen| *chosen == class(OURS)));
    }
}

#[test]
fn a_census_contains_no_salts_and_is_bounded() {
    let mut counts = SchemeCounts::default();
    for rounds in 10_000..10_200 {
        counts.add(&DJANGO.replace("20000", &rounds.to_string()));
    }
    counts.add(BCRYPT);
    counts.add(BCRYPT);
    let census = SchemeCensus::default().next(counts);
    assert_eq!(census.schemes.len(), MAX_SCHEMES);
    assert_eq!((census.schemes[0].accounts, census.schemes[0].peak), (2, 2), "the most frequent schemes are kept");
    let text = serde_json::to_string(&census).unwrap();
    assert!(!text.contains("NaCl") && !text.contains("C6UzMDM"), "{text}");
}
