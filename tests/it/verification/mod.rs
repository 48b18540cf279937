//! Verifications over the wire, as used by an attacker and by a legitimate user. Each test names the requirements that
//! it covers (CL, BF, EN, CR, DR, SB, FD, FZ).

mod across_accounts;
mod attestation;
mod clients;
mod contact_quotas;
mod decoys;
mod disclosure;
mod email;
mod guessing;
mod idempotency;
mod inputs;
mod lost_answers;
mod purposes;
mod redis;
mod resend;
mod reset;
mod streams;
mod test_contacts;
mod timing;

use serde_json::Value;

/// The union members of the results, sorted, with their counts.
fn counts_by_type<'a>(responses: impl IntoIterator<Item = &'a Value>) -> Vec<(String, usize)> {
    let mut counts = std::collections::BTreeMap::new();
    for response in responses {
        *counts.entry(response["__typename"].as_str().unwrap().to_owned()).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}

fn counts(expected: &[(&str, usize)]) -> Vec<(String, usize)> {
    expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}
