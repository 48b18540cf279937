//! Every interleaving, up to a length, of an owner, an attacker, lost and late responses, two tabs and two processes:
//! the result of each refresh, that a single client is never signed out, and when a theft must be detected.
//!
//! `model.rs` is the expected behaviour. It is written from the text of the requirement, uses only the history of
//! events and shares no code with the server. `stored_rows.rs` evaluates the server's own rule on the same rows; `wire.rs`
//! runs the rows against two processes.
//!
//! Operations without any effect (delivering a response when none is in flight, a second pause in a row) are omitted:
//! such a row equals a shorter one.

mod model;
mod stored_rows;
mod wire;

use std::collections::BTreeSet;

use model::{Attacker, Expected, Model, Op};
use stored_rows::StoredRows;

/// The maximum length of an interleaving.
const LENGTH: usize = 6;
/// The number of final steps by which rows are compared.
const ALIKE: usize = 3;

/// A completed interleaving with the rule's result for each refresh.
#[derive(Clone)]
struct Interleaving {
    model: Model,
    stored_rows: StoredRows,
    ops: Vec<Op>,
    /// Each operation with the situation in which it happened.
    steps: Vec<String>,
}

impl Interleaving {
    fn new(attacker: Attacker) -> Self {
        Self { model: Model::new(attacker), stored_rows: StoredRows::default(), ops: Vec::new(), steps: Vec::new() }
    }

    /// The walk extended by one operation. Asserts that model and rule agree.
    fn after(&self, op: Op) -> Self {
        let mut next = self.clone();
        next.ops.push(op);
        next.steps.push(self.stored_rows.step(op, &self.model));
        if let Some(request) = next.model.request(op) {
            let expected = next.model.expected(&request);
            let ruled = next.stored_rows.refresh(&request);
            assert_eq!(ruled, expected, "{:?} with an attacker {:?}", next.ops, next.model.attacker_network);
            next.model.respond(op, &request, expected);
        } else {
            next.stored_rows.record_use(op, &next.model);
            next.model.apply(op);
        }
        next
    }

    fn then(&self, ops: &[Op]) -> Self {
        ops.iter().fold(
            self.clone(),
            |interleaving, op| if interleaving.model.ended { interleaving } else { interleaving.after(*op) },
        )
    }

    fn successors(&self) -> impl Iterator<Item = Op> {
        let before = self.ops.last().copied();
        Op::ALL.into_iter().filter(move |op| !self.model.ended && self.model.changes(*op, before))
    }
}

/// All interleavings, shortest first.
fn every_interleaving(mut visit: impl FnMut(&Interleaving)) {
    let mut generation: Vec<_> = [Attacker::Elsewhere, Attacker::AtHome].map(Interleaving::new).into();
    for length in 1..=LENGTH {
        let mut next = Vec::new();
        for interleaving in &generation {
            for op in interleaving.successors() {
                let longer = interleaving.after(op);
                visit(&longer);
                // The longest ones are not extended.
                if length < LENGTH {
                    next.push(longer);
                }
            }
        }
        generation = next;
    }
}

/// The rule agrees with the model for every row (asserted along the way), a single client is never signed out, and an
/// attacker is detected.
#[test]
fn tk_03_tk_04_every_interleaving_follows_the_requirement() {
    let (mut rows, mut alone, mut overtaken, mut thefts) = (0, 0, 0, 0);
    every_interleaving(|interleaving| {
        rows += 1;
        let model = &interleaving.model;
        if !model.attacker_presented {
            if model.overtaken {
                // The one case in which a client may be signed out; the model defines the result.
                overtaken += 1;
                return;
            }
            alone += 1;
            assert!(!model.ended, "a single client was signed out: {:?}", interleaving.ops);
            // The client still has a usable token, whatever is in flight.
            let later = interleaving.then(&[Op::Grace, Op::Refresh]);
            assert_eq!(later.model.answered, Some(Expected::New), "{:?}", later.ops);
        }
        if model.attacker.is_some() {
            thefts += 1;
            // Once both have refreshed and were seen in use, with the end of a grace period in between, the session is
            // over.
            let round = [
                Op::Grace,
                Op::Refresh,
                Op::Use,
                Op::Grace,
                Op::AttackerRefresh,
                Op::AttackerUse,
                Op::Grace,
                Op::Refresh,
            ];
            assert!(interleaving.then(&round).model.ended, "undetected: {:?}", interleaving.ops);
        }
    });
    println!("{rows} interleavings; a single client in {alone}, two in {thefts}, an overtaken response in {overtaken}");
    assert!(rows > 100_000 && alone > 10_000 && thefts > 50_000, "{rows} {alone} {thefts}");
}

/// Rows that end with a refresh count as equal over the wire if their last steps are equal and happened in equal
/// situations: what the server stores about the token, who presents it from where, and whether a response with it was
/// repeated. Whether a response then arrives, late or never, shows in the situation of the next step. Of equal rows the
/// shortest is run, and of rows with a common start only the longest. The rule itself was evaluated on all of them.
fn distinct_rows() -> (usize, Vec<(Attacker, Vec<Op>)>) {
    let (mut rows, mut seen, mut chosen) = (0, BTreeSet::new(), BTreeSet::new());
    let mut generation: Vec<_> = [Attacker::Elsewhere, Attacker::AtHome].map(Interleaving::new).into();
    for length in 1..=LENGTH {
        let mut next = Vec::new();
        for interleaving in &generation {
            for op in interleaving.successors() {
                let longer = interleaving.after(op);
                rows += 1;
                let last = longer.steps.len().saturating_sub(ALIKE);
                if longer.model.request(op).is_some() && seen.insert(longer.steps[last..].to_vec()) {
                    let attacker = longer.model.attacker_network;
                    for shorter in 1..length {
                        chosen.remove(&(attacker, longer.ops[..shorter].to_vec()));
                    }
                    chosen.insert((attacker, longer.ops.clone()));
                }
                if length < LENGTH {
                    next.push(longer);
                }
            }
        }
        generation = next;
    }
    (rows, chosen.into_iter().collect())
}

#[tokio::test]
async fn tk_03_tk_04_distinct_interleavings_hold_across_two_processes() {
    let (rows, distinct) = distinct_rows();
    println!("{} distinct rows of {rows}", distinct.len());
    wire::run(&distinct).await;
}
