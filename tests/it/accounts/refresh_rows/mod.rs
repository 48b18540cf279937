//! Every interleaving of an owner, a thief, lost and late answers, two tabs and two processes, up to a length: what a
//! refresh is answered, that one store alone is never signed out, and when a theft must have been detected.
//!
//! `model.rs` is the expectation. It is written from the text of the requirement, looks at nothing but the history, and
//! shares nothing with the program. `ledger.rs` asks the program's own rule about the same rows; `wire.rs` runs rows
//! against two processes.
//!
//! An operation that can change nothing (delivering an answer where none is under way, a second pause in a row) is left
//! out: its row equals a shorter one.

mod ledger;
mod model;
mod wire;

use std::collections::BTreeSet;

use ledger::Ledger;
use model::{Expected, Op, Thief, World};

/// The longest interleaving.
const LENGTH: usize = 6;
/// Steps in which rows are compared.
const ALIKE: usize = 3;

/// An interleaving that was walked to its end, with what the rule said to each refresh on the way.
#[derive(Clone)]
struct Walk {
    world: World,
    ledger: Ledger,
    ops: Vec<Op>,
    /// Each operation with the situation that it met.
    steps: Vec<String>,
}

impl Walk {
    fn new(thief: Thief) -> Self {
        Self { world: World::new(thief), ledger: Ledger::default(), ops: Vec::new(), steps: Vec::new() }
    }

    /// The walk after one more operation, in which model and rule were held to each other.
    fn after(&self, op: Op) -> Self {
        let mut next = self.clone();
        next.ops.push(op);
        next.steps.push(self.ledger.step(op, &self.world));
        if let Some(request) = next.world.request(op) {
            let expected = next.world.expected(&request);
            let ruled = next.ledger.refresh(&request);
            assert_eq!(ruled, expected, "{:?} with a thief {:?}", next.ops, next.world.thief_is);
            next.world.answer(op, &request, expected);
        } else {
            next.ledger.note(op, &next.world);
            next.world.happen(op);
        }
        next
    }

    fn then(&self, ops: &[Op]) -> Self {
        ops.iter().fold(self.clone(), |walk, op| if walk.world.ended { walk } else { walk.after(*op) })
    }

    fn successors(&self) -> impl Iterator<Item = Op> {
        let before = self.ops.last().copied();
        Op::ALL.into_iter().filter(move |op| !self.world.ended && self.world.changes(*op, before))
    }
}

/// All interleavings, the shortest first.
fn every_walk(mut visit: impl FnMut(&Walk)) {
    let mut generation: Vec<_> = [Thief::Elsewhere, Thief::AtHome].map(Walk::new).into();
    for length in 1..=LENGTH {
        let mut next = Vec::new();
        for walk in &generation {
            for op in walk.successors() {
                let longer = walk.after(op);
                visit(&longer);
                // Nothing follows the longest ones.
                if length < LENGTH {
                    next.push(longer);
                }
            }
        }
        generation = next;
    }
}

/// The rule answers every row as the model has it (asserted on the way), one store alone is never signed out, and a
/// thief is detected.
#[test]
fn tk_03_tk_04_every_interleaving_is_answered_as_the_text_has_it() {
    let (mut rows, mut alone, mut overtaken, mut thefts) = (0, 0, 0, 0);
    every_walk(|walk| {
        rows += 1;
        let world = &walk.world;
        if !world.thief_presented {
            if world.overtaken {
                // The one thing that a store must not do; the model says what happens then.
                overtaken += 1;
                return;
            }
            alone += 1;
            assert!(!world.ended, "one store was signed out: {:?}", walk.ops);
            // It still has what it needs, whatever is under way.
            let later = walk.then(&[Op::Grace, Op::Refresh]);
            assert_eq!(later.world.answered, Some(Expected::New), "{:?}", later.ops);
        }
        if world.thief.is_some() {
            thefts += 1;
            // Once each of the two has refreshed and was seen, with the grace over in between, the session is over.
            let round =
                [Op::Grace, Op::Refresh, Op::Use, Op::Grace, Op::ThiefRefresh, Op::ThiefUse, Op::Grace, Op::Refresh];
            assert!(walk.then(&round).world.ended, "undetected: {:?}", walk.ops);
        }
    });
    println!("{rows} interleavings; one store alone in {alone}, two in {thefts}, an overtaken answer in {overtaken}");
    assert!(rows > 100_000 && alone > 10_000 && thefts > 50_000, "{rows} {alone} {thefts}");
}

/// Rows that end with a refresh are taken for equal over the wire where their last steps are, each met in the same
/// situation: what the service keeps of the token in question, who presents it from where, and whether an answer with it
/// was repeated. Whether an answer then arrives, late or never, shows in the situation of the next step. Of equal rows the
/// shortest is run, and of rows that begin alike only the longest. The rule itself was asked about all of them.
fn distinct_rows() -> (usize, Vec<(Thief, Vec<Op>)>) {
    let (mut rows, mut seen, mut chosen) = (0, BTreeSet::new(), BTreeSet::new());
    let mut generation: Vec<_> = [Thief::Elsewhere, Thief::AtHome].map(Walk::new).into();
    for length in 1..=LENGTH {
        let mut next = Vec::new();
        for walk in &generation {
            for op in walk.successors() {
                let longer = walk.after(op);
                rows += 1;
                let last = longer.steps.len().saturating_sub(ALIKE);
                if longer.world.request(op).is_some() && seen.insert(longer.steps[last..].to_vec()) {
                    let thief = longer.world.thief_is;
                    for shorter in 1..length {
                        chosen.remove(&(thief, longer.ops[..shorter].to_vec()));
                    }
                    chosen.insert((thief, longer.ops.clone()));
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
async fn tk_03_tk_04_distinct_interleavings_are_answered_so_by_two_processes() {
    let (rows, distinct) = distinct_rows();
    println!("{} distinct rows of {rows}", distinct.len());
    wire::run(&distinct).await;
}
